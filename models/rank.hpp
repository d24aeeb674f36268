// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank.hpp
/// One process of a job: walks its op graph. An op starts when its dependencies and its predecessor
/// in its stream have ended; a collective also waits until earlier calls of its group have ended on
/// this rank. Semantics, costs and deviations: docs/models/rank.md.
///
/// A process that decides at run time what comes next contains a Rank and gives it one plan after
/// another: begin(), run() as often as it likes, finish() with or after the last one. It forwards
/// what belongs to the rank (collective streams, tokens without kForeignToken) and looks at idle()
/// after each.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/collective_run.hpp"
#include "models/fifo.hpp"
#include "models/host_services.hpp"
#include "models/job_context.hpp"
#include "models/rank_clock.hpp"
#include "models/records.hpp"

namespace plait {

/// Why an op that could start does not end.
struct WaitInfo {
  RankId rank;
  OpId op;
  std::uint32_t call = OpPlan::kNoCall;  ///< Collectives: number of the call in its group.
  bool waits_for_turn = false;           ///< An earlier call of the group has not ended here.
  bool waits_for_ack = false;            ///< Own messages are not acknowledged yet.
  std::vector<RankId> silent;            ///< Ranks from which a message is missing, ascending.
};

/// Owned and called by the host of its GPU, on one thread.
class Rank final : public RankProcess {
 public:
  Rank(std::shared_ptr<const JobContext> job, RankId rank);

  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override { return !more_to_come_ && idle(); }

  /// Set in the tokens of a process that contains a rank, never in those of the rank.
  static constexpr std::uint64_t kForeignToken = std::uint64_t{1} << 63;
  /// Starts without a plan.
  void begin(SimTime now, HostServices& host);
  /// Starts the ops of `plan`. @pre idle(), after begin(). `plan` calls collectives of the same
  /// groups as the rank's plan in the job, and sends and receives nothing else.
  void run(SimTime now, std::shared_ptr<const OpPlan> plan);
  /// No plan follows the one in hand.
  void finish() { more_to_come_ = false; }
  /// All ops of the plan in hand have ended.
  bool idle() const { return started() && ops_done_ == ops_in_hand_; }

  RankId id() const { return rank_; }
  const JobContext& job() const { return *job_; }
  const OpPlan& plan() const { return *plan_; }
  bool started() const { return clock_.started(); }
  std::size_t ops_done() const { return ops_done_; }  ///< Of the plan in hand.

  /// How the time went, up to the last change of state; `end` is the end of the last op.
  const RankRecord& record() const { return clock_.record(); }
  /// The same for a run that ended at `cut`: a rank that has not finished is accounted up to there.
  RankRecord record_until(SimTime cut) const { return clock_.record_until(cut, finished()); }
  /// Ops that ended, by start, then op id; empty unless the job records ops.
  SpillVector<OpRecord> op_records() const;

  /// Ops that have started or only wait for their group's turn, by op id.
  std::vector<WaitInfo> waits() const;
  /// Collective calls of `group` that this rank has joined.
  std::uint32_t calls_joined(GroupId group) const;

 private:
  struct GroupState {  // of one group that this rank's graph uses
    const JobGroup* group = nullptr;
    std::uint32_t position = 0;
    std::uint32_t joined = 0;            // calls
    std::unique_ptr<CollectiveRun> run;  // null between calls, and where calls have a price
    bool busy = false;                   // a call has been joined and has not ended
    std::vector<OpId> held;              // may start but for their turn
  };
  struct Mailbox {                // of one point-to-point key
    std::uint64_t unclaimed = 0;  // messages
    Fifo<OpId> receives;          // started, without a message
  };
  struct Processor {  // of computes in no fixed order
    bool busy = false;
    OpId next;  // to which it is promised
    Fifo<OpId, SpillVector<OpId>> waiting;
  };
  using ProcessorKey = std::pair<Device, std::uint32_t>;

  const Op& op(OpId id) const { return plan().graph().op(id); }
  GroupState& group_state(OpId id) { return groups_[plan().slot(op(id).group)]; }
  CollectiveInbox& inbox(const JobGroup& group, std::uint32_t from, std::uint32_t channel);

  void start_plan(SimTime now);
  void run_ready(SimTime now);
  void start(SimTime now, OpId id);
  void start_compute(SimTime now, OpId id);
  void start_receive(SimTime now, OpId id);
  void start_collective(SimTime now, OpId id);
  void join(SimTime now, OpId id, GroupState& state);
  void run_steps(SimTime now, OpId id, GroupState& state);
  void end_call(SimTime now, OpId id, GroupState& state);
  void end_if_finished(SimTime now, OpId id, GroupState& state);
  void open(SimTime now, OpId id);
  void end(SimTime now, OpId id);
  WaitInfo wait_of(OpId id) const;

  std::shared_ptr<const JobContext> job_;
  RankId rank_;
  std::shared_ptr<const OpPlan> plan_;  // in hand; of the job, unless others follow
  HostServices* host_ = nullptr;
  RankClock clock_;
  bool more_to_come_ = false;
  std::size_t ops_done_ = 0, ops_in_hand_ = 0;
  SpillVector<std::uint32_t> missing_;  // predecessors that have not ended, by op
  Fifo<OpId, SpillVector<OpId>> ready_;
  std::vector<OpId> open_ops_;                                  // started, not ended
  std::vector<GroupState> groups_;                              // by slot of the plan
  std::vector<std::uint32_t> slot_of_number_;                   // by JobGroup::number
  std::unordered_map<std::uint64_t, CollectiveInbox> inboxes_;  // looked up, never iterated
  std::unordered_map<std::uint64_t, Mailbox> mailboxes_;        // in use; never iterated
  std::map<ProcessorKey, Processor> processors_;
  SpillVector<SimTime> start_times_, end_times_;  // by op, if recorded
};

}  // namespace plait
