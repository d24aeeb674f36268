// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reader.hpp
/// Reads Chakra execution traces (MLCommons; one file per rank, protobuf or JSON) as a workload.
/// Conventions, what is simulated instead of replayed, and deviations: docs/traces.md.

#include <string>
#include <vector>

#include "workloads/op_graph.hpp"
#include "workloads/trace.hpp"
#include "workloads/trace_problems.hpp"

namespace plait {

/// As load_trace() (trace.hpp) for this format. Repairs: drops dependencies of an op on itself and
/// on ops that do not exist, and breaks cycles by dropping dependencies on ops later in the file.
/// @throws UserError naming the file, and the byte and node where there is one: a rank's file is
/// missing, is not a Chakra trace, is truncated, has broken dependencies (if strict); an op that
/// Plait cannot simulate; an unknown group; a peer out of range; sends and recvs that do not match.
Workload load_chakra_workload(const std::string& pattern, const TraceOptions& options = {},
                              std::vector<std::string>* warnings = nullptr);

/// The same without the checks and the order across ranks (finish_trace()); problems go to `log`.
Workload read_chakra_workload(const std::string& pattern, const TraceOptions& options,
                              const TraceLog& log);

}  // namespace plait
