// SPDX-License-Identifier: Apache-2.0
#include "tests/topologies/fabric_helpers.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

/// a(2 GPUs) =2 cables= s, b(3 GPUs) - s, s created between the hosts.
FabricGraph small_graph() {
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 2);
  const NodeId s = graph.add_switch("s", 1);
  const NodeId b = graph.add_host("b", 3);
  graph.connect(a, s, {BitRate::gbps(100), Duration::ns(10), 2});
  graph.connect(b, s, {BitRate::gbps(200), Duration::ns(20), 1});
  graph.connect(s, a, {BitRate::gbps(400), Duration::ns(30), 4});
  graph.finalize();
  return graph;
}

TEST_CASE("ports are contiguous per node, in order of the cables", "[fabric_graph]") {
  const FabricGraph graph = small_graph();
  // Ports: a has 2, s has 3, b has 1; so a = 0,1; s = 2,3,4; b = 5.
  REQUIRE(graph.port_count() == 6);
  CHECK(graph.node(NodeId(0u)).first_port == 0);
  CHECK(graph.node(NodeId(1u)).first_port == 2);
  CHECK(graph.node(NodeId(2u)).first_port == 5);
  // Cables in order: a:0-s:0, b:0-s:1, s:2-a:1.
  CHECK(graph.peer(PortId(0u)) == PortId(2u));
  CHECK(graph.peer(PortId(5u)) == PortId(3u));
  CHECK(graph.peer(PortId(4u)) == PortId(1u));
  CHECK(graph.link_name(PortId(4u)) == "s:2 -> a:1");
  CHECK(graph.port_number(PortId(4u)) == 2);
  REQUIRE(graph.cables().size() == 3);
  CHECK(graph.cables()[2] == PortId(4u));  // first-named end of the third cable: s:2
}

TEST_CASE("both directions of a cable are alike and each other's peer", "[fabric_graph]") {
  const FabricGraph graph = small_graph();
  for (std::size_t p = 0; p < graph.port_count(); ++p) {
    const FabricLink& link = graph.egress(PortId(p));
    const FabricLink& back = graph.egress(link.to);
    CHECK(link.from == PortId(p));
    CHECK(back.to == PortId(p));
    CHECK(link.rate == back.rate);
    CHECK(link.delay == back.delay);
    CHECK(link.lanes == back.lanes);
  }
  CHECK(graph.egress(PortId(1u)).rate == BitRate::gbps(400));
}

TEST_CASE("endpoints and GPUs count over the hosts in order", "[fabric_graph]") {
  const FabricGraph graph = small_graph();
  // Host ports: a:0, a:1, b:0 = ports 0, 1, 5. GPUs: two of a, then three of b.
  REQUIRE(graph.endpoint_count() == 3);
  CHECK(graph.endpoint_port(EndpointId(2u)) == PortId(5u));
  CHECK(graph.endpoint(PortId(1u)) == EndpointId(1u));
  REQUIRE(graph.gpu_count() == 5);
  CHECK(graph.gpu_host(GpuId(1u)) == NodeId(0u));
  CHECK(graph.gpu_host(GpuId(2u)) == NodeId(2u));
  CHECK(graph.first_gpu(NodeId(2u)) == GpuId(2u));
}

TEST_CASE("nodes are found by name", "[fabric_graph]") {
  const FabricGraph graph = small_graph();
  CHECK(graph.find("b") == NodeId(2u));
  CHECK(graph.find("s") == NodeId(1u));
  CHECK(!graph.find("c").valid());
  CHECK(!graph.find("").valid());
}

TEST_CASE("impossible cables and names are refused with what is legal", "[fabric_graph]") {
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 1);
  const NodeId s = graph.add_switch("s", 1);
  CHECK_THAT(user_error([&] {
               graph.connect(a, s, {BitRate(), Duration::ns(1), 1});
             }),
             contains("link a - s: rate is 0bps, must be > 0"));
  CHECK_THROWS_AS(graph.connect(a, s, {BitRate::bps(-1), Duration::ns(1), 1}), UserError);
  CHECK_THAT(user_error([&] {
               graph.connect(a, s, {BitRate::gbps(1), Duration::ns(-1), 1});
             }),
             contains("must be >= 0"));
  CHECK_THAT(user_error([&] {
               graph.connect(a, s, {BitRate::gbps(1), Duration::ns(1), 0});
             }),
             contains("lanes is 0"));
  CHECK_THAT(user_error([&] { graph.connect(s, s, {}); }), contains("same node"));
  for (const char* name : {"", "a b", "a:1", "#x", "a\n", "\xc3\xa9"})
    CHECK_THAT(user_error([&] { graph.add_host(name, 1); }), contains("is not a name"));
  graph.add_switch("a", 1);
  CHECK_THAT(user_error([&] { graph.finalize(); }), contains("two nodes have the name 'a'"));
}

TEST_CASE("building after finalize is our own fault", "[fabric_graph]") {
  FabricGraph graph = small_graph();
  CHECK_THROWS_AS(graph.add_host("late", 1), InternalFault);
  CHECK_THROWS_AS(graph.finalize(), InternalFault);
}

}  // namespace
}  // namespace plait
