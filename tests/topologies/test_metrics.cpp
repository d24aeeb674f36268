// SPDX-License-Identifier: Apache-2.0
#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/dumbbell.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/metrics.hpp"
#include "topologies/rail_optimized.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

FabricParts parts_with(std::uint32_t nics, BitRate host_rate, BitRate fabric_rate) {
  FabricParts parts;
  parts.host = {.gpus = 8, .nics = nics};
  parts.host_link.rate = host_rate;
  parts.fabric_link.rate = fabric_rate;
  return parts;
}

std::uint32_t diameter_of(const FabricGraph& graph) { return diameter(graph, RouteTable(graph)); }

TEST_CASE("fat tree: full bisection, k^2/4 paths between pods, six links across", "[metrics]") {
  const std::int64_t k = GENERATE(4, 8, 16);
  const FabricGraph graph = build(FatTreeParams{.k = k}, {});
  // Half the hosts can send at their full rate: k^3/4 / 2 * 100 Gb/s.
  CHECK(bisection_bandwidth(graph) == BitRate::gbps(100) * (k * k * k / 8));
  // Between pods a path is a choice of one of k/2 aggregation switches and one of its k/2 cores;
  // within a pod only of an aggregation switch. Disjoint ones are limited by the k/2 uplinks.
  const PathDiversity paths = path_diversity(graph);
  const auto edges = static_cast<std::uint64_t>(k * k / 2);
  CHECK(paths.pairs == edges * (edges - 1) / 2);
  CHECK(paths.shortest_min == static_cast<std::uint64_t>(k / 2));
  CHECK(paths.shortest_max == static_cast<std::uint64_t>(k * k / 4));
  CHECK(paths.disjoint_pairs == std::min<std::uint64_t>(64, paths.pairs));
  CHECK(paths.disjoint_min == k / 2);
  CHECK(paths.disjoint_max == k / 2);
  CHECK(diameter_of(graph) == 6);  // host, edge, aggregation, core, aggregation, edge, host
}

TEST_CASE("over-subscription divides the bisection", "[metrics]") {
  // k = 4, ratio 2: 32 hosts, 16 send over 4 edge switches with 2 uplinks of 100 Gb/s each; pods 0
  // and 1 are one half, so all must cross the cores: 2 pods * 4 core links * 100 = 800 Gb/s.
  CHECK(bisection_bandwidth(build(FatTreeParams{.k = 4, .oversubscription = 2}, {})) ==
        BitRate::gbps(800));
}

TEST_CASE("leaf-spine: bisection is the smaller of host links and uplinks", "[metrics]") {
  // 4 leaves of 4 hosts; halves = 2 leaves each. Hosts of a half: 8 * 100 = 800 Gb/s. Uplinks of a
  // half: 2 leaves * 2 spines * 1 * 400 = 1600 Gb/s, or with 100 Gb/s links 400 Gb/s.
  const LeafSpineParams shape{.hosts = 16, .hosts_per_leaf = 4, .spines = 2};
  CHECK(bisection_bandwidth(build(shape, parts_with(1, BitRate::gbps(100), BitRate::gbps(400)))) ==
        BitRate::gbps(800));
  const FabricGraph thin = build(shape, parts_with(1, BitRate::gbps(100), BitRate::gbps(100)));
  CHECK(bisection_bandwidth(thin) == BitRate::gbps(400));
  CHECK(diameter_of(thin) == 4);
}

TEST_CASE("leaf-spine: parallel links multiply paths twice, once per tier", "[metrics]") {
  // 3 spines, 2 parallel uplinks: 3 * 2 (up) * 2 (down) = 12 shortest paths; disjoint are 3 * 2
  // = 6.
  const PathDiversity paths =
      path_diversity(build(LeafSpineParams{.hosts = 12, .spines = 3, .uplinks = 2}, {}));
  CHECK(paths.shortest_min == 12);
  CHECK(paths.shortest_max == 12);
  CHECK(paths.disjoint_min == 6);
  CHECK(paths.disjoint_max == 6);
}

TEST_CASE("dumbbell: the bottleneck is the bisection", "[metrics]") {
  const FabricGraph graph = build(DumbbellParams{.left = 4, .right = 4, .bottleneck_links = 2},
                                  parts_with(1, BitRate::gbps(100), BitRate::gbps(50)));
  CHECK(bisection_bandwidth(graph) == BitRate::gbps(100));  // 2 * 50
  CHECK(diameter_of(graph) == 3);
  CHECK(path_diversity(graph).shortest_max == 2);
}

TEST_CASE("single switch: two links across, half the hosts' rate, no pairs of edge switches",
          "[metrics]") {
  const FabricGraph graph = build(SingleSwitchParams{.hosts = 5}, {});
  CHECK(bisection_bandwidth(graph) == BitRate::gbps(200));  // 2 hosts against 3
  CHECK(diameter_of(graph) == 2);
  CHECK(path_diversity(graph).pairs == 0);
  const FabricGraph alone = build(SingleSwitchParams{.hosts = 1}, {});
  CHECK(bisection_bandwidth(alone) == BitRate());
  CHECK(diameter_of(alone) == 0);
}

TEST_CASE("rails: hosts meet over their best pair of NICs", "[metrics]") {
  // One unit: on the same rail always, 2 links, though other pairs of NICs need 4. Two units: 4.
  const FabricParts parts = parts_with(4, BitRate::gbps(100), BitRate::gbps(400));
  const FabricGraph unit = build(RailOptimizedParams{.hosts = 4, .hosts_per_unit = 4}, parts);
  CHECK(diameter_of(unit) == 2);
  CHECK(bisection_bandwidth(unit) == BitRate::gbps(800));  // 2 hosts * 4 NICs * 100
  CHECK(diameter_of(build(RailOptimizedParams{.hosts = 8, .hosts_per_unit = 4}, parts)) == 4);
  // Rails left apart still carry the bisection, each its own share.
  CHECK(bisection_bandwidth(build(RailOptimizedParams{.hosts = 4, .hosts_per_unit = 4, .spines = 0},
                                  parts)) == BitRate::gbps(800));
}

TEST_CASE("property: bisection never exceeds the host links of either half", "[metrics]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    const FabricGraph graph = test::random_fabric(seed);
    const auto hosts = graph.hosts();
    std::int64_t half[2] = {0, 0};
    for (std::size_t i = 0; i < hosts.size(); ++i)
      for (std::uint32_t n = 0; n < graph.node(hosts[i]).ports; ++n)
        half[i < hosts.size() / 2 ? 0 : 1] += graph.egress(graph.port(hosts[i], n)).rate.bps();
    const std::int64_t found = bisection_bandwidth(graph).bps();
    REQUIRE(found <= std::min(half[0], half[1]));
    if (hosts.size() > 1) REQUIRE(found > 0);  // connected
  }
}

}  // namespace
}  // namespace plait
