// SPDX-License-Identifier: Apache-2.0
#include "workloads/op_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/dependency_lists.hpp"

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

Op Workload::resolved(RankId rank, OpId id) const {
  Op op = graphs[rank.index()]->op(id);
  if (op.group.valid()) op.group = group(rank, op.group);
  if (op.peer.valid()) op.peer = peer(rank, op.peer);
  return op;
}

void OpGraphBuilder::add(const Op& op, std::string_view name, std::uint64_t source_id,
                         std::span<const std::uint64_t> depends_on,
                         std::span<const std::uint64_t> starts_after) {
  PLAIT_CHECK(op.kernels == Op::kNoKernels || op.kernels < kernel_lists_.size(),
              "an op names kernels that were not added");
  const auto position = static_cast<std::uint32_t>(ops_.size());
  ops_.push_back(op);
  ops_.back().name = names_.number_of(name);
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
  SpillVector<std::uint32_t> blocked;
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
  const PositionLists ends = resolve(ids_, depends_on_, first_, where);
  depends_on_ = SpillVector<std::uint64_t>();  // gives the memory back
  first_ = SpillVector<std::size_t>();
  const PositionLists starts = resolve_pairs(ids_, starts_after_, where);
  // One order serves both kinds: an op starts after all that must have started or ended before.
  const PositionLists both = starts.items.empty() ? PositionLists() : joined(ends, starts);
  const PositionLists& needs = starts.items.empty() ? ends : both;
  SpillVector<std::uint32_t> blocked;
  const SpillVector<std::uint32_t> order = topological_order(needs, blocked);
  if (order.size() < ops_.size())
    throw UserError(fmt::format("{}: ops depend on each other in a cycle: {}", where,
                                describe_cycle(needs, blocked, ids_)));

  SpillVector<std::uint32_t>& id_of = blocked;  // not needed any more
  for (std::size_t i = 0; i < order.size(); ++i) id_of[order[i]] = static_cast<std::uint32_t>(i);
  const auto store = [&](const PositionLists& lists, SpillVector<std::uint32_t>& first,
                         SpillVector<OpId>& dependencies) {
    first.reserve(order.size() + 1);
    dependencies.reserve(lists.items.size());
    for (const std::uint32_t position : order) {
      for (const std::uint32_t need : lists.of(position)) dependencies.emplace_back(id_of[need]);
      first.push_back(static_cast<std::uint32_t>(dependencies.size()));
    }
  };
  OpGraph graph;
  graph.names_ = std::move(names_).finished();
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
