// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file binary.hpp
/// GOAL's binary form, as LogGOPSim's txt2bin writes it (layout: docs/traces.md).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

/// Whether a file that begins with `head` is in the binary form.
bool is_goal_binary(std::string_view head);

/// One graph per rank; an op's source id is the number of its node. Beside the graphs only the rank
/// at hand is in memory. @throws UserError naming the byte, or rank and node.
std::vector<std::shared_ptr<const OpGraph>> read_goal_binary(const std::string& file);

/// For `plait trace convert` and tests. @pre all ops are computes with a duration, sends or recvs.
std::string goal_binary(const std::vector<std::shared_ptr<const OpGraph>>& graphs);

}  // namespace plait
