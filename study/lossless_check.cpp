// SPDX-License-Identifier: Apache-2.0
#include "study/lossless_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "models/headroom.hpp"
#include "models/network_context.hpp"

namespace plait {

namespace {

struct Headroom {
  Bytes has{}, needs{};
};

/// Of the switch port that lacks most; it needs what the switches themselves compute.
Headroom shortest_headroom(const FabricGraph& graph, const RouteTable& routes,
                           const NetworkParams& params) {
  NetworkParams given_params = params;
  given_params.faults.clear();  // headroom is that of the cables as they are meant to be
  NetworkParams enough = given_params;
  enough.switches.pfc.headroom = Bytes(0);
  enough.switches.pfc.headroom_rule = HeadroomRule::kComputed;
  const NetworkContext given(graph, routes, given_params), computed(graph, routes, enough);
  Headroom worst;
  for (const NodeId node : graph.switches()) {
    const auto has = headroom_of_ports(given, node), needs = headroom_of_ports(computed, node);
    for (std::size_t p = 0; p < has.size(); ++p)
      if (needs[p] - has[p] > (worst.needs - worst.has).count())
        worst = {Bytes(has[p]), Bytes(needs[p])};
  }
  return worst;
}

}  // namespace

Bytes headroom_needed(const FabricGraph& graph, const RouteTable& routes,
                      const NetworkParams& params) {
  return shortest_headroom(graph, routes, params).needs;
}

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
  if (pfc.headroom == Bytes(0) && pfc.headroom_rule == HeadroomRule::kComputed) return warnings;
  const Headroom worst = shortest_headroom(graph, routes, params);
  const char* const key =
      pfc.headroom == Bytes(0) ? "fabric.switch.pfc.headroom_rule" : "fabric.switch.pfc.headroom";
  if (worst.has < worst.needs)
    warnings.push_back(scenario.at(
        key,
        fmt::format("{} is less than the {} that may arrive after a pause, so lossless packets "
                    "may be dropped; headroom 0B with headroom_rule computed is enough",
                    to_string(worst.has), to_string(worst.needs))));
  return warnings;
}

}  // namespace plait
