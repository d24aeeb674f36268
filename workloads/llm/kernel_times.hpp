// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file kernel_times.hpp
/// A user's measured durations of compute ops, for those that the roofline should not decide.

#include <filesystem>

#include "workloads/llm/stage_ops.hpp"

namespace plait {

/// Names that a table may have, in the order of a training step.
std::vector<std::string> kernel_names();

/// Reads lines `kernel,time`, for example `ffn_forward,1.5ms`, after that line as a header; empty
/// lines and lines that begin with # are skipped.
/// @throws UserError naming file and line.
KernelTimes load_kernel_times(const std::filesystem::path& file);

}  // namespace plait
