// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file storage_jobs.hpp
/// Jobs that read from or write to storage servers: loaded, their servers placed, their operations
/// collected. A storage job has the servers; it and training jobs with checkpoints use them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/network_simulation.hpp"
#include "models/records.hpp"
#include "study/request_results.hpp"
#include "study/scenario.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

struct Experiment;
struct LoadedJob;

/// Whose servers a job uses. The last `servers` ranks of its workload stand for them: no rank walks
/// their graphs, they are processes of the storage job.
struct StorageUse {
  std::size_t job = 0;  ///< That has the servers.
  std::uint32_t servers = 0;
  std::vector<std::string> kinds;  ///< Of its operations, in the order of their class.
};

/// Workload and use of storage job `index`. @throws UserError at its place in the scenario.
void load_storage_job(const Scenario& scenario, std::size_t index, LoadedJob& job);

/// The storage job that takes the checkpoints of training job `index`. @throws UserError naming the
/// nearest where there is none.
std::size_t checkpoint_storage(const Scenario& scenario, std::size_t index);

/// What makes requests of a training job's checkpoints.
void use_for_checkpoints(const Scenario& scenario, std::size_t index, std::size_t storage,
                         LoadedJob& job);

/// Puts servers on their GPUs, for the jobs of which `runs` says that they run (empty: all).
/// @throws UserError if a rank of another job is there.
void place_storage_servers(const Scenario& scenario, const std::vector<bool>& runs,
                           Experiment& experiment);

/// Adds the operations of one rank that began until `cut`. @param ops of that rank.
void collect_operations(const LoadedJob& job, JobId id, RankId rank, std::span<const OpRecord> ops,
                        SimTime cut, std::vector<RequestRecord>& requests);

}  // namespace plait
