// SPDX-License-Identifier: Apache-2.0
#include "study/reordering_check.hpp"

#include <fmt/format.h>

namespace plait {

std::vector<std::string> reordering_warnings(const Scenario& scenario, const RouteTable& routes,
                                             const NetworkParams& params) {
  std::vector<std::string> warnings;
  if (!routes.offers_choice()) return warnings;
  const auto warn = [&](const std::string& path) {
    const std::string place = scenario.where(path).to_string();
    warnings.push_back(
        fmt::format("{}{}{}: packets of one flow overtake each other, and receivers that go back N "
                    "take each for a loss",
                    place, place.empty() ? "" : ": ", path));
  };
  if (sprays_packets(params.switches.load_balancing)) warn("fabric.switch.load_balancing.kind");
  if (params.transport.entropy.kind != EntropyKind::kFixed) warn("transport.entropy.kind");
  return warnings;
}

}  // namespace plait
