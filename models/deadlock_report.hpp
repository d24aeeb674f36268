// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file deadlock_report.hpp
/// Says who waits for what when ranks can never finish.

#include <span>
#include <string>

#include "models/rank.hpp"
#include "models/records.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait {

/// @param ranks all ranks of one job, by rank.
/// @return empty if all ranks have finished; else lines without a final newline, at most 12: how
/// many ranks are stuck; per stuck collective call who has joined it and who not; per stuck receive
/// or send who waits for whom; then a count of what was left out.
std::string deadlock_report(std::span<const Rank* const> ranks);

/// "s0:2 -> s1:2 -> s2:0 -> s0 (priority 3)": each switch with its paused egress port.
std::string cycle_name(const PauseCycle& cycle, const FabricGraph& graph);

/// One line for each cycle of pauses that stands at the end of the run, at most 12 lines.
std::string standing_cycles(const std::vector<PauseCycle>& cycles, const FabricGraph& graph);

}  // namespace plait
