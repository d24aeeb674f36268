// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file validate.hpp
/// Faults of a fabric that its construction does not already refuse. FabricGraph itself refuses
/// rates <= 0, self loops and duplicate names; the file readers refuse links to unknown nodes and
/// cables whose two directions differ.

#include <string>
#include <vector>

#include "topologies/fabric_graph.hpp"

namespace plait {

/// One line per fault: no hosts, a host or switch without links, hosts cabled directly to each
/// other, two hosts without a path (one such pair is named). Empty if the fabric is sound.
std::vector<std::string> find_faults(const FabricGraph& graph);

/// @throws UserError with the first fault and how many more there are.
void validate(const FabricGraph& graph);

}  // namespace plait
