// SPDX-License-Identifier: Apache-2.0
#include "study/lossless_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "models/headroom.hpp"
#include "models/network_context.hpp"

namespace plait {

namespace {

/// The most that any switch port needs, as the switches themselves compute it.
Bytes needed_headroom(const FabricGraph& graph, const RouteTable& routes, NetworkParams params) {
  params.switches.pfc.headroom = Bytes(0);
  const NetworkContext context(graph, routes, params);
  std::int64_t most = 0;
  for (const NodeId node : graph.switches())
    for (const std::int64_t bytes : headroom_of_ports(context, node)) most = std::max(most, bytes);
  return Bytes(most);
}

}  // namespace

std::vector<std::string> lossless_warnings(const Scenario& scenario, const FabricGraph& graph,
                                           const RouteTable& routes, const NetworkParams& params) {
  const PfcParams& pfc = params.switches.pfc;
  std::vector<std::string> warnings;
  if (!pfc.enabled) return warnings;
  const std::int64_t data = params.transport.data_priority;
  if ((parse_priority_set(pfc.priorities) >> data & 1) == 0)
    warnings.push_back(scenario.at(
        "transport.data_priority",
        fmt::format("data travel on priority {}, which is not lossless: PFC is enabled, but "
                    "fabric.switch.pfc.priorities is \"{}\", so full buffers drop data",
                    data, pfc.priorities)));
  if (pfc.headroom == Bytes(0)) return warnings;
  const Bytes needed = needed_headroom(graph, routes, params);
  if (pfc.headroom < needed)
    warnings.push_back(scenario.at(
        "fabric.switch.pfc.headroom",
        fmt::format("{} is less than the {} that may arrive after a pause, so lossless packets "
                    "may be dropped; 0B computes what every port needs",
                    to_string(pfc.headroom), to_string(needed))));
  return warnings;
}

}  // namespace plait
