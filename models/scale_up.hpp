// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file scale_up.hpp
/// The scale-up network of one host (NVLink through NVSwitch, or what comes near it): lossless,
/// every GPU has one egress and one ingress port of equal rate, a switch that cuts through, credits
/// per (source, destination). The switch can add up and copy (NVLS). Moves whole units of some 64
/// KiB, so that it stays cheap beside the packet model. Equations, sources and deviations:
/// docs/models/scale_up.md.

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "models/host_services.hpp"
#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

enum class ScaleUpKind : std::uint8_t { kNvswitch, kNone };

/// Defaults are those of preset nvlink3 (A100).
struct ScaleUpParams {
  ScaleUpKind kind = ScaleUpKind::kNvswitch;
  BitRate rate = BitRate::gigabytes_per_s(300);  ///< Line rate per GPU and direction, > 0.
  double efficiency = 0.8;                       ///< Share of the rate left for payload, (0, 1].
  Duration latency = Duration::ns(600);          ///< First byte, GPU through switch to GPU, >= 0.
  Bytes unit = Bytes::kibi(64);                  ///< Moved as one piece, >= 256 B.
  Bytes window{};  ///< In flight per (source, destination); 0 = just enough for the full rate.
  bool in_switch_reduction = false;    ///< The switch adds up and copies: NVSwitch from gen. 3 on.
  double in_switch_efficiency = 0.85;  ///< Share of the payload's rate left then, (0, 1].
};

void describe(ParamVisitor& visitor, ScaleUpParams& params);

/// Defaults with one of the presets nvlink3, nvlink4, nvlink5, xgmi_mi300x, ici_v5p applied.
/// @throws UserError naming the nearest preset.
ScaleUpParams scale_up_preset(std::string_view name);

/// Told by ScaleUp::advance; may call ScaleUp::send.
class ScaleUpSink {
 public:
  virtual ~ScaleUpSink() = default;
  virtual void delivered(SimTime now, const MessageKey& key, Bytes size) = 0;
  virtual void acked(SimTime now, const MessageKey& key, std::uint64_t token) = 0;
  /// The same for ScaleUp::send_in_switch().
  virtual void switch_delivered(SimTime now, const MessageKey& key, Bytes size) = 0;
  virtual void switch_acked(SimTime now, const MessageKey& key, std::uint64_t token) = 0;
};

/// State of one host's network, owned and driven by that host, one thread.
/// Messages between the same two GPUs are sent, delivered and acknowledged in order of send().
/// A unit costs one event, a message two more.
class ScaleUp {
 public:
  /// @param first the GPU that is number 0 here. @pre params.kind is not kNone.
  ScaleUp(const ScaleUpParams& params, std::uint32_t gpus, GpuId first = GpuId(0));

  /// Queues a message between two GPUs of this host, numbered from 0. A zero-byte message takes
  /// the time of one header. @pre now is not before any earlier call's time.
  void send(SimTime now, const MessageKey& key, std::uint32_t from, std::uint32_t to, Bytes size,
            std::uint64_t token);
  /// Queues a share of a reduction or a multicast. The switch pulls a reduction's units from its
  /// team when all of them have sent their share.
  void send_in_switch(SimTime now, const SwitchTransfer& transfer);
  /// Time of the next thing that happens here, or never.
  SimTime next_time() const { return events_.empty() ? SimTime::never() : events_.front().time; }
  /// Runs everything up to and including `until`, in order of time; what happens together, in the
  /// order in which it was caused.
  void advance(SimTime until, ScaleUpSink& sink);

  /// Delivery time of a message on the idle network.
  Duration ideal(Bytes size) const;

