// SPDX-License-Identifier: Apache-2.0
#include "topologies/leaf_spine.hpp"

#include <fmt/format.h>

#include "sim/param_check.hpp"

namespace plait {

void describe(ParamVisitor& v, LeafSpineParams& p) {
  v.field({"hosts", "number of hosts", "Plait's choice"}, p.hosts, {1, 1'000'000});
  v.field({"hosts_per_leaf", "hosts on each leaf; the last leaf may have fewer", "Plait's choice"},
          p.hosts_per_leaf, {1, 65'000});
  v.field({"spines", "number of spines", "as many as hosts_per_leaf: no over-subscription"},
          p.spines, {1, 4'096});
  v.field({"uplinks", "parallel links from each leaf to each spine", "Plait's choice"}, p.uplinks,
          {1, 512});
}

FabricGraph build(const LeafSpineParams& params, const FabricParts& parts) {
  check_ranges(params, "leaf_spine");
  const std::int64_t leaf_count =
      (params.hosts + params.hosts_per_leaf - 1) / params.hosts_per_leaf;
  check_size("leaf_spine", params.hosts, leaf_count * params.spines * params.uplinks, parts);
  FabricGraph graph;
  add_hosts(graph, params.hosts, parts);
  std::vector<NodeId> leaves;
  std::vector<NodeId> spines;
  for (std::int64_t i = 0; i < leaf_count; ++i)
    leaves.push_back(graph.add_switch(fmt::format("leaf{}", i), 1));
  for (std::int64_t i = 0; i < params.spines; ++i)
    spines.push_back(graph.add_switch(fmt::format("spine{}", i), 2));

  const auto per_leaf = static_cast<std::size_t>(params.hosts_per_leaf);
  for (const NodeId host : graph.hosts())
    attach_host(graph, host, leaves[host.index() / per_leaf], parts);
  for (const NodeId leaf : leaves)
    for (const NodeId spine : spines)
      connect_parallel(graph, leaf, spine, parts.fabric_link, params.uplinks);
  graph.finalize();
  return graph;
}

}  // namespace plait
