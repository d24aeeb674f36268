// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file lossless_check.hpp
/// Settings that are legal but make a fabric with PFC lose packets.

#include <string>
#include <vector>

#include "models/simulation.hpp"
#include "study/scenario.hpp"

namespace plait {

/// One line per doubt: data on a priority that is not lossless; less headroom than what may still
/// arrive after a pause. Empty without PFC.
std::vector<std::string> lossless_warnings(const Scenario& scenario, const FabricGraph& graph,
                                           const RouteTable& routes, const NetworkParams& params);

/// What the switches compute for the port that lacks most, or 0 if none lacks anything.
Bytes headroom_needed(const FabricGraph& graph, const RouteTable& routes,
                      const NetworkParams& params);

}  // namespace plait
