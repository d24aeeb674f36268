// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file dot.hpp
/// Pictures: Graphviz text of a fabric.

#include <ostream>

#include "topologies/fabric_graph.hpp"

namespace plait {

/// Hosts as boxes, switches as ellipses, one undirected edge per cable labelled with its rate.
void write_dot(std::ostream& out, const FabricGraph& graph);

}  // namespace plait
