// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file job_processes.hpp
/// Puts the ranks of all jobs on their GPUs: one rank alone on a GPU as itself, several, or those
/// in the background, behind a SharedGpu with streams of their own.

#include <vector>

#include "study/build.hpp"

namespace plait {

/// Fills experiment.ranks and experiment.streams. @param runs as for build_experiment().
/// @pre experiment has jobs, placements and a simulation.
/// @throws UserError for jobs that cannot run as placed, or too many streams for a GPU.
void place_processes(const Scenario& scenario, const std::vector<bool>& runs,
                     const CollectiveFacts& facts, Experiment& experiment);

}  // namespace plait
