// SPDX-License-Identifier: Apache-2.0
#include "workloads/op_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
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

constexpr std::uint32_t kNoPosition = UINT32_MAX;

/// From the ids of ops to their positions in the order of adding.
class IdIndex {
 public:
  IdIndex(const std::vector<std::uint64_t>& ids, std::string_view where) : ids_(ids) {
    const auto not_ascending = std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>());
    if (not_ascending == ids.end()) return;  // ids can be searched as they are
    sorted_.resize(ids.size());
    std::iota(sorted_.begin(), sorted_.end(), 0U);
    std::sort(sorted_.begin(), sorted_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
    for (std::size_t i = 1; i < sorted_.size(); ++i)
      if (ids[sorted_[i]] == ids[sorted_[i - 1]])
        throw UserError(fmt::format("{}: two ops have the id {}", where, ids[sorted_[i]]));
  }

  std::uint32_t position(std::uint64_t id) const {
    if (sorted_.empty()) {
      const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
      return found == ids_.end() || *found != id ? kNoPosition
                                                 : static_cast<std::uint32_t>(found - ids_.begin());
    }
    const auto found = std::lower_bound(
        sorted_.begin(), sorted_.end(), id,
        [&](std::uint32_t position, std::uint64_t x) { return ids_[position] < x; });
    return found == sorted_.end() || ids_[*found] != id ? kNoPosition : *found;
  }

 private:
  const std::vector<std::uint64_t>& ids_;
  std::vector<std::uint32_t> sorted_;  ///< Positions by id; empty if the ids ascend as they are.
};

/// For each op a list of positions, all in one array.
struct Lists {
  std::vector<std::size_t> first{0};
  std::vector<std::uint32_t> items;

  std::size_t size() const { return first.size() - 1; }
  std::span<const std::uint32_t> of(std::size_t i) const {
    return {items.data() + first[i], first[i + 1] - first[i]};
  }
  void end_list() { first.push_back(items.size()); }
};

/// Dependencies as positions of the adding order, without repetitions.
Lists resolve(const std::vector<std::uint64_t>& ids, const std::vector<std::uint64_t>& depends_on,
              const std::vector<std::size_t>& first, std::string_view where) {
  const IdIndex index(ids, where);
  Lists needs;
  needs.items.reserve(depends_on.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t d = first[i]; d < first[i + 1]; ++d) {
      needs.items.push_back(index.position(depends_on[d]));
      if (needs.items.back() == kNoPosition)
        throw UserError(fmt::format("{}: op {} depends on op {}, which does not exist", where,
                                    ids[i], depends_on[d]));
    }
    const auto begin = needs.items.begin() + static_cast<std::ptrdiff_t>(needs.first.back());
    std::sort(begin, needs.items.end());
    needs.items.erase(std::unique(begin, needs.items.end()), needs.items.end());
    needs.end_list();
  }
  return needs;
}

/// Who waits for each op.
Lists followers_of(const Lists& needs) {
  Lists followers;
  followers.first.assign(needs.size() + 1, 0);
  for (const std::uint32_t need : needs.items) ++followers.first[need + 1];
  std::partial_sum(followers.first.begin(), followers.first.end(), followers.first.begin());
  followers.items.resize(needs.items.size());
  std::vector<std::size_t> next(followers.first.begin(), followers.first.end() - 1);
  for (std::size_t i = 0; i < needs.size(); ++i)
    for (const std::uint32_t need : needs.of(i))
      followers.items[next[need]++] = static_cast<std::uint32_t>(i);
  return followers;
}

/// Adding order, except that an op comes after all it depends on. Shorter than the input when
/// there is a cycle; `blocked[i]` > 0 then marks the ops that wait for one.
std::vector<std::uint32_t> topological_order(const Lists& needs,
                                             std::vector<std::uint32_t>& blocked) {
  const Lists followers = followers_of(needs);
  blocked.assign(needs.size(), 0);
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    blocked[i] = static_cast<std::uint32_t>(needs.of(i).size());
    if (blocked[i] == 0) ready.push(static_cast<std::uint32_t>(i));
  }
  std::vector<std::uint32_t> order;
  order.reserve(needs.size());
  while (!ready.empty()) {
    const std::uint32_t next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const std::uint32_t follower : followers.of(next))
      if (--blocked[follower] == 0) ready.push(follower);
  }
  return order;
}

