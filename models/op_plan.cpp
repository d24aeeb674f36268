// SPDX-License-Identifier: Apache-2.0
#include "models/op_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <utility>

#include "sim/error.hpp"

namespace plait {

OpPlan::OpPlan(std::shared_ptr<const OpGraph> graph) : graph_(std::move(graph)) {
  link();
  number_calls();
}

void OpPlan::link() {
  const std::size_t count = graph_->size();
  std::vector<OpId> stream_predecessor(count);
  std::map<std::pair<Device, std::uint32_t>, OpId> last;  // of each stream
  first_.assign(count + 1, 0);
  predecessors_.assign(count, 0);
  const auto each_edge = [&](auto&& visit) {
    for (std::size_t i = 0; i < count; ++i) {
      const OpId id(i);
      if (stream_predecessor[i].valid()) visit(stream_predecessor[i], id);
      for (const OpId before : graph_->dependencies(id)) visit(before, id);
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    const Op& op = graph_->op(OpId(i));
    OpId& previous = last[{op.device, op.stream}];
    stream_predecessor[i] = std::exchange(previous, OpId(i));
  }
  each_edge([&](OpId before, OpId after) {
    ++first_[before.index() + 1];
    ++predecessors_[after.index()];
  });
  for (std::size_t i = 0; i < count; ++i) first_[i + 1] += first_[i];
  successors_.resize(first_[count]);
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  each_edge([&](OpId before, OpId after) { successors_[next[before.index()]++] = after; });
}

// The topological order that comes first when compared op by op: the graph's own order if that is
// topological.
std::vector<OpId> OpPlan::issue_order() const {
  const std::size_t count = graph_->size();
  std::vector<std::uint32_t> open = predecessors_;
  std::priority_queue<OpId, std::vector<OpId>, std::greater<>> ready;
  for (std::size_t i = 0; i < count; ++i)
    if (open[i] == 0) ready.push(OpId(i));
  std::vector<OpId> order;
  order.reserve(count);
  while (!ready.empty()) {
    const OpId id = ready.top();
    ready.pop();
    order.push_back(id);
    for (const OpId after : successors(id))
      if (--open[after.index()] == 0) ready.push(after);
  }
  if (order.size() == count) return order;
  const auto stuck = std::find_if(open.begin(), open.end(), [](auto n) { return n > 0; });
  const OpId id(static_cast<std::size_t>(stuck - open.begin()));
  const Op& op = graph_->op(id);
  throw UserError(fmt::format(
      "op '{}' (id {}) can never start: the order of its stream {} contradicts the dependencies",
      graph_->name(id), graph_->source_id(id), op.stream));
}

void OpPlan::number_calls() {
  call_number_.assign(graph_->size(), kNoCall);
  for (const Op& op : graph_->ops())
    if (op.kind == OpKind::kCollective) groups_.push_back(op.group);
  std::sort(groups_.begin(), groups_.end());
  groups_.erase(std::unique(groups_.begin(), groups_.end()), groups_.end());
  calls_.resize(groups_.size());
  for (const OpId id : issue_order()) {
    const Op& op = graph_->op(id);
    if (op.kind != OpKind::kCollective) continue;
    std::vector<OpId>& calls = calls_[slot(op.group)];
    call_number_[id.index()] = static_cast<std::uint32_t>(calls.size());
    calls.push_back(id);
  }
}

std::uint32_t OpPlan::slot(GroupId group) const {
  const auto found = std::lower_bound(groups_.begin(), groups_.end(), group);
  if (found == groups_.end() || *found != group) return kNoCall;
  return static_cast<std::uint32_t>(found - groups_.begin());
}

}  // namespace plait
