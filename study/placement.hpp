// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file placement.hpp
/// Which GPU each rank of each job gets: the keys placement, hosts, hostfile, shared and beside of
/// a job (docs/scenario.md).

#include <string>
#include <vector>

#include "models/job_context.hpp"
#include "study/scenario.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait {

struct LoadedJob;

/// GPU of each rank, per job. Jobs take GPUs in the order of the scenario, each from those still
/// free; jobs that share take none. @throws UserError naming both numbers if the fabric has too
/// few, and for hosts, GPUs and files that do not exist.
std::vector<JobPlacement> place_jobs(const Scenario& scenario, const FabricGraph& graph,
                                     const std::vector<LoadedJob>& jobs);

/// The host of that name. @throws UserError with the nearest name.
NodeId host_called(const FabricGraph& graph, const std::string& name);

/// GPUs that an MPI-like host file names, in its order. Lines: `host`, `host slots=N` or
/// `host gpus=0,2,5`; a host without either gives all its GPUs, slots the first that the file has
/// not named before. @throws UserError naming file and line.
std::vector<GpuId> read_hostfile(const std::string& file, const FabricGraph& graph);

/// "host0:0-7 host1:0,2", at most 8 hosts, then how many more.
std::string placement_text(const FabricGraph& graph, const JobPlacement& placement);

}  // namespace plait
