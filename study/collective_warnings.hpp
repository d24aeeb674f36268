// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_warnings.hpp
/// What a scenario says about collectives and no call of its jobs heeds.

#include <string>
#include <vector>

#include "study/build.hpp"

namespace plait {

/// Adds a warning for each override whose groups no job has, and for each algorithm (of all calls,
/// or of an override for any kind) that no kind of the calls it is for has.
void warn_of_unused_choices(const Scenario& scenario, const std::vector<LoadedJob>& jobs,
                            std::vector<std::string>& warnings);

}  // namespace plait
