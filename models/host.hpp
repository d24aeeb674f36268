// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file host.hpp
/// A host: its NICs, its scale-up network, and the ranks on its GPUs. One entity, because there is
/// no latency between a GPU and its NIC that the engine could use.
///
/// Order within a visit, at equal times: timers, then the scale-up network, then arrivals by (NIC,
/// sequence), then NIC departures. GPU g of n uses NIC g * nics / n.
///
/// NICs meet only through the processes of the host, so each is brought up to the time of an event
/// when the event concerns it (a packet for it, a message that a process posts), and all at the end
/// of the visit. All always are with ties by order of posting, because events have a common order
/// then, and where a timeout may be shorter than a window, because a packet that is sent late would
/// time out late.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "models/fixed_array.hpp"
#include "models/loss.hpp"
#include "models/nic.hpp"
#include "models/node_faults.hpp"
#include "models/scale_up.hpp"
#include "sim/fingerprint.hpp"
#include "sim/spill.hpp"

namespace plait {

class alignas(FetchQueue::kLine) Host final : public Entity,
                                              public HostServices,
                                              private NicListener,
                                              private ScaleUpSink {
 public:
  Host(NodeId node, NetworkContext& context);

  void place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start);
  RankProcess* process(GpuId gpu) { return processes_[local(gpu)].get(); }

  std::int64_t visit(const Window& window, Worker& worker) override;
  void prepare(const Window& window, unsigned visits_before, FetchQueue& ahead) const override;

  void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) override;
  void send_in_switch(SimTime now, const SwitchTransfer& transfer) override;
  void call_at(SimTime at, GpuId gpu, std::uint64_t token) override;
  double slowdown(SimTime now) const override;

  std::uint64_t fingerprint() const { return fingerprint_.combine(EntityId(node_.index())); }
  /// Processes that the run waits for, so without those in the background.
  std::uint32_t placed() const { return placed_; }
  std::uint32_t finished() const { return finished_; }
  /// When the last of them finished.
  SimTime finished_at() const { return SimTime::ps(finished_at_ps_); }
  bool has_background() const { return has_background_; }
  /// Time of the last thing that happened to a rank of this host.
  SimTime last_event() const { return SimTime::ps(last_event_ps_); }
  std::uint64_t lost() const { return loss_.lost(); }
  const NodeFaults& faults() const { return faults_; }
  /// Adds flows, messages (without delivery times from other hosts) and NIC links.
  void collect(SimTime end, RunRecords& records) const;
  const Nic& nic(std::uint32_t number) const { return nics_[number]; }
  std::size_t memory_bytes() const;

 private:
  enum class TimerKind : std::uint8_t { kStart, kCall };
  struct Timer {
    std::int64_t at_ps;
    std::uint64_t sequence;
    std::uint64_t token;
    std::uint32_t gpu;  // local
    TimerKind kind;
    bool operator>(const Timer& other) const {
      return at_ps != other.at_ps ? at_ps > other.at_ps : sequence > other.sequence;
    }
  };
  struct LocalFlow {  // messages between two GPUs of this host
    SpillVector<MessageRecord> messages;
    std::size_t delivered = 0, acked = 0;
  };
  struct KeyHash {
    std::size_t operator()(const MessageKey& key) const;
  };

  std::uint32_t local(GpuId gpu) const { return gpu.value() - first_gpu_.value(); }
  std::int64_t next_local_ps() const {
    const std::int64_t next = std::min(next_timer_ps_, next_nic_timer_ps_);
    return scale_up_ ? std::min(next, scale_up_->next_time().ps()) : next;
  }
  /// Runs timers and the scale-up network up to and including `until`.
  void run_local(std::int64_t until) {
    if (next_local_ps() <= until) run_due(until);
  }
  void run_due(std::int64_t until);
  void set_timer(const Timer& timer);
  void run_timer(const Timer& timer);
  /// Before an event that concerns one NIC.
  void advance_for(std::uint32_t nic, std::int64_t until) {
    if (together_) return advance_nics(until);
    nics_[nic].advance(until);
  }
  void advance_nics(std::int64_t until);
  void run_nic_timers(std::int64_t now);
  std::int64_t next_wish(std::int64_t next_arrival) const;
  void apply_faults(std::int64_t until);
  bool lost_on_arrival(std::uint32_t nic, const Packet& packet);
  void note(std::int64_t now, std::uint32_t gpu);
  LocalFlow& local_flow(const MessageKey& key);

  void message_delivered(std::int64_t now, const MessageKey& key, Bytes size) override;
  void message_acked(std::int64_t now, const MessageKey& key, std::uint64_t token) override;
  void delivered(SimTime now, const MessageKey& key, Bytes size) override;
  void acked(SimTime now, const MessageKey& key, std::uint64_t token) override;
  void switch_delivered(SimTime now, const MessageKey& key, Bytes size) override {
    message_delivered(now.ps(), key, size);
  }
  void switch_acked(SimTime now, const MessageKey& key, std::uint64_t token) override {
    message_acked(now.ps(), key, token);
  }

  // What every visit reads comes first, together: three cache lines.
  FixedArray<Nic> nics_;
  Fingerprint fingerprint_;
  NetworkContext& context_;
  std::int64_t next_timer_ps_ = INT64_MAX;      // of timers_
  std::int64_t next_nic_timer_ps_ = INT64_MAX;  // not above that of any NIC
  std::unique_ptr<ScaleUp> scale_up_;
  NodeId node_;
  std::uint32_t first_port_;
  GpuId first_gpu_;
  std::uint32_t gpus_;
  std::int64_t last_event_ps_ = 0, finished_at_ps_ = 0;
  bool faulty_;            // ever
  bool loses_;             // frames that arrive, by chance
  bool together_ = false;  // all NICs are brought up to every event

  NodeFaults faults_;
  LinkLoss loss_;
  std::vector<std::unique_ptr<RankProcess>> processes_;  // by local GPU
  std::vector<bool> done_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t timer_sequence_ = 0;
  std::vector<LocalFlow> local_flows_;                                  // in order of first use
  std::unordered_map<MessageKey, std::uint32_t, KeyHash> local_index_;  // never iterated
  std::uint32_t placed_ = 0, finished_ = 0;
  bool has_background_ = false;
};

}  // namespace plait
