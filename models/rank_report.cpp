// SPDX-License-Identifier: Apache-2.0
// What a rank says of itself: ops that ended, and what those that have not ended wait for.
#include <algorithm>

#include "models/rank.hpp"
#include "sim/spill_sort.hpp"

namespace plait {

SpillVector<OpRecord> Rank::op_records() const {
  SpillVector<OpRecord> records;
  records.reserve(start_times_.size());
  for (std::size_t i = 0; i < start_times_.size(); ++i)
    if (end_times_[i] != SimTime::never())
      records.push_back({job_->id(), rank_, OpId(i), start_times_[i], end_times_[i]});
  spill_stable_sort(records,
                    [](const OpRecord& a, const OpRecord& b) { return a.start < b.start; });
  return records;
}

std::uint32_t Rank::calls_joined(GroupId group) const {
  const JobGroup* wanted = &job_->group(group);
  for (const GroupState& state : groups_)
    if (state.group == wanted) return state.joined;
  return 0;
}

WaitInfo Rank::wait_of(OpId id) const {
  const Op& op = this->op(id);
  WaitInfo wait{rank_, id, plan().call_number(id), false, false, {}};
  switch (op.kind) {
    case OpKind::kCompute:
      break;
    case OpKind::kSend:
      wait.waits_for_ack = true;
      break;
    case OpKind::kRecv:
      wait.silent.push_back(job_->peer(rank_, op));
      break;
    case OpKind::kCollective: {
      const GroupState& state = groups_[plan().slot(op.group)];
      if (!state.run) break;  // it has a price: waits for those who have not joined
      const CollectiveRun& run = *state.run;
      wait.waits_for_ack = run.sends_open() > 0;
      for (const std::uint32_t peer : run.silent_peers())
        wait.silent.push_back(state.group->ranks[peer]);
      std::sort(wait.silent.begin(), wait.silent.end());
      break;
    }
  }
  return wait;
}

std::vector<WaitInfo> Rank::waits() const {
  std::vector<WaitInfo> waits;
  for (const OpId id : open_ops_) waits.push_back(wait_of(id));
  for (const GroupState& state : groups_)
    for (const OpId id : state.held)
      waits.push_back({rank_, id, plan().call_number(id), true, false, {}});
  std::sort(waits.begin(), waits.end(),
            [](const WaitInfo& a, const WaitInfo& b) { return a.op < b.op; });
  return waits;
}

}  // namespace plait
