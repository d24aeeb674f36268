// SPDX-License-Identifier: Apache-2.0
#include "study/reordering_check.hpp"

namespace plait {

std::vector<std::string> reordering_warnings(const Scenario& scenario, const RouteTable& routes,
                                             const NetworkParams& params) {
  std::vector<std::string> spreading;  // settings that send one flow over several paths
  if (sprays_packets(params.switches.load_balancing))
    spreading.emplace_back("fabric.switch.load_balancing.kind");
  if (params.transport.entropy.kind != EntropyKind::kFixed)
    spreading.emplace_back("transport.entropy.kind");
  std::vector<std::string> warnings;
  if (!routes.offers_choice()) return warnings;
  for (const std::string& path : spreading) {
    if (params.transport.reliability == Reliability::kGoBackN)
      warnings.push_back(
          scenario.at(path,
                      "packets of one flow overtake each other, and receivers that go back N take "
                      "each for a loss"));
    if (needs_of(params.transport.congestion_control).telemetry)
      warnings.push_back(
          scenario.at(path,
                      "the congestion control takes the telemetry of two packets for that of one "
                      "path, so it computes rates of links that did not have them"));
  }
  return warnings;
}

}  // namespace plait
