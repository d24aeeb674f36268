// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file congestion_check.hpp
/// Settings under which a congestion control does not get the signal that it works with.

#include <string>
#include <vector>

#include "models/simulation.hpp"
#include "study/scenario.hpp"

namespace plait {

/// One line per doubt: marks that nobody sets, acknowledgements that are too few.
/// @throws UserError where the algorithm cannot work at all: DCTCP without a mark per ACK.
std::vector<std::string> congestion_warnings(const Scenario& scenario, const NetworkParams& params);

}  // namespace plait
