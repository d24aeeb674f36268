// SPDX-License-Identifier: Apache-2.0
#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/dumbbell.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/metrics.hpp"
#include "topologies/rail_optimized.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

std::string text_of(const FabricGraph& graph, const SinglePoints& points) {
  std::string text;
  for (const SinglePoint& point : points.switches)
    text += fmt::format("{} {}; ", graph.node(point.node).name, point.hosts_cut_off);
  for (const SinglePoint& point : points.cables)
    text += fmt::format("{} {}; ", graph.link_name(point.cable), point.hosts_cut_off);
  return text + fmt::format("alone {}", points.hosts_on_one_cable);
}

std::string points_of(const FabricGraph& graph) {
  return text_of(graph, single_points_of_failure(graph));
}

TEST_CASE("single switch: it cuts off everyone", "[single_points]") {
  CHECK(points_of(build(SingleSwitchParams{.hosts = 3}, {})) == "leaf0 3; alone 3");
}

TEST_CASE("dumbbell: each switch cuts its own hosts, the only bottleneck link the smaller side",
          "[single_points]") {
  // Without leaf0 (3 hosts) the largest rest is leaf1's 2 hosts: 3 cut off; without leaf1: 2.
  DumbbellParams shape{.left = 3, .right = 2, .bottleneck_links = 1};
  CHECK(points_of(build(shape, {})) == "leaf0 3; leaf1 2; leaf0:3 -> leaf1:2 2; alone 5");
  shape.bottleneck_links = 2;  // a second one: neither is alone any more
  CHECK(points_of(build(shape, {})) == "leaf0 3; leaf1 2; alone 5");
}

TEST_CASE("fat tree: only edge switches, k/2 hosts each", "[single_points]") {
  const FabricGraph graph = build(FatTreeParams{.k = 4}, {});
  const SinglePoints points = single_points_of_failure(graph);
  REQUIRE(points.switches.size() == 8);
  for (const SinglePoint& point : points.switches) {
    CHECK(graph.node(point.node).tier == 1);
    CHECK(point.hosts_cut_off == 2);
  }
  CHECK(points.cables.empty());
  CHECK(points.hosts_on_one_cable == 16);
}

TEST_CASE("rails: with several NICs nothing is a single point", "[single_points]") {
  FabricParts parts;
  parts.host = {.gpus = 8, .nics = 2};
  const RailOptimizedParams shape{.hosts = 4, .hosts_per_unit = 2, .spines = 2};
  CHECK(points_of(build(shape, parts)) == "alone 0");
}

TEST_CASE("a host with two NICs does not bridge what a lost switch parts", "[single_points]") {
  // a - s - m - t - b, and h on both s and t. Without m, a and b are parted although h has a NIC on
  // each side. One of a, b is then cut off from the larger part {other, h}.
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 1);
  const NodeId b = graph.add_host("b", 1);
  const NodeId h = graph.add_host("h", 1);
  const NodeId s = graph.add_switch("s", 1);
  const NodeId m = graph.add_switch("m", 2);
  const NodeId t = graph.add_switch("t", 1);
  graph.connect(a, s, {});
  graph.connect(b, t, {});
  graph.connect(h, s, {});
  graph.connect(h, t, {});
  graph.connect(s, m, {});
  graph.connect(m, t, {});
  graph.finalize();
  // Without s: a is alone, h and b meet on t. Both cables of m part the fabric like m itself.
  CHECK(points_of(graph) == "s 1; m 1; t 1; s:2 -> m:0 1; m:1 -> t:2 1; alone 2");
}

/// Hosts outside the largest set of hosts that meet on one island, with `lost` gone; by flooding
/// from each switch, without any of the library's searches.
std::uint32_t brute_force_cut(const FabricGraph& graph, NodeId lost) {
  std::size_t most = 0;
  for (const NodeId start : graph.switches()) {
    if (start == lost) continue;
    std::vector<bool> reached(graph.node_count());
    reached[start.index()] = true;
    for (std::size_t round = 0; round < graph.node_count(); ++round)
      for (const FabricLink& link : graph.links()) {
        const NodeId from = graph.port_node(link.from);
        const NodeId to = graph.port_node(link.to);
        if (reached[from.index()] && graph.node(from).kind == NodeKind::kSwitch && to != lost)
          reached[to.index()] = true;
      }
    std::size_t hosts = 0;
    for (const NodeId host : graph.hosts()) hosts += reached[host.index()];
    most = std::max(most, hosts);
  }
  return static_cast<std::uint32_t>(graph.hosts().size() - most);
}

TEST_CASE("property: single points equal brute force on random fabrics", "[single_points]") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    const FabricGraph graph = test::random_fabric(seed);
    std::string expected;
    for (const NodeId sw : graph.switches())
      if (const std::uint32_t cut = brute_force_cut(graph, sw); cut > 0)
        expected += fmt::format("{} {}; ", graph.node(sw).name, cut);
    SinglePoints points = single_points_of_failure(graph);
    points.cables.clear();
    REQUIRE(text_of(graph, points) ==
            expected + fmt::format("alone {}", points.hosts_on_one_cable));
  }
}

}  // namespace
}  // namespace plait
