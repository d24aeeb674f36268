// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file host_services.hpp
/// The seam between what runs on a GPU (a rank that walks an op graph) and what moves its bytes.
/// The rank knows only "send this message, tell me when it is there"; the same rank code runs over
/// the packet model and over every coarser one.
///
/// Rules: all calls happen inside the host's visit, on one thread, in order of simulated time;
/// `now` never decreases between callbacks of one host. A callback may call back into HostServices.

#include <cstdint>
#include <span>

#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

/// A FIFO channel of messages between two GPUs. Messages under one key are delivered in order.
/// `stream` is agreed by both ranks without talking (job-wide numbering of group, channel and tag).
struct MessageKey {
  GpuId from;
  GpuId to;
  std::uint32_t stream = 0;  ///< Below kMaxStreams.
  friend constexpr auto operator<=>(const MessageKey&, const MessageKey&) = default;
};
constexpr std::uint32_t kMaxStreams = 1U << 18;

/// A message that the switch of a host's scale-up network works on.
struct SwitchTransfer {
  enum class Work : std::uint8_t {
    kReduce,     ///< The k-th under (key.to, key.stream) of every GPU of the team make one message,
                 ///< their sum, which comes to key.to under {key.to, key.to, key.stream}.
    kMulticast,  ///< Comes to every GPU of the team, the sender too, as from the sender.
  };
  Work work = Work::kReduce;
  MessageKey key;  ///< Multicast: from and to are the sender.
  Bytes size{};    ///< > 0, or the transfer takes the time of one header.
  std::uint64_t token = 0;
  std::span<const GpuId> team;  ///< On this host, key.from and key.to among them; outlives the run.
};

class JobContext;
struct Op;

/// One rank's part in a collective call that is not expanded into messages.
struct CollectiveJoin {
  const JobContext* job = nullptr;
  GroupId group;           ///< Of the job.
  const Op* op = nullptr;  ///< Outlives the call.
  GpuId gpu;               ///< That joins.
  std::uint64_t token = 0;
};

/// What a host offers to the ranks on its GPUs.
class HostServices {
 public:
  virtual ~HostServices() = default;
  /// Queues `size` bytes (>= 0; zero-byte messages are carried as one header) from `key.from`, a
  /// GPU of this host. When the last byte is acknowledged, RankProcess::on_sent(now, token) of the
  /// sender follows.
  virtual void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) = 0;
  /// The same through the switch, which must have it (ScaleUpParams::in_switch_reduction);
  /// on_sent() follows when all the team's shares have been taken, or all copies delivered.
  virtual void send_in_switch(SimTime now, const SwitchTransfer& transfer);
  /// Calls RankProcess::on_timer(at, token) of the rank on `gpu` at time `at` >= now.
  virtual void call_at(SimTime at, GpuId gpu, std::uint64_t token) = 0;
  /// Where collectives have a price (JobContext::prices_collectives): RankProcess::on_timer follows
  /// with the token on every member when the call ends. A GPU joins a group's calls one at a time.
  virtual void join_collective(SimTime now, const CollectiveJoin& join);
  /// Factor on the duration of compute ops that start at `now`.
  virtual double slowdown(SimTime) const { return 1; }
};

/// A process on one GPU. Owned by the host of that GPU.
class RankProcess {
 public:
  virtual ~RankProcess() = default;
  virtual void on_start(SimTime now, HostServices& host) = 0;
  virtual void on_timer(SimTime now, std::uint64_t token) = 0;
  /// The message sent with `token` is delivered and acknowledged.
  virtual void on_sent(SimTime now, std::uint64_t token) = 0;
  /// The next message under `key` (to this GPU) has arrived completely.
  virtual void on_delivered(SimTime now, const MessageKey& key, Bytes size) = 0;
  /// All ops are done.
  virtual bool finished() const = 0;
  /// The run does not wait for this process: it ends when all others have finished. Never changes.
  virtual bool background() const { return false; }
  /// Some of what it does is in the background, so that the run may have to cut it short.
  virtual bool has_background() const { return background(); }
};

}  // namespace plait
