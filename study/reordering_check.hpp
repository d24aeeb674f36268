// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reordering_check.hpp
/// Load balancing that sends one flow over several paths, under a transport that takes a packet out
/// of order for a loss or a congestion control that believes in one path.

#include <string>
#include <vector>

#include "models/simulation.hpp"
#include "study/scenario.hpp"

namespace plait {

/// One line per doubt and setting; empty if the fabric has no equal-cost paths.
std::vector<std::string> reordering_warnings(const Scenario& scenario, const FabricGraph& graph,
                                             const RouteTable& routes, const NetworkParams& params);

}  // namespace plait
