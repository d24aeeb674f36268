// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace_report.hpp
/// What a trace holds, as text: `plait trace info` and `check`.

#include <string>
#include <vector>

#include "workloads/trace.hpp"

namespace plait {

/// The pattern with {rank} that a user means by `files`: a pattern itself, all files of a trace, or
/// one of them (its last number is the rank).
/// @throws UserError if the names do not differ in one number only.
std::string trace_pattern(const std::vector<std::string>& files);

/// Up to 32 ranks are listed, more are summarised.
std::string trace_report(const Workload& workload, const std::string& title);

/// `plait trace check`.
std::string trace_check_report(const TraceCheck& check, const std::string& title, bool strict);

}  // namespace plait
