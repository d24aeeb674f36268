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

/// Positions of the adding order by id.
class Index {
 public:
  Index(const std::vector<std::uint64_t>& ids, std::string_view where) : where_(where) {
    by_id_.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
      by_id_.emplace_back(ids[i], static_cast<std::uint32_t>(i));
    std::sort(by_id_.begin(), by_id_.end());
    for (std::size_t i = 1; i < by_id_.size(); ++i)
      if (by_id_[i].first == by_id_[i - 1].first)
        throw UserError(fmt::format("{}: two ops have the id {}", where, by_id_[i].first));
  }

  /// What `op` names, without repetitions.
  Positions find(std::uint64_t op, const std::vector<std::uint64_t>& named) const {
    Positions result;
    for (const std::uint64_t id : named) {
      const auto found = std::lower_bound(by_id_.begin(), by_id_.end(), std::pair(id, 0U));
      if (found == by_id_.end() || found->first != id)
        throw UserError(
            fmt::format("{}: op {} depends on op {}, which does not exist", where_, op, id));
      result.push_back(found->second);
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

 private:
  std::string_view where_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_id_;
};

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
                         std::vector<std::uint64_t> depends_on,
                         std::vector<std::uint64_t> starts_after) {
  ops_.push_back(op);
  names_.emplace_back(name);
  ids_.push_back(source_id);
  depends_on_.push_back(std::move(depends_on));
  if (!starts_after.empty())
    starts_after_.emplace_back(static_cast<std::uint32_t>(ops_.size() - 1),
                               std::move(starts_after));
}

OpGraph OpGraphBuilder::build(std::string_view where) && {
  const Index index(ids_, where);
  std::vector<Positions> needs(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) needs[i] = index.find(ids_[i], depends_on_[i]);
  // One order serves both kinds: an op starts after all that must have started or ended before.
  std::vector<std::size_t> ends_needed(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) ends_needed[i] = needs[i].size();
  for (const auto& [position, named] : starts_after_) {
    const Positions starts = index.find(ids_[position], named);
    needs[position].insert(needs[position].end(), starts.begin(), starts.end());
  }
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
    for (std::size_t k = 0; k < needs[position].size(); ++k)
      (k < ends_needed[position] ? graph.dependencies_ : graph.start_dependencies_)
          .push_back(id_of[needs[position][k]]);
    graph.first_.push_back(static_cast<std::uint32_t>(graph.dependencies_.size()));
    graph.start_first_.push_back(static_cast<std::uint32_t>(graph.start_dependencies_.size()));
  }
  return graph;
}

}  // namespace plait
