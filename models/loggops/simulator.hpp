// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file simulator.hpp
/// One job of computes, sends and receives in the LogGOPS model, each rank on its own host. It
/// follows LogGOPSim event by event, ties included, and reproduces its finish times to the
/// nanosecond; rules and the few deviations: docs/models/loggops.md. Sequential and exact.

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "models/gpu.hpp"
#include "models/loggops/params.hpp"
#include "models/op_plan.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

class LogGopsSimulator {
 public:
  /// @pre no collectives (see expand.hpp); the workload has passed its reader's checks and outlives
  /// this. The job's ranks start at `start`.
  LogGopsSimulator(const Workload& workload, const LogGopsParams& params, const GpuParams& gpu,
                   SimTime start);

  /// Processes events up to and including `until`. `keep_going` is asked every 2^16 events.
  /// @return false if `keep_going` said no.
  bool run(SimTime until, const std::function<bool()>& keep_going = {});

  /// Nothing can happen any more. If finished() is false then: a deadlock.
  bool at_rest() const { return events_.empty(); }
  bool finished() const { return ops_done_ == ops_; }
  bool finished(RankId rank) const;
  std::uint64_t events() const { return events_done_; }
  std::uint64_t messages() const { return messages_; }
  std::size_t ops_done() const { return ops_done_; }
  std::size_t ops() const { return ops_; }
  SimTime now() const { return now_; }

  /// When the last of a rank's CPUs falls idle: LogGOPSim's finish time.
  SimTime finish(RankId rank) const;
  /// never() for what has not come to pass.
  SimTime op_start(RankId rank, OpId op) const { return ranks_[rank.index()].start[op.index()]; }
  SimTime op_end(RankId rank, OpId op) const { return ranks_[rank.index()].end[op.index()]; }
  /// Who waits for what, one line each for the first ranks. @pre at_rest() and not finished().
  std::string stuck_report() const;

 private:
  enum class Kind : std::uint8_t { kSend, kRecv, kCompute, kMessage };
  struct Event {
    SimTime time;
    std::uint64_t order = 0;  ///< Of insertion, kept when an event is put off: breaks ties.
    Kind kind = Kind::kCompute;
    std::uint32_t rank = 0;  ///< Where it happens.
    RankId sender;           ///< Of a message.
    OpId op;                 ///< Of `rank`, or of the sender.
    bool operator>(const Event& other) const {
      return std::pair(time, order) > std::pair(other.time, other.order);
    }
  };
  struct Posted {  // a receive that waits, or a message that nobody has asked for
    RankId source;
    std::uint32_t tag = 0;
    OpId op;  // the receive, or the sender's send
  };
  struct Rank {
    std::vector<SimTime> cpu, nic_send, nic_receive;  // free from then on
    SpillVector<std::uint32_t> missing;               // predecessors, by op
    SpillVector<SimTime> ready, start, end;           // by op
    std::list<Posted> receives, unexpected;           // in order of posting, of arrival
    SpillVector<OpId> freed;                          // ready, not yet events
  };

  const OpPlan& plan(std::uint32_t rank) const { return *plans_[rank]; }
  const Op& op(std::uint32_t rank, OpId id) const { return plan(rank).graph().op(id); }
  std::size_t cpu_of(const Op& op) const { return cpu_index_.at({op.device, op.stream}); }
  Duration per_byte(Duration of_each, Bytes size) const;

  void enter_freed(std::uint32_t rank);
  void put_off(Event event, SimTime until);
  void handle(const Event& event);
  void handle_compute(const Event& event);
  void handle_send(const Event& event);
  void handle_receive(const Event& event);
  void handle_message(const Event& event);
  void finish_rendezvous(SimTime now, RankId sender, OpId send);
  void mark_started(std::uint32_t rank, OpId op, SimTime at);
  void mark_done(std::uint32_t rank, OpId op, SimTime at);
  void free_followers(std::uint32_t rank, std::span<const OpId> followers, SimTime at);

  const Workload& workload_;
  LogGopsParams params_;
  GpuParams gpu_;
  std::vector<std::shared_ptr<const OpPlan>> plans_;
  std::map<std::pair<Device, std::uint32_t>, std::size_t> cpu_index_;
  std::vector<Rank> ranks_;
  std::priority_queue<Event, SpillVector<Event>, std::greater<>> events_;
  std::vector<std::uint32_t> touched_;  // ranks on which something started or ended
  std::uint64_t next_order_ = 0, events_done_ = 0, messages_ = 0;
  std::size_t ops_ = 0, ops_done_ = 0;
  SimTime now_{};
};

}  // namespace plait
