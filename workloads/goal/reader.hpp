// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reader.hpp
/// GOAL schedules, text (plain or gzip) or binary, as workloads. Conventions: docs/traces.md.

#include <string>

#include "workloads/op_graph.hpp"

namespace plait {

/// Whether `file` is a GOAL schedule, by its first bytes. False if it cannot be read.
bool is_goal(const std::string& file);

/// Computes, sends and recvs on CPUs that run in no fixed order (Op::in_order false); `calc` is in
/// nanoseconds. @throws UserError naming the place, or ranks whose sends and recvs do not match.
Workload load_goal_workload(const std::string& file);

}  // namespace plait
