// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file custom_algorithms.hpp
/// Reads the collective algorithms of the user that `collectives.overrides[].file` names.

#include <string>
#include <vector>

#include "study/scenario.hpp"

namespace plait {

/// What can be said of an override's keys about files before any is read.
/// @throws UserError at the place of the key.
void check_custom_keys(const Scenario& scenario, std::size_t index);

/// Sets CollectiveOverride::custom.
/// @throws UserError at the place of the file's name, or of the kind, if the file is for another.
void load_custom_algorithms(Scenario& scenario);

/// One line for each, for the user: what it is and how large.
std::vector<std::string> custom_algorithm_lines(const Scenario& scenario);

}  // namespace plait
