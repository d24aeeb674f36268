// SPDX-License-Identifier: Apache-2.0
#include "study/reordering_check.hpp"

#include <fmt/format.h>

#include <utility>

#include "models/flowlet_gap.hpp"
#include "models/network_context.hpp"
#include "study/contradictions.hpp"

namespace plait {

namespace {

Duration gap_needed(const FabricGraph& graph, const RouteTable& routes,
                    const NetworkParams& params) {
  if (!has_flowlets(params.switches.load_balancing)) return Duration();
  return safe_flowlet_gap(NetworkContext(graph, routes, params));
}

}  // namespace

std::vector<std::string> reordering_warnings(const Scenario& scenario, const FabricGraph& graph,
                                             const RouteTable& routes,
                                             const NetworkParams& params) {
  std::vector<std::string> warnings;
  if (!routes.offers_choice()) return warnings;
  // Settings that send one flow over several paths, each with the reason where it is not plain.
  std::vector<std::pair<std::string, std::string>> spreading;
  const LoadBalancingParams& balancing = params.switches.load_balancing;
  if (sprays_packets(balancing))
    spreading.emplace_back("fabric.switch.load_balancing.kind", "");
  else if (const Duration safe = gap_needed(graph, routes, params); balancing.flowlet_gap < safe)
    spreading.emplace_back("fabric.switch.load_balancing.flowlet_gap",
                           fmt::format("{} is less than the {} by which paths may differ, so ",
                                       to_string(balancing.flowlet_gap), to_string(safe)));
  if (params.transport.entropy.kind != EntropyKind::kFixed && entropy_counts(balancing))
    spreading.emplace_back("transport.entropy.kind", "");
  for (const auto& [path, reason] : spreading) {
    if (params.transport.reliability == Reliability::kGoBackN)
      warnings.push_back(scenario.at(
          path, reason +
                    "packets of one flow overtake each other, and receivers that go back N take "
                    "each for a loss"));
    if (needs_of(params.transport.congestion_control).telemetry)
      warnings.push_back(scenario.at(
          path, reason +
                    "the congestion control takes the telemetry of two packets for that of one "
                    "path, so it computes rates of links that did not have them"));
  }
  return warnings;
}

}  // namespace plait
