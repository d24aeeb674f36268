// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/dot.hpp"
#include "topologies/graphml.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

using test::contains;
using test::text_of;
using test::user_error;

FabricGraph read(const std::string& text) {
  std::istringstream in(text);
  return read_graphml(in, "net.graphml", 8);
}

std::string error_of(const std::string& text) {
  return user_error([&] { read(text); });
}

/// A file as networkx writes it: numbers typed, a key that Plait does not know, free node ids.
std::string document(const std::string& direction, const std::string& edges) {
  return "<?xml version='1.0' encoding='utf-8'?>\n"
         "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
         "<key id=\"d0\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n"
         "<key id=\"d1\" for=\"node\" attr.name=\"kind\" attr.type=\"string\"/>\n"
         "<key id=\"d2\" for=\"node\" attr.name=\"gpus\" attr.type=\"long\"/>\n"
         "<key id=\"d3\" for=\"node\" attr.name=\"x\" attr.type=\"double\"/>\n"
         "<key id=\"d4\" for=\"edge\" attr.name=\"rate\" attr.type=\"string\"/>\n"
         "<key id=\"d5\" for=\"edge\" attr.name=\"delay\" attr.type=\"string\"/>\n"
         "<key id=\"d6\" for=\"edge\" attr.name=\"lanes\" attr.type=\"int\"/>\n"
         "<graph edgedefault=\"" +
         direction +
         "\">\n"
         "<node id=\"x\"><data key=\"d0\">a</data><data key=\"d1\">host</data>"
         "<data key=\"d2\">4</data><data key=\"d3\">0.5</data></node>\n"
         "<node id=\"y\"><data key=\"d0\">s</data><data key=\"d1\">switch</data></node>\n" +
         edges + "</graph></graphml>\n";
}

std::string edge(const std::string& a, const std::string& b, const std::string& rate,
                 const std::string& delay = "1us") {
  return "<edge source=\"" + a + "\" target=\"" + b + "\"><data key=\"d4\">" + rate +
         "</data><data key=\"d5\">" + delay + "</data></edge>\n";
}

TEST_CASE("GraphML: an undirected edge is a cable", "[graphml]") {
  const FabricGraph graph = read(document("undirected", edge("x", "y", "100Gbps")));
  CHECK(graph.node(graph.find("a")).gpus == 4);
  CHECK(graph.node(graph.find("s")).tier == 1);
  REQUIRE(graph.cables().size() == 1);
  CHECK(graph.egress(PortId(0u)).rate == BitRate::gbps(100));
  CHECK(graph.egress(PortId(0u)).delay == Duration::us(1));
}

TEST_CASE("GraphML: two opposite directed edges are a cable", "[graphml]") {
  const FabricGraph graph =
      read(document("directed", edge("x", "y", "100Gbps") + edge("x", "y", "50Gbps") +
                                    edge("y", "x", "100Gbps") + edge("y", "x", "50Gbps")));
  REQUIRE(graph.cables().size() == 2);
  CHECK(graph.link_name(PortId(1u)) == "a:1 -> s:1");
  CHECK(graph.egress(PortId(1u)).rate == BitRate::gbps(50));
}

TEST_CASE("GraphML: the two directions of a cable must agree", "[graphml]") {
  CHECK_THAT(error_of(document("directed", edge("x", "y", "100Gbps") + edge("y", "x", "40Gbps"))),
             contains("net.graphml: edge a - s: rate is 100Gbps, and 40Gbps in the other"));
  CHECK_THAT(
      error_of(document("directed", edge("x", "y", "1Gbps") + edge("y", "x", "1Gbps", "2us"))),
      contains("delay is 1us, and 2us"));
  CHECK_THAT(error_of(document("directed", edge("x", "y", "100Gbps"))),
             contains("no edge in the other direction: a port dangles"));
}

TEST_CASE("GraphML: what is written reads back to the same graph", "[graphml]") {
  const auto round_trip = [](const FabricGraph& graph) {
    std::ostringstream out;
    write_graphml(out, graph);
    return text_of(read(out.str()));
  };
  const FabricGraph leaf_spine = build(LeafSpineParams{.uplinks = 2}, {});
  CHECK(round_trip(leaf_spine) == text_of(leaf_spine));
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    const FabricGraph graph = test::random_fabric(seed);
    REQUIRE(round_trip(graph) == text_of(graph));
  }
}

TEST_CASE("GraphML: mistakes are told with the file and the place", "[graphml]") {
  CHECK_THAT(error_of(""), contains("net.graphml: not readable as GraphML"));
  CHECK_THAT(error_of("<graphml>"), contains("net.graphml: not readable as GraphML"));
  CHECK_THAT(error_of("<html></html>"), contains("net.graphml: "));
  CHECK_THAT(error_of("<graphml><graph edgedefault='undirected'></graph></graphml>"),
             contains("the file has no nodes"));
  CHECK_THAT(error_of("<graphml><graph edgedefault='undirected'><node id='n'/></graph></graphml>"),
             contains("node 0 (counted from 0) has no key 'name'"));
  CHECK_THAT(error_of(document("undirected", edge("x", "z", "1Gbps"))),
             contains("node 2 (counted from 0) has no key 'name'; a node that only an edge"));
  CHECK_THAT(error_of(document("undirected", edge("x", "y", "100"))),
             contains("net.graphml: edge a - s: ") && contains("lacks a unit"));
  CHECK_THAT(error_of(document("undirected", edge("x", "y", "0Gbps"))),
             contains("rate is 0bps, must be > 0"));
  CHECK_THAT(error_of(document("undirected", "<edge source=\"x\" target=\"y\"/>")),
             contains("the key 'rate' is missing"));
  CHECK_THAT(error_of(document("undirected", edge("x", "x", "1Gbps"))), contains("same node"));
  CHECK_THAT(error_of(document("directed", edge("x", "x", "1Gbps") + edge("x", "x", "1Gbps"))),
             contains("edge a - a"));
  std::string twice = document("undirected", "");
  twice.replace(twice.find(">s<"), 3, ">a<");
  CHECK_THAT(error_of(twice), contains("a node 'a' was there before"));
  std::string kind = document("undirected", "");
  kind.replace(kind.find(">switch<"), 8, ">router<");
  CHECK_THAT(error_of(kind),
             contains("node s: the key 'kind' must be host or switch, not 'router'"));
}

TEST_CASE("DOT: a node per host and switch, an edge per cable", "[dot]") {
  std::ostringstream out;
  write_dot(out, build(SingleSwitchParams{.hosts = 1}, {}));
  CHECK(out.str() ==
        "graph G {\n"
        "0[label=\"host0\", shape=box];\n"
        "1[label=\"leaf0\", shape=ellipse];\n"
        "0--1 [label=\"100Gbps\"];\n"
        "}\n");
}

}  // namespace
}  // namespace plait
