// SPDX-License-Identifier: Apache-2.0
#include "models/op_plan.hpp"

#include <algorithm>
#include <map>
#include <memory_resource>
#include <set>
#include <utility>

#include "sim/check.hpp"

namespace plait {

OpPlan::OpPlan(std::shared_ptr<const OpGraph> graph) : graph_(std::move(graph)) {
  link();
  number_calls();
}

void OpPlan::link() {
  const std::size_t count = graph_->size();
  SpillVector<OpId> stream_predecessor(count);
  std::pmr::monotonic_buffer_resource pool(spill_resource());
  std::pmr::map<std::pair<Device, std::uint32_t>, OpId> last(&pool);  // of each stream
  for (std::size_t i = 0; i < count; ++i) {
    const Op& op = graph_->op(OpId(i));
    if (!op.in_order) continue;
    OpId& previous = last[{op.device, op.stream}];
    stream_predecessor[i] = std::exchange(previous, OpId(i));
  }
  predecessors_.assign(count, 0);
  after_end_ = collect([&](auto&& visit) {
    for (std::size_t i = 0; i < count; ++i) {
      if (stream_predecessor[i].valid()) visit(stream_predecessor[i], OpId(i));
      for (const OpId before : graph_->dependencies(OpId(i))) visit(before, OpId(i));
    }
  });
  after_start_ = collect([&](auto&& visit) {
    for (std::size_t i = 0; i < count; ++i)
      for (const OpId before : graph_->start_dependencies(OpId(i))) visit(before, OpId(i));
  });
}

template <class EachEdge>
OpPlan::Successors OpPlan::collect(const EachEdge& each_edge) {
  Successors result;
  result.first.assign(graph_->size() + 1, 0);
  each_edge([&](OpId before, OpId after) {
    PLAIT_CHECK_LT(before, after);  // what OpGraphBuilder makes is in topological order
    ++result.first[before.index() + 1];
    ++predecessors_[after.index()];
  });
  for (std::size_t i = 0; i < graph_->size(); ++i) result.first[i + 1] += result.first[i];
  result.ops.resize(result.first.back());
  SpillVector<std::uint32_t> next(result.first.begin(), result.first.end() - 1);
  each_edge([&](OpId before, OpId after) { result.ops[next[before.index()]++] = after; });
  return result;
}

void OpPlan::number_calls() {
  call_number_.assign(graph_->size(), kNoCall);
  std::set<GroupId> called;
  for (const Op& op : graph_->ops())
    if (op.kind == OpKind::kCollective) called.insert(op.group);
  groups_.assign(called.begin(), called.end());
  calls_.resize(groups_.size());
  for (std::size_t i = 0; i < graph_->size(); ++i) {
    const OpId id(i);
    const Op& op = graph_->op(id);
    if (op.kind != OpKind::kCollective) continue;
    SpillVector<OpId>& calls = calls_[slot(op.group)];
    call_number_[id.index()] = static_cast<std::uint32_t>(calls.size());
    calls.push_back(id);
  }
}

std::uint32_t OpPlan::slot(GroupId group) const {
  const auto found = std::lower_bound(groups_.begin(), groups_.end(), group);
  if (found == groups_.end() || *found != group) return kNoCall;
  return static_cast<std::uint32_t>(found - groups_.begin());
}

std::vector<std::shared_ptr<const OpPlan>> make_plans(const Workload& workload) {
  std::map<const OpGraph*, std::shared_ptr<const OpPlan>> known;  // looked up, never iterated
  std::vector<std::shared_ptr<const OpPlan>> plans;
  plans.reserve(workload.graphs.size());
  for (const auto& graph : workload.graphs) {
    std::shared_ptr<const OpPlan>& plan = known[graph.get()];
    if (!plan) plan = std::make_shared<const OpPlan>(graph);
    plans.push_back(plan);
  }
  return plans;
}

}  // namespace plait
