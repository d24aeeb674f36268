// SPDX-License-Identifier: Apache-2.0
#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/rail_optimized.hpp"
#include "topologies/route_table.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

constexpr std::uint32_t kFar = 1'000'000;

/// Links from every switch to `to`, by relaxing all links until nothing changes (Bellman-Ford):
/// slow, and unlike the table's search in every respect. Only switches forward.
std::vector<std::uint32_t> brute_force_distances(const FabricGraph& graph, EndpointId to) {
  std::vector<std::uint32_t> distance(graph.node_count(), kFar);
  const PortId target = graph.endpoint_port(to);
  bool changed = true;
  while (changed) {
    changed = false;
    for (const FabricLink& link : graph.links()) {
      const NodeId from = graph.port_node(link.from);
      const NodeId far = graph.port_node(link.to);
      if (graph.node(from).kind == NodeKind::kHost) continue;
      std::uint32_t through = kFar;
      if (link.to == target) through = 1;
      if (graph.node(far).kind == NodeKind::kSwitch) through = distance[far.index()] + 1;
      if (through >= distance[from.index()]) continue;
      distance[from.index()] = through;
      changed = true;
    }
  }
  return distance;
}

std::vector<std::uint16_t> brute_force_next_hops(const FabricGraph& graph, NodeId sw, EndpointId to,
                                                 const std::vector<std::uint32_t>& distance) {
  std::vector<std::uint16_t> ports;
  for (std::uint32_t n = 0; n < graph.node(sw).ports; ++n) {
    const PortId far = graph.peer(graph.port(sw, n));
    const NodeId node = graph.port_node(far);
    const bool arrives = far == graph.endpoint_port(to) && distance[sw.index()] == 1;
    const bool nearer = graph.node(node).kind == NodeKind::kSwitch &&
                        distance[node.index()] + 1 == distance[sw.index()];
    if (arrives || nearer) ports.push_back(static_cast<std::uint16_t>(n));
  }
  return ports;
}

TEST_CASE("property: next hops and hop counts equal brute force on random fabrics",
          "[route_table]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    const FabricGraph graph = test::random_fabric(seed);
    const RouteTable routes(graph);
    for (std::size_t t = 0; t < graph.endpoint_count(); ++t) {
      const EndpointId to(t);
      const std::vector<std::uint32_t> distance = brute_force_distances(graph, to);
      for (const NodeId sw : graph.switches()) {
        const auto found = routes.next_hops(sw, to);
        REQUIRE(std::vector<std::uint16_t>(found.begin(), found.end()) ==
                brute_force_next_hops(graph, sw, to, distance));
      }
      for (std::size_t f = 0; f < graph.endpoint_count(); ++f) {
        const NodeId first = graph.port_node(graph.peer(graph.endpoint_port(EndpointId(f))));
        REQUIRE(routes.hop_count(EndpointId(f), to) == (f == t ? 0 : distance[first.index()] + 1));
      }
    }
  }
}

TEST_CASE("fat tree: next hops go up by k/2 ports and down by one", "[route_table]") {
  const FabricGraph graph = build(FatTreeParams{.k = 4}, {});
  const RouteTable routes(graph);
  const EndpointId last(15u);  // in the last pod
  // From pod 0 all k/2 = 2 uplinks of edge and aggregation are on shortest paths; edge ports 0, 1
  // lead to hosts and 2, 3 up; aggregation ports 0, 1 lead to edges and 2, 3 to cores.
  const auto at_edge = routes.next_hops(graph.find("edge0.0"), last);
  CHECK(std::vector<int>(at_edge.begin(), at_edge.end()) == std::vector<int>{2, 3});
  const auto at_agg = routes.next_hops(graph.find("agg0.1"), last);
  CHECK(std::vector<int>(at_agg.begin(), at_agg.end()) == std::vector<int>{2, 3});
  // Core 0 has one port per pod: port 3 is pod 3. Host 15 is the second one of edge3.1.
  const auto at_core = routes.next_hops(graph.find("core0"), last);
  CHECK(std::vector<int>(at_core.begin(), at_core.end()) == std::vector<int>{3});
  const auto at_target = routes.next_hops(graph.find("edge3.1"), last);
  CHECK(std::vector<int>(at_target.begin(), at_target.end()) == std::vector<int>{1});
  CHECK(routes.hop_count(EndpointId(0u), EndpointId(0u)) == 0);
  CHECK(routes.hop_count(EndpointId(0u), EndpointId(1u)) == 2);  // same edge switch
  CHECK(routes.hop_count(EndpointId(0u), EndpointId(2u)) == 4);  // same pod
  CHECK(routes.hop_count(EndpointId(0u), last) == 6);            // over a core
}

