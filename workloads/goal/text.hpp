// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file text.hpp
/// GOAL text: Hoefler, Siebert, Lumsdaine, "Group Operation Assembly Language", ICPP 2009, in the
/// dialect of LogGOPSim's txt2bin. Grammar and conventions: docs/traces.md.

#include <memory>
#include <string>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

/// One graph per rank. An op's source id is its line, its name its label (or what it is).
/// Beside the graphs only the rank at hand is in memory. @throws UserError naming line and column.
std::vector<std::shared_ptr<const OpGraph>> read_goal_text(const std::string& file);

/// Limits of both forms of GOAL.
constexpr std::uint32_t kMaxGoalRanks = 1U << 20;
constexpr std::int64_t kMaxGoalNanoseconds = 9'000'000'000'000'000;  ///< 104 days.
constexpr std::int64_t kMaxGoalBytes = std::int64_t{1} << 60;

}  // namespace plait
