// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reordering_check.hpp
/// Load balancing that lets packets of one flow overtake each other, over a transport that takes a
/// packet out of order for a loss.

#include <string>
#include <vector>

#include "models/simulation.hpp"
#include "study/scenario.hpp"

namespace plait {

/// One line per setting that reorders, if the fabric has equal-cost paths and receivers go back.
std::vector<std::string> reordering_warnings(const Scenario& scenario, const RouteTable& routes,
                                             const NetworkParams& params);

}  // namespace plait
