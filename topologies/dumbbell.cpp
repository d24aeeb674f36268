// SPDX-License-Identifier: Apache-2.0
#include "topologies/dumbbell.hpp"

#include "sim/param_check.hpp"

namespace plait {

void describe(ParamVisitor& v, DumbbellParams& p) {
  v.field({"left", "hosts on the left switch", "Plait's choice"}, p.left, {1, 65'000});
  v.field({"right", "hosts on the right switch", "Plait's choice"}, p.right, {1, 65'000});
  v.field({"bottleneck_links", "parallel links between the two switches", "Plait's choice"},
          p.bottleneck_links, {1, 512});
}

FabricGraph build(const DumbbellParams& params, const FabricParts& parts) {
  check_ranges(params, "dumbbell");
  check_size("dumbbell", params.left + params.right, params.bottleneck_links, parts);
  FabricGraph graph;
  add_hosts(graph, params.left + params.right, parts);
  const NodeId left = graph.add_switch("leaf0", 1);
  const NodeId right = graph.add_switch("leaf1", 1);
  for (const NodeId host : graph.hosts())
    attach_host(graph, host, static_cast<std::int64_t>(host.index()) < params.left ? left : right,
                parts);
  connect_parallel(graph, left, right, parts.fabric_link, params.bottleneck_links);
  graph.finalize();
  return graph;
}

}  // namespace plait
