// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file reader.hpp
/// SimAI and AICB workload texts as workloads: all ranks share one graph.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

/// One pass as SimAI runs it: forward through the lines, then from the last line to the first its
/// input gradient, its weight gradient and the weights' collective, which overlaps what follows.
/// Ranks are numbered as in Megatron: tensor, expert, data, pipeline, the first fastest.
/// @param ranks needed where the header does not say; else it must agree.
/// @param warnings if not null, gets what the text asks for and is not simulated.
/// @throws UserError naming file, line and column.
Workload load_simai_workload(const std::string& file, std::optional<std::uint32_t> ranks,
                             std::vector<std::string>* warnings);

}  // namespace plait