  struct PortCounters {
    Bytes bytes{};    ///< Payload (and headers of empty messages) through this port.
    Duration busy{};  ///< Time spent on it.
  };
  const PortCounters& egress(std::uint32_t gpu) const { return sources_[gpu].counters; }
  const PortCounters& ingress(std::uint32_t gpu) const { return sinks_[gpu].counters; }
  Bytes window() const { return window_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr Bytes kHeader{128};  // what an empty message puts on the link
  static Bytes on_wire(Bytes size) { return size > Bytes{} ? size : kHeader; }

  struct Message {
    MessageKey key;
    Bytes size{};
    Bytes unsent{};
    std::uint64_t token = 0;
    std::uint32_t next = kNone;  // in its way's queue, or in the free list
    std::uint32_t work = kNone;  // of a transfer in the switch: index into works_
  };
  struct Work {  // of the switch: one reduction or multicast
    std::span<const GpuId> team;
    std::vector<std::uint32_t> messages;  // reduction: of the team, in its order
    std::deque<std::uint32_t> shares;     // by unit that is not complete: how many are there
    std::int64_t taken = 0;               // units that are complete
    std::uint32_t owner = 0;              // of the sum: place in the team
    std::uint32_t open = 0;               // messages that are not acknowledged
  };
  /// Shares of reductions to one owner under one stream that wait for the rest of their team.
  using Gathering = std::vector<std::deque<std::uint32_t>>;  // by place in the team
  struct Credit {
    SimTime returns;
    Bytes size;
  };
  struct Pair {  // (source, way): a way is a destination or what the switch does on the way to it
    std::uint32_t first = kNone, last = kNone;
    Bytes in_flight{};
    std::vector<Credit> credits;  // in order of return; those before credit_head have returned
    std::size_t credit_head = 0;
  };
  struct Source {
    SimTime free{};                     // egress port
    SimTime wake = SimTime::never();    // time of its one valid kWake event
    std::uint32_t cursor = 0;           // into active: whose turn it is
    std::vector<std::uint32_t> active;  // ways with queued messages
    PortCounters counters;
  };
  struct Destination {
    SimTime free{};  // ingress port
    PortCounters counters;
  };
  enum class EventKind : std::uint8_t { kWake, kDelivered, kAcked, kCopied };
  struct Event {
    SimTime time;
    std::uint64_t sequence;
    std::uint32_t target;  // source of a wake, else message
    EventKind kind;
    std::uint16_t place;  // of kCopied: who gets it, by place in the team
  };

  // Ways of a source with n GPUs: 0 .. n-1 to each GPU, n .. 2n-1 reduced to each, 2n to all.
  std::uint32_t gpus() const { return static_cast<std::uint32_t>(sinks_.size()); }
  std::uint32_t local(GpuId gpu) const { return gpu.value() - first_.value(); }
  Pair& pair(std::uint32_t from, std::uint32_t way) { return pairs_[from * ways_ + way]; }
  Duration unit_time(Bytes size, std::uint32_t way) const;
  void enqueue(SimTime now, std::uint32_t from, std::uint32_t way, std::uint32_t id);
  void gather(SimTime now, const SwitchTransfer& transfer, std::uint32_t id);
  std::uint32_t new_work(const SwitchTransfer& transfer);
  void forward(SimTime now, std::uint32_t source, std::uint32_t to, std::uint32_t id, Bytes size);
  void reduce(SimTime now, std::uint32_t way, std::uint32_t id, Bytes size);
  void copy(SimTime now, std::uint32_t source, std::uint32_t id, Bytes size);
  SimTime take(SimTime now, std::uint32_t gpu, Bytes size, Duration time);
  void acknowledge(const Event& event, ScaleUpSink& sink);
  void schedule(SimTime at, EventKind kind, std::uint32_t target, std::uint32_t place = 0);
  void pop();
  void drop_stale();
  void wake_at(std::uint32_t source, SimTime at);
  void serve(SimTime now, std::uint32_t source);
  std::uint32_t choose(SimTime now, std::uint32_t source, SimTime& retry);
  void transmit(SimTime now, std::uint32_t source, std::uint32_t way);
  static void collect_credits(SimTime now, Pair& pair);
  std::uint32_t new_message();

  Duration latency_;
  BitRate rate_, switch_rate_;
  Bytes unit_, window_;
  GpuId first_;
  std::uint32_t ways_;
  Duration full_unit_time_;
  std::vector<Pair> pairs_;
  std::vector<Source> sources_;
  std::vector<Destination> sinks_;
  std::vector<Message> messages_;
  std::uint32_t free_message_ = kNone;
  std::vector<Work> works_;
  std::vector<std::uint32_t> free_works_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Gathering> gatherings_;  // by (owner, stream)
  std::vector<Event> events_;  // binary heap, earliest first
  std::uint64_t next_sequence_ = 0;
  SimTime now_{};
};

}  // namespace plait