TEST_CASE("choices stand apart where no port is both the only next hop and one of several",
          "[route_table]") {
  const FabricGraph tree = build(FatTreeParams{.k = 4}, {});
  const RouteTable up_or_down(tree);
  for (const NodeId sw : tree.switches()) CHECK(up_or_down.choices_stand_apart(sw));
  // From a, b is reached over s or t, c over s alone; from t, c over a or b.
  FabricGraph graph;
  std::vector<NodeId> leaf, spine;
  for (const char* name : {"a", "b", "c"}) {
    leaf.push_back(graph.add_switch(name, 1));
    graph.connect(graph.add_host(std::string(name) + "h", 1), leaf.back(), {});
  }
  for (const char* name : {"s", "t"}) spine.push_back(graph.add_switch(name, 2));
  for (const NodeId l : leaf) graph.connect(l, spine[0], {});
  graph.connect(leaf[0], spine[1], {});
  graph.connect(leaf[1], spine[1], {});
  graph.finalize();
  const RouteTable routes(graph);
  CHECK_FALSE(routes.choices_stand_apart(leaf[0]));
  CHECK_FALSE(routes.choices_stand_apart(leaf[1]));
  CHECK(routes.choices_stand_apart(leaf[2]));
  CHECK(routes.choices_stand_apart(spine[0]));
  CHECK_FALSE(routes.choices_stand_apart(spine[1]));
}

TEST_CASE("more next hops than a block can name", "[route_table]") {
  FabricGraph graph;  // a - s = t - b; a block has ten bits for the size of its set
  const NodeId a = graph.add_host("a", 1), b = graph.add_host("b", 1);
  const NodeId s = graph.add_switch("s", 1), t = graph.add_switch("t", 1);
  graph.connect(a, s, {});
  graph.connect(b, t, {});
  for (int i = 0; i < 1100; ++i) graph.connect(s, t, {});
  graph.finalize();
  const RouteTable routes(graph);
  const auto hops = routes.next_hops(s, graph.endpoint(graph.port(b, 0)));
  REQUIRE(hops.size() == 1100);
  CHECK(hops[0] == 1);
  CHECK(hops[1099] == 1100);
  CHECK(routes.next_hops(t, graph.endpoint(graph.port(a, 0))).size() == 1100);
}

