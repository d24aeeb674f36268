// SPDX-License-Identifier: Apache-2.0
#include "models/collective_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "sim/error.hpp"

namespace plait {

namespace {

/// The calls of one group, held against those of the member that makes the most.
class CallComparison {
 public:
  CallComparison(const Workload& workload, const std::vector<std::shared_ptr<const OpPlan>>& plans,
                 std::size_t group)
      : workload_(workload), plans_(plans), group_(group) {}

  void add(RankId rank) {
    const OpPlan& plan = *plans_[rank.index()];
    const std::uint32_t slot = slot_of(rank);
    if (slot == OpPlan::kNoCall) return;
    const std::span<const OpId> calls = plan.calls(slot);
    // Ranks that share a graph and name the group by the same role make the same calls.
    const bool is_new = seen_.insert({&plan, slot}).second;
    if (is_new)
      rooted_ |= std::any_of(calls.begin(), calls.end(),
                             [&](OpId id) { return has_root(plan.graph().op(id).collective); });
    if (is_new || rooted_) compare(rank, calls);
    if (calls.size() <= expected_.size()) return;
    expected_ = calls;
    reference_ = rank;
  }

 private:
  std::uint32_t slot_of(RankId rank) const {
    const OpPlan& plan = *plans_[rank.index()];
    for (std::uint32_t slot = 0; slot < plan.groups().size(); ++slot)
      if (workload_.group(rank, plan.groups()[slot]) == GroupId(group_)) return slot;
    return OpPlan::kNoCall;
  }

  void compare(RankId rank, std::span<const OpId> calls) {
    const OpGraph& graph = plans_[rank.index()]->graph();
    for (std::size_t k = 0; k < std::min(calls.size(), expected_.size()); ++k) {
      const Op& mine = graph.op(calls[k]);
      const Op& other = plans_[reference_.index()]->graph().op(expected_[k]);
      const bool roots_differ =
          has_root(mine.collective) &&
          workload_.peer(rank, mine.peer) != workload_.peer(reference_, other.peer);
      if (mine.collective == other.collective && mine.size == other.size &&
          mine.matrix == other.matrix && !roots_differ)
        continue;
      throw UserError(fmt::format("collective call {} of group '{}' does not match: {}, but {}", k,
                                  workload_.groups[group_].name, text(reference_, expected_[k]),
                                  text(rank, calls[k])));
    }
  }

  std::string text(RankId rank, OpId id) const {
    const OpGraph& graph = plans_[rank.index()]->graph();
    const Op& op = graph.op(id);
    std::string root;
    if (has_root(op.collective))
      root = fmt::format(" with root rank {}", workload_.peer(rank, op.peer).value());
    return fmt::format("rank {} calls {} of {}{} ('{}', id {})", rank.value(),
                       to_string(op.collective), to_string(op.size), root, graph.name(id),
                       graph.source_id(id));
  }

  const Workload& workload_;
  const std::vector<std::shared_ptr<const OpPlan>>& plans_;
  std::size_t group_;
  RankId reference_;  // the member with the most calls so far
  std::span<const OpId> expected_;
  bool rooted_ = false;
  std::set<std::pair<const OpPlan*, std::uint32_t>> seen_;  // looked up, never iterated
};

}  // namespace

void check_collectives(const Workload& workload,
                       const std::vector<std::shared_ptr<const OpPlan>>& plans) {
  for (std::size_t g = 0; g < workload.groups.size(); ++g) {
    CallComparison comparison(workload, plans, g);
    for (const RankId rank : workload.groups[g].ranks) {
      if (rank.index() >= plans.size())
        throw UserError(fmt::format("group '{}' names rank {}, but there are {} ranks",
                                    workload.groups[g].name, rank.value(), plans.size()));
      comparison.add(rank);
    }
  }
}

void check_collectives(const Workload& workload) {
  check_collectives(workload, make_plans(workload));
}

}  // namespace plait
