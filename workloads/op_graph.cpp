// SPDX-License-Identifier: Apache-2.0
#include "workloads/op_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"

namespace plait {

std::string_view to_string(OpKind kind) {
  switch (kind) {
    case OpKind::kCompute:
      return "compute";
    case OpKind::kSend:
      return "send";
    case OpKind::kRecv:
      return "recv";
    case OpKind::kCollective:
      return "collective";
  }
  return "unknown";
}

std::string_view to_string(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::kAllReduce:
      return "all_reduce";
    case CollectiveKind::kAllGather:
      return "all_gather";
    case CollectiveKind::kReduceScatter:
      return "reduce_scatter";
    case CollectiveKind::kBroadcast:
      return "broadcast";
    case CollectiveKind::kAllToAll:
      return "all_to_all";
    case CollectiveKind::kBarrier:
      return "barrier";
    case CollectiveKind::kReduce:
      return "reduce";
    case CollectiveKind::kGather:
      return "gather";
    case CollectiveKind::kScatter:
      return "scatter";
  }
  return "unknown";
}

namespace {

using Positions = std::vector<std::uint32_t>;

/// Dependencies as positions of the adding order, without repetitions.
std::vector<Positions> resolve(const std::vector<std::uint64_t>& ids,
                               const std::vector<std::vector<std::uint64_t>>& depends_on,
                               std::string_view where) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> index;
  index.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    index.emplace_back(ids[i], static_cast<std::uint32_t>(i));
  std::sort(index.begin(), index.end());
  for (std::size_t i = 1; i < index.size(); ++i)
    if (index[i].first == index[i - 1].first)
      throw UserError(fmt::format("{}: two ops have the id {}", where, index[i].first));

  std::vector<Positions> result(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (const std::uint64_t id : depends_on[i]) {
      const auto found = std::lower_bound(index.begin(), index.end(), std::pair(id, 0U));
      if (found == index.end() || found->first != id)
        throw UserError(
            fmt::format("{}: op {} depends on op {}, which does not exist", where, ids[i], id));
      result[i].push_back(found->second);
    }
    std::sort(result[i].begin(), result[i].end());
    result[i].erase(std::unique(result[i].begin(), result[i].end()), result[i].end());
  }
  return result;
}

/// Adding order, except that an op comes after all it depends on. Shorter than the input when
/// there is a cycle; `blocked[i]` > 0 then marks the ops that wait for one.
Positions topological_order(const std::vector<Positions>& needs,
                            std::vector<std::size_t>& blocked) {
  std::vector<Positions> followers(needs.size());
  blocked.assign(needs.size(), 0);
  std::priority_queue<std::uint32_t, Positions, std::greater<>> ready;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    for (const std::uint32_t need : needs[i])
      followers[need].push_back(static_cast<std::uint32_t>(i));
    blocked[i] = needs[i].size();
    if (blocked[i] == 0) ready.push(static_cast<std::uint32_t>(i));
  }
  Positions order;
  order.reserve(needs.size());
  while (!ready.empty()) {
    const std::uint32_t next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const std::uint32_t follower : followers[next])
      if (--blocked[follower] == 0) ready.push(follower);
  }
  return order;
}

/// One cycle among the blocked ops, as "1 -> 5 -> 1" (each depends on the next).
std::string describe_cycle(const std::vector<Positions>& needs,
                           const std::vector<std::size_t>& blocked,
                           const std::vector<std::uint64_t>& ids) {
  constexpr std::size_t kMaxShown = 12;
  const auto first = std::find_if(blocked.begin(), blocked.end(), [](auto n) { return n > 0; });
  auto at = static_cast<std::uint32_t>(first - blocked.begin());
  std::vector<std::size_t> step_of(needs.size(), SIZE_MAX);
  Positions path;
  // A blocked op always depends on a blocked op, so the walk must come back to its own path.
  while (step_of[at] == SIZE_MAX) {
    step_of[at] = path.size();
    path.push_back(at);
    const auto next = std::find_if(needs[at].begin(), needs[at].end(),
                                   [&](std::uint32_t need) { return blocked[need] > 0; });
    PLAIT_CHECK(next != needs[at].end(), "a blocked op depends on a blocked op");
    at = *next;
  }
  const std::size_t length = path.size() - step_of[at];
  std::string text;
  for (std::size_t i = 0; i < std::min(length, kMaxShown); ++i)
    text += fmt::format("{} -> ", ids[path[step_of[at] + i]]);
  if (length > kMaxShown) text += fmt::format("... ({} more) -> ", length - kMaxShown);
  return text + fmt::format("{}", ids[at]);
}

}  // namespace

Op Workload::resolved(RankId rank, OpId id) const {
  Op op = graphs[rank.index()]->op(id);
  if (op.group.valid()) op.group = group(rank, op.group);
  if (op.peer.valid()) op.peer = peer(rank, op.peer);
  return op;
}

void OpGraphBuilder::add(const Op& op, std::string_view name, std::uint64_t source_id,
                         std::vector<std::uint64_t> depends_on) {
  ops_.push_back(op);
  names_.emplace_back(name);
  ids_.push_back(source_id);
  depends_on_.push_back(std::move(depends_on));
}

OpGraph OpGraphBuilder::build(std::string_view where) && {
  const std::vector<Positions> needs = resolve(ids_, depends_on_, where);
  std::vector<std::size_t> blocked;
  const Positions order = topological_order(needs, blocked);
  if (order.size() < ops_.size())
    throw UserError(fmt::format("{}: ops depend on each other in a cycle: {}", where,
                                describe_cycle(needs, blocked, ids_)));

  std::vector<OpId> id_of(ops_.size());
  for (std::size_t i = 0; i < order.size(); ++i) id_of[order[i]] = OpId(i);

  OpGraph graph;
  std::map<std::string, std::uint32_t> known_names;
  for (const std::uint32_t position : order) {
    Op op = ops_[position];
    const auto [name, is_new] =
        known_names.try_emplace(names_[position], static_cast<std::uint32_t>(graph.names_.size()));
    if (is_new) graph.names_.push_back(names_[position]);
    op.name = name->second;
    graph.ops_.push_back(op);
    graph.source_ids_.push_back(ids_[position]);
    for (const std::uint32_t need : needs[position]) graph.dependencies_.push_back(id_of[need]);
    graph.first_.push_back(static_cast<std::uint32_t>(graph.dependencies_.size()));
  }
  return graph;
}

}  // namespace plait
