// SPDX-License-Identifier: Apache-2.0
#include "topologies/dot.hpp"

#include <fmt/format.h>

#include <boost/graph/graphviz.hpp>

#include "topologies/boost_graph.hpp"

namespace plait {

void write_dot(std::ostream& out, const FabricGraph& graph) {
  const TextGraph text = to_text_graph(graph);
  const auto node = [&](std::ostream& o, TextGraph::vertex_descriptor v) {
    o << fmt::format("[label=\"{}\", shape={}]", text[v].name,
                     text[v].kind == "host" ? "box" : "ellipse");
  };
  const auto edge = [&](std::ostream& o, const TextGraph::edge_descriptor& e) {
    o << fmt::format("[label=\"{}\"]", text[e].rate);
  };
  boost::write_graphviz(out, text, node, edge);
}

}  // namespace plait
