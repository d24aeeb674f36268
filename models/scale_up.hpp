// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file scale_up.hpp
/// The scale-up network of one host (NVLink through NVSwitch, or what comes near it): lossless,
/// every GPU has one egress and one ingress port of equal rate, a switch that cuts through, credits
/// per (source, destination). Moves whole units of some 64 KiB, so that it stays cheap beside the
/// packet model. Equations, sources and deviations: docs/models/scale_up.md.

#include <cstdint>
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
};

/// State of one host's network, owned and driven by that host, one thread.
/// Messages between the same two GPUs are sent, delivered and acknowledged in order of send().
/// A unit costs one event, a message two more.
class ScaleUp {
 public:
  /// @pre params.kind is not kNone.
  ScaleUp(const ScaleUpParams& params, std::uint32_t gpus);

  /// Queues a message between two GPUs of this host, numbered from 0. A zero-byte message takes
  /// the time of one header. @pre now is not before any earlier call's time.
  void send(SimTime now, const MessageKey& key, std::uint32_t from, std::uint32_t to, Bytes size,
            std::uint64_t token);
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

  struct Message {
    MessageKey key;
    Bytes size{};
    Bytes unsent{};
    std::uint64_t token = 0;
    std::uint32_t next = kNone;  // in its pair's queue, or in the free list
  };
  struct Credit {
    SimTime returns;
    Bytes size;
  };
  struct Pair {  // (source, destination)
    std::uint32_t first = kNone, last = kNone;
    Bytes in_flight{};
    std::vector<Credit> credits;  // in order of return; those before credit_head have returned
    std::size_t credit_head = 0;
  };
  struct Source {
    SimTime free{};                     // egress port
    SimTime wake = SimTime::never();    // time of its one valid kWake event
    std::uint32_t cursor = 0;           // into active: whose turn it is
    std::vector<std::uint32_t> active;  // destinations with queued messages
    PortCounters counters;
  };
  struct Destination {
    SimTime free{};  // ingress port
    PortCounters counters;
  };
  enum class EventKind : std::uint8_t { kWake, kDelivered, kAcked };
  struct Event {
    SimTime time;
    std::uint64_t sequence;
    std::uint32_t target;  // source of a wake, else message
    EventKind kind;
  };

  Pair& pair(std::uint32_t from, std::uint32_t to) { return pairs_[from * sinks_.size() + to]; }
  Duration unit_time(Bytes size) const;
  void schedule(SimTime at, EventKind kind, std::uint32_t target);
  void pop();
  void drop_stale();
  void wake_at(std::uint32_t source, SimTime at);
  void serve(SimTime now, std::uint32_t source);
  std::uint32_t choose(SimTime now, std::uint32_t source, SimTime& retry);
  void transmit(SimTime now, std::uint32_t source, std::uint32_t destination);
  static void collect_credits(SimTime now, Pair& pair);
  std::uint32_t new_message();

  Duration latency_;
  BitRate rate_;
  Bytes unit_, window_;
  Duration full_unit_time_;
  std::vector<Pair> pairs_;
  std::vector<Source> sources_;
  std::vector<Destination> sinks_;
  std::vector<Message> messages_;
  std::uint32_t free_message_ = kNone;
  std::vector<Event> events_;  // binary heap, earliest first
  std::uint64_t next_sequence_ = 0;
  SimTime now_{};
};

}  // namespace plait