/// One cycle among the blocked ops, as "1 -> 5 -> 1" (each depends on the next).
std::string describe_cycle(const Lists& needs, const std::vector<std::uint32_t>& blocked,
                           const std::vector<std::uint64_t>& ids) {
  constexpr std::size_t kMaxShown = 12;
  const auto first = std::find_if(blocked.begin(), blocked.end(), [](auto n) { return n > 0; });
  auto at = static_cast<std::uint32_t>(first - blocked.begin());
  std::vector<std::size_t> step_of(needs.size(), SIZE_MAX);
  std::vector<std::uint32_t> path;
  // A blocked op always depends on a blocked op, so the walk must come back to its own path.
  while (step_of[at] == SIZE_MAX) {
    step_of[at] = path.size();
    path.push_back(at);
    const std::span<const std::uint32_t> all = needs.of(at);
    const auto next =
        std::find_if(all.begin(), all.end(), [&](std::uint32_t need) { return blocked[need] > 0; });
    PLAIT_CHECK(next != all.end(), "a blocked op depends on a blocked op");
    at = *next;
  }
  const std::size_t length = path.size() - step_of[at];
  std::string text;
  for (std::size_t i = 0; i < std::min(length, kMaxShown); ++i)
    text += fmt::format("{} -> ", ids[path[step_of[at] + i]]);
  if (length > kMaxShown) text += fmt::format("... ({} more) -> ", length - kMaxShown);
  return text + fmt::format("{}", ids[at]);
}

Lists resolve_starts(const std::vector<std::uint64_t>& ids,
                     const std::vector<std::pair<std::uint32_t, std::uint64_t>>& starts_after,
                     std::string_view where) {
  if (starts_after.empty()) return {};
  std::vector<std::uint64_t> named;
  std::vector<std::size_t> first{0};
  auto next = starts_after.begin();
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    for (; next != starts_after.end() && next->first == i; ++next) named.push_back(next->second);
    first.push_back(named.size());
  }
  return resolve(ids, named, first, where);
}

/// Both lists of each.
Lists joined(const Lists& a, const Lists& b) {
  Lists both;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both.items.insert(both.items.end(), a.of(i).begin(), a.of(i).end());
    both.items.insert(both.items.end(), b.of(i).begin(), b.of(i).end());
    both.end_list();
  }
  return both;
}

}  // namespace

Op Workload::resolved(RankId rank, OpId id) const {
  Op op = graphs[rank.index()]->op(id);
  if (op.group.valid()) op.group = group(rank, op.group);
  if (op.peer.valid()) op.peer = peer(rank, op.peer);
  return op;
}

