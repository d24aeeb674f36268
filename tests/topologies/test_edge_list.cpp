// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/fat_tree.hpp"

namespace plait {
namespace {

using test::contains;
using test::text_of;
using test::user_error;

FabricGraph read(const std::string& text) {
  std::istringstream in(text);
  return read_edge_list(in, "net.txt", 8);
}

std::string error_of(const std::string& text) {
  return user_error([&] { read(text); });
}

TEST_CASE("edge list: nodes, defaults, comments and units", "[edge_list]") {
  const FabricGraph graph = read(
      "# two hosts\r\n"
      "host a gpus=2   # two GPUs\n"
      "\n"
      "\thost b\n"
      "switch s tier=3\n"
      "switch t\n"
      "link a s 100Gbps 1us\n"
      "link s t 50GB/s 500ns lanes=4\n"
      "link t b 400Gbps 1.5us\n");
  CHECK(graph.node(graph.find("a")).gpus == 2);
  CHECK(graph.node(graph.find("b")).gpus == 8);
  CHECK(graph.node(graph.find("s")).tier == 3);
  CHECK(graph.node(graph.find("t")).tier == 1);  // distance to b
  const FabricLink& middle = graph.egress(graph.port(graph.find("s"), 1));
  CHECK(middle.rate == BitRate::gbps(400));  // 50 GB/s * 8
  CHECK(middle.delay == Duration::ns(500));
  CHECK(middle.lanes == 4);
}

TEST_CASE("edge list: a tier that is not given is the distance to the nearest host",
          "[edge_list]") {
  const FabricGraph graph = read(
      "switch core\nswitch agg\nswitch edge\nhost h\n"
      "link core agg 1Gbps 1us\nlink agg edge 1Gbps 1us\nlink edge h 1Gbps 1us\n");
  CHECK(graph.node(graph.find("edge")).tier == 1);
  CHECK(graph.node(graph.find("agg")).tier == 2);
  CHECK(graph.node(graph.find("core")).tier == 3);
}

TEST_CASE("edge list: what is written reads back to the same graph", "[edge_list]") {
  const auto round_trip = [](const FabricGraph& graph) {
    std::ostringstream out;
    write_edge_list(out, graph);
    return text_of(read(out.str()));
  };
  const FabricGraph tree = build(FatTreeParams{.k = 4}, {});
  CHECK(round_trip(tree) == text_of(tree));
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    const FabricGraph graph = test::random_fabric(seed);
    REQUIRE(round_trip(graph) == text_of(graph));
  }
}

TEST_CASE("edge list: mistakes are told with file, line and what is legal", "[edge_list]") {
  CHECK_THAT(error_of(""), contains("net.txt: the file is empty"));
  CHECK_THAT(error_of("host a\nhots b\n"),
             contains("net.txt:2: 'hots' is not a keyword") && contains("did you mean 'host'?"));
  CHECK_THAT(error_of("host\n"), contains("net.txt:1: too few words; write: host NAME"));
  CHECK_THAT(error_of("host a\nswitch s\nlink a s 1Gbps\n"), contains("net.txt:3: too few words"));
  CHECK_THAT(error_of("host a gpu=2\n"), contains("only gpus=NUMBER may follow"));
  CHECK_THAT(error_of("host a gpus=-1\n"), contains("gpus is '-1', must be a whole number from 0"));
  CHECK_THAT(error_of("host a gpus=2x\n"), contains("gpus is '2x'"));
  CHECK_THAT(error_of("host a gpus=99999999999\n"), contains("gpus is '99999999999'"));
  CHECK_THAT(error_of("switch s tier=0\n"), contains("from 1 to"));
  CHECK_THAT(error_of("host a\n\nswitch a\n"),
             contains("net.txt:3: a node 'a' was there before, at net.txt:1"));
  CHECK_THAT(error_of("host leaf\nlink leaf laef 1Gbps 1us\n"),
             contains("net.txt:2: there is no node 'laef'") && contains("did you mean 'leaf'?"));
  const std::string nodes = "host a\nswitch s\n";
  CHECK_THAT(error_of(nodes + "link a s 100 1us\n"),
             contains("net.txt:3: ") && contains("lacks a unit"));
  CHECK_THAT(error_of(nodes + "link a s 1Gbps 1\n"), contains("net.txt:3: "));
  CHECK_THAT(error_of(nodes + "link a s 0Gbps 1us\n"),
             contains("net.txt:3: link a - s: rate is 0bps, must be > 0"));
  CHECK_THAT(error_of(nodes + "link a s -1Gbps 1us\n"), contains("net.txt:3"));
  CHECK_THAT(error_of(nodes + "link a s 1Gbps -1us\n"), contains("net.txt:3"));
  CHECK_THAT(error_of(nodes + "link s s 1Gbps 1us\n"), contains("same node"));
  CHECK_THAT(error_of(nodes + "link a s 1Gbps 1us lanes=0\n"), contains("lanes is '0'"));
  CHECK_THAT(error_of(nodes + "link a s 1Gbps 1us 4\n"), contains("'4' is not expected here"));
  CHECK_THAT(error_of("host a:b\n"), contains("net.txt:1: 'a:b' is not a name"));
}

}  // namespace
}  // namespace plait
