// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file workload_check.hpp
/// Mistakes that can be seen without running a workload.

#include <string>

#include "workloads/op_graph.hpp"
#include "workloads/trace_problems.hpp"

namespace plait {

/// Peers and groups are in range, an op's rank is in its group, and for each (source, destination,
/// tag) there are as many sends as recvs; the k-th collectives that the ranks of a group call are
/// of one kind, size and root. Collectives that not all of a group join are found when the workload
/// runs: the run says who waits for whom.
/// @param where name of the workload for messages.
/// @throws UserError naming rank and op.
void check_workload(const Workload& workload, const std::string& where);

/// All such mistakes, and groups of which a member makes fewer calls than the others.
void find_workload_problems(const Workload& workload, const std::string& where,
                            TraceProblems& problems);

}  // namespace plait