TEST_CASE("memory is per pair of switches, not of hosts", "[route_table]") {
  // 1024 hosts: 320 switches x 128 edge switches x (4 + 2) bytes = 246 kB, endpoints 10 B each. A
  // table per pair of hosts would have at least 1024 * 1024 * 2 B = 2 MB.
  const FabricGraph graph = build(FatTreeParams{.k = 16}, {});
  CHECK(RouteTable(graph).memory_bytes() < 300'000);
}

TEST_CASE("rails without spines: hosts meet on equal rails only", "[route_table]") {
  FabricParts parts;
  parts.host = {.gpus = 8, .nics = 2};
  const FabricGraph graph = build(RailOptimizedParams{.hosts = 2, .spines = 0}, parts);
  const RouteTable routes(graph);
  // Endpoints: host0 = 0, 1; host1 = 2, 3; even ones on rail 0.
  CHECK(routes.hop_count(EndpointId(0u), EndpointId(2u)) == 2);
  CHECK(routes.hop_count(EndpointId(0u), EndpointId(3u)) == RouteTable::kUnreachable);
  CHECK(routes.next_hops(graph.find("rail0.0"), EndpointId(3u)).empty());
}

TEST_CASE("hosts that cannot reach each other are named", "[route_table]") {
  FabricGraph graph;
  for (const char* name : {"a", "b", "c"}) graph.add_host(name, 1);
  const NodeId s = graph.add_switch("s", 1);
  const NodeId t = graph.add_switch("t", 1);
  graph.connect(NodeId(0u), s, {});
  graph.connect(NodeId(1u), s, {});
  graph.connect(NodeId(2u), t, {});
  graph.finalize();
  CHECK_THAT(user_error([&] { RouteTable routes(graph); }), contains("no path from a to c"));
}

TEST_CASE("a host does not forward, so it does not connect two switches", "[route_table]") {
  FabricGraph graph;  // a - s - bridge - t - b: a and b share no switch
  const NodeId a = graph.add_host("a", 1);
  const NodeId bridge = graph.add_host("bridge", 1);
  const NodeId b = graph.add_host("b", 1);
  const NodeId s = graph.add_switch("s", 1);
  const NodeId t = graph.add_switch("t", 1);
  graph.connect(a, s, {});
  graph.connect(bridge, s, {});
  graph.connect(bridge, t, {});
  graph.connect(b, t, {});
  graph.finalize();
  CHECK_THAT(user_error([&] { RouteTable routes(graph); }), contains("no path from a to b"));
}

TEST_CASE("hosts cabled directly are refused", "[route_table]") {
  FabricGraph graph;
  graph.connect(graph.add_host("a", 1), graph.add_host("b", 1), {});
  graph.finalize();
  CHECK_THAT(user_error([&] { RouteTable routes(graph); }), contains("cabled directly"));
}

TEST_CASE("dead cables are left out, and what they cut off has no routes", "[route_table]") {
  FabricGraph graph;  // a - s = t - b, with two cables between s and t, and c on t
  const NodeId a = graph.add_host("a", 1), b = graph.add_host("b", 1), c = graph.add_host("c", 1);
  const NodeId s = graph.add_switch("s", 1), t = graph.add_switch("t", 1);
  graph.connect(a, s, {});
  graph.connect(b, t, {});
  graph.connect(c, t, {});
  graph.connect(s, t, {});
  graph.connect(s, t, {});
  graph.finalize();
  const auto endpoint = [&](NodeId host) { return graph.endpoint(graph.port(host, 0)); };
  std::vector<bool> dead(graph.port_count());
  const auto kill = [&](PortId port) {
    dead[port.index()] = dead[graph.peer(port).index()] = true;
  };

  kill(graph.port(s, 1));
  const RouteTable one(graph, dead);
  REQUIRE(one.next_hops(s, endpoint(b)).size() == 1);
  CHECK(one.next_hops(s, endpoint(b))[0] == 2);
  CHECK(one.hop_count(endpoint(a), endpoint(b)) == 3);

  kill(graph.port(b, 0));
  const RouteTable two(graph, dead);
  CHECK(two.next_hops(s, endpoint(b)).empty());
  CHECK(two.next_hops(t, endpoint(b)).empty());
  CHECK(two.hop_count(endpoint(a), endpoint(b)) == RouteTable::kUnreachable);
  CHECK(two.hop_count(endpoint(b), endpoint(a)) == RouteTable::kUnreachable);
  CHECK(two.hop_count(endpoint(a), endpoint(c)) == 3);
  CHECK(two.next_hops(t, endpoint(c)).size() == 1);

  kill(graph.port(s, 2));
  const RouteTable three(graph, dead);
  CHECK(three.next_hops(s, endpoint(c)).empty());
  CHECK(three.hop_count(endpoint(a), endpoint(c)) == RouteTable::kUnreachable);
  CHECK(three.next_hops(s, endpoint(a)).size() == 1);
}

}  // namespace
}  // namespace plait
