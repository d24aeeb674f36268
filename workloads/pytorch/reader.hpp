// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reader.hpp
/// Reads traces of the PyTorch profiler (Kineto JSON, one file per rank) as a workload. Conventions
/// and deviations: docs/traces.md.

#include <string>

#include "workloads/op_graph.hpp"
#include "workloads/trace.hpp"
#include "workloads/trace_problems.hpp"

namespace plait {

/// Without the checks and the order across ranks (finish_trace()); problems go to `log`.
/// @throws UserError naming the file, and the byte or kernel where there is one.
Workload read_pytorch_workload(const std::string& pattern, const TraceOptions& options,
                               const TraceLog& log);

}  // namespace plait
