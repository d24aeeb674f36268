// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file graphml.hpp
/// GraphML in and out (what networkx, igraph, Gephi and yEd exchange), through Boost.Graph. Keys:
/// docs/topology-files.md.

#include <cstdint>
#include <istream>
#include <ostream>
#include <string>

#include "topologies/fabric_graph.hpp"

namespace plait {

/// An undirected edge is a cable. In a directed file a cable is a pair of opposite edges, which
/// must state the same rate, delay and lanes. Unknown keys are ignored.
/// @throws UserError naming the file and the node or edge; GraphML errors have no line.
FabricGraph read_graphml(std::istream& in, const std::string& file, std::uint32_t default_gpus);

/// Reads back to the same graph.
void write_graphml(std::ostream& out, const FabricGraph& graph);

}  // namespace plait