std::uint32_t OpGraphBuilder::intern(std::string_view name) {
  const auto known = known_names_.find(name);
  if (known != known_names_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  known_names_.emplace(names_.back(), number);
  return number;
}

void OpGraphBuilder::add(const Op& op, std::string_view name, std::uint64_t source_id,
                         std::span<const std::uint64_t> depends_on,
                         std::span<const std::uint64_t> starts_after) {
  PLAIT_CHECK(op.kernels == Op::kNoKernels || op.kernels < kernel_lists_.size(),
              "an op names kernels that were not added");
  const auto position = static_cast<std::uint32_t>(ops_.size());
  ops_.push_back(op);
  ops_.back().name = intern(name);
  ids_.push_back(source_id);
  depends_on_.insert(depends_on_.end(), depends_on.begin(), depends_on.end());
  first_.push_back(depends_on_.size());
  for (const std::uint64_t start : starts_after) starts_after_.emplace_back(position, start);
}

DependencyRepairs OpGraphBuilder::repair(
    std::string_view where,
    const std::function<void(std::uint64_t, std::uint64_t, std::string_view)>& dropped) {
  DependencyRepairs repairs;
  // Keeps the dependencies for which `reason(op, id)` has nothing to say.
  const auto filter = [&](const auto& reason) {
    std::size_t kept = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      const std::size_t end = first_[i + 1];
      for (std::size_t d = begin; d < end; ++d) {
        const std::uint64_t need = depends_on_[d];
        const std::string_view why = reason(i, need);
        if (why.empty())
          depends_on_[kept++] = need;
        else if (dropped)
          dropped(ids_[i], need, why);
      }
      begin = end;
      first_[i + 1] = kept;
    }
    depends_on_.resize(kept);
  };

  const IdIndex index(ids_, where);
  filter([&](std::size_t i, std::uint64_t need) -> std::string_view {
    if (need == ids_[i]) return ++repairs.self, "the op itself";
    if (index.position(need) == kNoPosition) return ++repairs.dangling, "which does not exist";
    return {};
  });
  std::vector<std::uint32_t> blocked;
  if (topological_order(resolve(ids_, depends_on_, first_, where), blocked).size() < ops_.size())
    filter([&](std::size_t i, std::uint64_t need) -> std::string_view {
      const std::uint32_t position = index.position(need);
      if (blocked[i] == 0 || position <= i || blocked[position] == 0) return {};
      return ++repairs.forward, "in a cycle";
    });
  return repairs;
}

std::uint32_t OpGraphBuilder::add_kernels(std::vector<Kernel> kernels) {
  kernel_lists_.push_back(std::move(kernels));
  return static_cast<std::uint32_t>(kernel_lists_.size() - 1);
}

void OpGraphBuilder::take_kernels(const OpGraph& graph) {
  PLAIT_CHECK(kernel_lists_.empty(), "kernels of two graphs would be mixed up");
  kernel_lists_ = graph.kernel_lists_;
}

OpGraph OpGraphBuilder::build(std::string_view where) && {
  const Lists ends = resolve(ids_, depends_on_, first_, where);
  depends_on_ = {};
  first_ = {};
  const Lists starts = resolve_starts(ids_, starts_after_, where);
  // One order serves both kinds: an op starts after all that must have started or ended before.
  const Lists both = starts.items.empty() ? Lists() : joined(ends, starts);
  const Lists& needs = starts.items.empty() ? ends : both;
  std::vector<std::uint32_t> blocked;
  const std::vector<std::uint32_t> order = topological_order(needs, blocked);
  if (order.size() < ops_.size())
    throw UserError(fmt::format("{}: ops depend on each other in a cycle: {}", where,
                                describe_cycle(needs, blocked, ids_)));

  std::vector<std::uint32_t>& id_of = blocked;  // not needed any more
  for (std::size_t i = 0; i < order.size(); ++i) id_of[order[i]] = static_cast<std::uint32_t>(i);
  const auto store = [&](const Lists& lists, std::vector<std::uint32_t>& first,
                         std::vector<OpId>& dependencies) {
    first.reserve(order.size() + 1);
    dependencies.reserve(lists.items.size());
    for (const std::uint32_t position : order) {
      for (const std::uint32_t need : lists.of(position)) dependencies.emplace_back(id_of[need]);
      first.push_back(static_cast<std::uint32_t>(dependencies.size()));
    }
  };
  OpGraph graph;
  graph.names_ = std::move(names_);
  graph.kernel_lists_ = std::move(kernel_lists_);
  store(ends, graph.first_, graph.dependencies_);
  if (!starts.items.empty()) store(starts, graph.start_first_, graph.start_dependencies_);
  if (std::is_sorted(order.begin(), order.end())) {
    graph.ops_ = std::move(ops_);
    graph.source_ids_ = std::move(ids_);
    return graph;
  }
  graph.ops_.reserve(order.size());
  graph.source_ids_.reserve(order.size());
  for (const std::uint32_t position : order) {
    graph.ops_.push_back(ops_[position]);
    graph.source_ids_.push_back(ids_[position]);
  }
  return graph;
}

}  // namespace plait
