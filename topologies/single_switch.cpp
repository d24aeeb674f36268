// SPDX-License-Identifier: Apache-2.0
#include "topologies/single_switch.hpp"

#include "sim/param_check.hpp"

namespace plait {

void describe(ParamVisitor& v, SingleSwitchParams& p) {
  v.field({"hosts", "number of hosts", "Plait's choice"}, p.hosts, {1, 65'535});
}

FabricGraph build(const SingleSwitchParams& params, const FabricParts& parts) {
  check_ranges(params, "single_switch");
  check_size("single_switch", params.hosts, 0, parts);
  FabricGraph graph;
  add_hosts(graph, params.hosts, parts);
  const NodeId leaf = graph.add_switch("leaf0", 1);
  for (const NodeId host : graph.hosts()) attach_host(graph, host, leaf, parts);
  graph.finalize();
  return graph;
}

}  // namespace plait
