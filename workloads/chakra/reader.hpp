// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reader.hpp
/// Reads Chakra execution traces (MLCommons; one `.et` or `.et.gz` file per rank) as a workload.
/// Conventions, what is simulated instead of replayed, and deviations: docs/workloads.md.

#include <string>
#include <vector>

#include "workloads/op_graph.hpp"
#include "workloads/trace.hpp"

namespace plait {

/// As load_trace() (trace.hpp) for this format. Repairs: drops dependencies of an op on itself and
/// on ops that do not exist, and breaks cycles by dropping dependencies on ops later in the file.
/// @throws UserError naming the file, and the byte and node where there is one: a rank's file is
/// missing, is not a Chakra trace, is truncated, has broken dependencies (if strict); an op that
/// Plait cannot simulate; an unknown group; a peer out of range; sends and recvs that do not match.
Workload load_chakra_workload(const std::string& pattern, const TraceOptions& options = {},
                              std::vector<std::string>* warnings = nullptr);

}  // namespace plait
