// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/route_table.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

FabricGraph read(const std::string& text) {
  std::istringstream in(text);
  return read_ns3_topology(in, "topo.txt", 1);
}

std::string error_of(const std::string& text) {
  return user_error([&] { read(text); });
}

/// The k = 4 fat tree as the ns-3 RDMA simulators' scripts number it: hosts, edge switches pod by
/// pod, aggregation switches pod by pod, cores; links host-edge, edge-aggregation,
/// aggregation-core.
std::string ns3_fat_tree_k4() {
  std::string text = "36 20 48\n";
  for (int id = 16; id < 36; ++id) text += fmt::format("{} ", id);
  const auto link = [&](int a, int b) {
    text += fmt::format("\n{} {} 100Gbps 1000ns 0.000000", a, b);
  };
  for (int host = 0; host < 16; ++host) link(host, 16 + host / 2);
  for (int edge = 0; edge < 8; ++edge)
    for (int j = 0; j < 2; ++j) link(16 + edge, 24 + edge / 2 * 2 + j);
  for (int agg = 0; agg < 8; ++agg)
    for (int c = 0; c < 2; ++c) link(24 + agg, 32 + agg % 2 * 2 + c);
  return text + "\n";
}

TEST_CASE("ns-3 file: ids of the file are node ids, hosts are those not listed", "[ns3]") {
  // A switch between two hosts, with the lowest id.
  const FabricGraph graph = read("3 1 2\n0\n1 0 100Gbps 1000ns 0.000000\n2 0 25Gbps 2us 0\n");
  CHECK(graph.node(NodeId(0u)).name == "switch0");
  CHECK(graph.node(NodeId(1u)).name == "host1");
  CHECK(graph.node(NodeId(1u)).gpus == 1);
  CHECK(graph.egress(graph.port(NodeId(2u), 0)).rate == BitRate::gbps(25));
  CHECK(graph.egress(graph.port(NodeId(0u), 1)).delay == Duration::us(2));
}

TEST_CASE("ns-3 file: the k = 4 fat tree is the generator's, port by port", "[ns3]") {
  const FabricGraph read_graph = read(ns3_fat_tree_k4());
  const FabricGraph built = build(FatTreeParams{.k = 4}, {});
  REQUIRE(read_graph.port_count() == built.port_count());
  for (std::size_t p = 0; p < built.port_count(); ++p) {
    REQUIRE(read_graph.peer(PortId(p)) == built.peer(PortId(p)));
    REQUIRE(read_graph.egress(PortId(p)).rate == built.egress(PortId(p)).rate);
    REQUIRE(read_graph.egress(PortId(p)).delay == built.egress(PortId(p)).delay);
  }
  for (std::size_t i = 0; i < built.node_count(); ++i) {
    REQUIRE(read_graph.node(NodeId(i)).kind == built.node(NodeId(i)).kind);
    REQUIRE(read_graph.node(NodeId(i)).tier == built.node(NodeId(i)).tier);  // found by distance
  }
}

TEST_CASE("ns-3 file: mistakes are told with file and line", "[ns3]") {
  CHECK_THAT(error_of(""), contains("topo.txt: the file is empty"));
  CHECK_THAT(error_of("3 1\n"), contains("topo.txt:1: the first line must be"));
  CHECK_THAT(error_of("3 x 2\n"), contains("SWITCHES is 'x'"));
  CHECK_THAT(error_of("3 4 2\n2\n0 2 1Gbps 1us 0\n1 2 1Gbps 1us 0\n"),
             contains("SWITCHES is '4', must be a whole number from 0 to 3"));
  CHECK_THAT(error_of("2 1 1\n"), contains("1 switches are announced, 0 are listed"));
  CHECK_THAT(error_of("3 2 1\n2 2\n0 2 1Gbps 1us 0\n"), contains("switch 2 is listed twice"));
  CHECK_THAT(error_of("3 1 1\n1 2\n0 2 1Gbps 1us 0\n"), contains("more than 1 switches"));
  CHECK_THAT(error_of("3 1 2\n7\n"), contains("switch id is '7'"));
  CHECK_THAT(error_of("3 1 2\n2\n0 2 1Gbps 1us 0\n"),
             contains("2 links are announced but 1 lines"));
  CHECK_THAT(error_of("9999999 1 1\n2\n0 2 1Gbps 1us 0\n"), contains("9999999 nodes"));
  CHECK_THAT(error_of("3 1 1\n2\n0 3 1Gbps 1us 0\n"), contains("topo.txt:3: TARGET is '3'"));
  CHECK_THAT(error_of("3 1 1\n2\n0 2 1Gbps 1us\n"), contains("topo.txt:3: a link must be"));
  CHECK_THAT(error_of("3 1 1\n2\n0 2 1Gbps 1us 0.01\n"), contains("error rate is '0.01'"));
  CHECK_THAT(error_of("3 1 1\n2\n0 2 fast 1us 0\n"), contains("topo.txt:3"));
}

}  // namespace
}  // namespace plait
