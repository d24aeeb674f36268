// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file traffic_check.hpp
/// Keys of a traffic job that its other keys leave without meaning.

#include <cstddef>

#include "study/scenario.hpp"

namespace plait {

/// @pre the job has traffic. @throws UserError at the key, naming what it applies to.
void check_traffic(const Scenario& scenario, std::size_t job);

}  // namespace plait
