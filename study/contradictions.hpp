// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file contradictions.hpp
/// Settings that are legal one by one and contradict each other.

#include <string>
#include <vector>

#include "models/simulation.hpp"
#include "study/scenario.hpp"

namespace plait {

/// Of values that cannot both be meant, such as a lower limit above the upper one.
/// @throws UserError at the place of one of them.
void check_contradictions(const Scenario& scenario);

/// One line per setting that has no effect because of another one, or that turns another one off.
std::vector<std::string> contradiction_warnings(const Scenario& scenario, const FabricGraph& graph,
                                                const NetworkParams& params);

/// Whether senders that vary the source port change the path that switches choose by hash.
bool entropy_counts(const LoadBalancingParams& params);

}  // namespace plait
