// SPDX-License-Identifier: Apache-2.0
#include "topologies/rail_optimized.hpp"

#include <fmt/format.h>

#include "sim/param_check.hpp"

namespace plait {

void describe(ParamVisitor& v, RailOptimizedParams& p) {
  v.field({"hosts", "number of hosts", "Plait's choice"}, p.hosts, {1, 1'000'000});
  v.field({"hosts_per_unit", "hosts that share one set of rail switches", "Plait's choice"},
          p.hosts_per_unit, {1, 65'000});
  v.field({"spines", "number of spines; 0 leaves the rails apart (one unit only)",
           "as many as hosts_per_unit: no over-subscription"},
          p.spines, {0, 4'096});
  v.field({"uplinks", "parallel links from each rail switch to each spine", "Plait's choice"},
          p.uplinks, {1, 512});
}

namespace {

std::int64_t unit_count(const RailOptimizedParams& params, const HostShape& host) {
  check_ranges(params, "rail_optimized");
  const std::int64_t units = (params.hosts + params.hosts_per_unit - 1) / params.hosts_per_unit;
  if (units > 1 && params.spines == 0)
    throw UserError(
        fmt::format("rail_optimized: {} units need spines to reach each other; set spines >= 1, or "
                    "hosts_per_unit >= {}",
                    units, params.hosts));
  if (host.nics > 0 && host.gpus > host.nics && host.gpus % host.nics != 0)
    throw UserError(fmt::format(
        "rail_optimized: {} GPUs do not spread evenly over {} NICs; make gpus a multiple of nics",
        host.gpus, host.nics));
  return units;
}

}  // namespace

FabricGraph build(const RailOptimizedParams& params, const FabricParts& parts) {
  const std::int64_t units = unit_count(params, parts.host);
  check_size("rail_optimized", params.hosts,
             units * parts.host.nics * params.spines * params.uplinks, parts);
  FabricGraph graph;
  add_hosts(graph, params.hosts, parts);
  const std::uint32_t rails = parts.host.nics;
  std::vector<NodeId> rail_switches;
  std::vector<NodeId> spines;
  for (std::int64_t unit = 0; unit < units; ++unit)
    for (std::uint32_t rail = 0; rail < rails; ++rail)
      rail_switches.push_back(graph.add_switch(fmt::format("rail{}.{}", unit, rail), 1));
  for (std::int64_t i = 0; i < params.spines; ++i)
    spines.push_back(graph.add_switch(fmt::format("spine{}", i), 2));

  for (const NodeId host : graph.hosts()) {
    const std::size_t unit = host.index() / static_cast<std::size_t>(params.hosts_per_unit);
    for (std::uint32_t rail = 0; rail < rails; ++rail)
      graph.connect(host, rail_switches[unit * rails + rail], parts.host_link);
  }
  for (const NodeId rail_switch : rail_switches)
    for (const NodeId spine : spines)
      connect_parallel(graph, rail_switch, spine, parts.fabric_link, params.uplinks);
  graph.finalize();
  return graph;
}

}  // namespace plait
