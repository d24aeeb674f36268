// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/route_table.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

std::size_t count_tier(const FabricGraph& graph, std::uint32_t tier) {
  std::size_t count = 0;
  for (const NodeId sw : graph.switches()) count += graph.node(sw).tier == tier;
  return count;
}

TEST_CASE("k-ary fat tree: counts of Al-Fares et al.", "[fat_tree]") {
  const std::int64_t k = GENERATE(2, 4, 8, 16);
  const FabricGraph graph = build(FatTreeParams{.k = k}, {});
  // k pods of (k/2)^2 hosts, k/2 edge and k/2 aggregation switches; (k/2)^2 cores.
  CHECK(graph.hosts().size() == static_cast<std::size_t>(k * k * k / 4));
  CHECK(graph.switches().size() == static_cast<std::size_t>(5 * k * k / 4));
  CHECK(count_tier(graph, 1) == static_cast<std::size_t>(k * k / 2));
  CHECK(count_tier(graph, 2) == static_cast<std::size_t>(k * k / 2));
  CHECK(count_tier(graph, 3) == static_cast<std::size_t>(k * k / 4));
  // Every switch has k ports, and each of the three layers of cables has k^3/4.
  for (const NodeId sw : graph.switches()) REQUIRE(graph.node(sw).ports == k);
  CHECK(graph.cables().size() == static_cast<std::size_t>(3 * k * k * k / 4));
}

TEST_CASE("hosts given: the smallest even k that holds them, pods filled in order", "[fat_tree]") {
  // k^3/4: k = 4 holds 16, k = 6 holds 54. 20 hosts need k = 6: 3 hosts per edge switch, so 7 edge
  // switches (the last with 2 hosts), 3 per pod, so 3 pods, 9 aggregation switches and 9 cores.
  const FabricGraph graph = build(FatTreeParams{.hosts = 20}, {});
  CHECK(graph.hosts().size() == 20);
  CHECK(count_tier(graph, 1) == 7);
  CHECK(count_tier(graph, 2) == 9);
  CHECK(count_tier(graph, 3) == 9);
  CHECK(graph.node(graph.find("edge2.0")).ports == 3 + 2);  // 3 up, 2 hosts
  CHECK(graph.find("edge2.1") == NodeId::none());
  CHECK_NOTHROW(RouteTable(graph));
}

TEST_CASE("one pod needs no cores", "[fat_tree]") {
  const FabricGraph graph = build(FatTreeParams{.k = 4, .hosts = 3}, {});
  CHECK(count_tier(graph, 1) == 2);
  CHECK(count_tier(graph, 2) == 2);
  CHECK(count_tier(graph, 3) == 0);
}

TEST_CASE("over-subscription multiplies the hosts under the same uplinks", "[fat_tree]") {
  // k = 4, ratio 2: 2 * 4/2 = 4 hosts per edge switch over 2 uplinks; 8 edge switches, 32 hosts.
  const FabricGraph graph = build(FatTreeParams{.k = 4, .oversubscription = 2}, {});
  CHECK(graph.hosts().size() == 32);
  CHECK(graph.switches().size() == 20);
  CHECK(graph.node(graph.find("edge0.0")).ports == 4 + 2);
  // Ratio 1.5 over 2 uplinks: 3 hosts.
  CHECK(build(FatTreeParams{.k = 4, .oversubscription = 1.5}, {}).hosts().size() == 24);
  // By hosts: capacity 2 * (k/2)^3 is 16 for k = 4; k = 4 again at ratio 2 for 32 hosts.
  CHECK(build(FatTreeParams{.hosts = 32, .oversubscription = 2}, {}).switches().size() == 20);
}

TEST_CASE("several NICs hang on the host's edge switch", "[fat_tree]") {
  FabricParts parts;
  parts.host = {.gpus = 8, .nics = 2};
  const FabricGraph graph = build(FatTreeParams{.k = 4}, parts);
  CHECK(graph.endpoint_count() == 32);
  CHECK(graph.gpu_count() == 128);
  CHECK(graph.node(graph.find("edge0.0")).ports == 2 * 2 + 2);
}

TEST_CASE("impossible fat trees say what is possible", "[fat_tree]") {
  const auto error = [](const FatTreeParams& params) {
    return user_error([&] { build(params, {}); });
  };
  CHECK_THAT(error({}), contains("give k, or hosts"));
  CHECK_THAT(error({.k = 5}), contains("k is 5, must be even"));
  CHECK_THAT(error({.k = -2}), contains("fat_tree.k is -2, must be from 0 to 200"));
  CHECK_THAT(error({.k = 4, .hosts = 17}), contains("k = 4 holds 16 hosts, 17 were asked for"));
  CHECK_THAT(error({.k = 4, .oversubscription = 1.3}), contains("no whole number"));
  CHECK_THAT(error({.k = 4, .oversubscription = std::nan("")}), contains("oversubscription"));
  CHECK_THAT(error({.k = 200, .oversubscription = 2}),
             contains("4000000 hosts were asked for; at most 2000000"));
  CHECK_THAT(error({.hosts = -1}), contains("fat_tree.hosts is -1"));
}

TEST_CASE("a fabric of 16,384 hosts has small routing tables", "[fat_tree]") {
  // k = 40 holds 16,000, so k = 42 with 21 hosts per edge switch: ceil(16384 / 21) = 781 edges.
  const FabricGraph graph = build(FatTreeParams{.hosts = 16'384}, {});
  const RouteTable routes(graph);
  CHECK(count_tier(graph, 1) == 781);
  CHECK(routes.next_hops(graph.find("edge0.0"), EndpointId(16'383u)).size() == 21);
  // A table of all host pairs would have 16,384^2 entries; this has one per (switch, edge switch),
  // 2,070 x 781 of them, 6 bytes each (set and distance), and little else.
  CHECK(routes.memory_bytes() < 12'000'000);
}

}  // namespace
}  // namespace plait
