// SPDX-License-Identifier: Apache-2.0
#include "workloads/graph_rebuild.hpp"

#include <utility>
#include <vector>

namespace plait {

OpGraph rebuild(const OpGraph& graph, std::span<const std::uint32_t> order,
                const std::function<void(Op&)>& change) {
  OpGraphBuilder builder;
  builder.take_kernels(graph);
  for (const std::uint32_t position : order) {
    const OpId id(position);
    std::vector<std::uint64_t> needs;
    for (const OpId need : graph.dependencies(id)) needs.push_back(graph.source_id(need));
    std::vector<std::uint64_t> starts;
    for (const OpId need : graph.start_dependencies(id)) starts.push_back(graph.source_id(need));
    Op op = graph.op(id);
    change(op);
    builder.add(op, graph.name(id), graph.source_id(id), std::move(needs), std::move(starts));
  }
  return std::move(builder).build("rebuilt graph");
}

}  // namespace plait
