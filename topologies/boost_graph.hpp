// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file boost_graph.hpp
/// The fabric as a Boost.Graph, for its writers. Included by .cpp files of this folder only.

#include <boost/graph/adjacency_list.hpp>
#include <cstdint>
#include <string>

#include "topologies/fabric_graph.hpp"

namespace plait {

struct VertexText {
  std::string name, kind;  // kind: "host" or "switch"
  std::uint32_t tier = 0, gpus = 0;
};

struct EdgeText {
  std::string rate, delay;
  std::uint32_t lanes = 1;
};

using TextGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, VertexText, EdgeText>;

/// Vertices are node ids; one edge per cable, in order of connect().
inline TextGraph to_text_graph(const FabricGraph& graph) {
  TextGraph result(graph.node_count());
  for (std::size_t i = 0; i < graph.node_count(); ++i) {
    const FabricNode& node = graph.node(NodeId(i));
    result[i] = {node.name, node.kind == NodeKind::kHost ? "host" : "switch", node.tier, node.gpus};
  }
  for (const PortId port : graph.cables()) {
    const FabricLink& link = graph.egress(port);
    boost::add_edge(graph.port_node(port).index(), graph.port_node(link.to).index(),
                    {to_string(link.rate), to_string(link.delay), link.lanes}, result);
  }
  return result;
}

}  // namespace plait
