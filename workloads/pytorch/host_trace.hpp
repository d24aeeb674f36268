// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file host_trace.hpp
/// PyTorch's host execution trace (torch.profiler.ExecutionTraceObserver): only its communication
/// calls, for their sizes, which profilers of old PyTorch do not tell. Schema 1.0.1 and 1.0.2.

#include <filesystem>
#include <string>

#include "workloads/pytorch/kineto.hpp"

namespace plait {

/// The calls nccl:* in order of their ids. @throws UserError naming file and byte.
SpillVector<CommCall> read_host_calls(const std::filesystem::path& file, NameTable& texts);

/// The name of the host trace that lies beside a profiler's trace: "kineto" replaced by "et", in
/// "meg_kineto_3.json.gz" as in "kineto.3.json". Empty if the name has no "kineto".
std::filesystem::path host_trace_beside(const std::filesystem::path& kineto);

}  // namespace plait
