// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>

#include "models/entity_groups.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/fat_tree.hpp"

namespace plait {
namespace {

FabricGraph fat_tree(Duration host_delay, Duration fabric_delay) {
  FabricParts parts;
  parts.host_link.delay = host_delay;
  parts.fabric_link.delay = fabric_delay;
  FatTreeParams params;
  params.k = 4;
  return build(params, parts);
}

EntityGroups groups_of(const FabricGraph& graph, Duration switch_latency) {
  const RouteTable routes(graph);
  NetworkParams params = test::bare_network();
  params.switches.latency = switch_latency;
  return entity_groups(NetworkContext(graph, routes, params));
}

// The groups of the nodes of a tier; hosts are tier 0.
std::set<std::size_t> groups_at(const FabricGraph& graph, const EntityGroups& groups,
                                std::uint32_t tier) {
  std::set<std::size_t> found;
  for (std::size_t n = 0; n < graph.node_count(); ++n)
    if (graph.node(NodeId(n)).tier == tier) found.insert(groups.of[n]);
  return found;
}

}  // namespace

TEST_CASE("equal cables: two groups, the tiers of a Clos in turn", "[groups]") {
  const FabricGraph graph = fat_tree(Duration::us(1), Duration::us(1));
  const EntityGroups groups = groups_of(graph, Duration::ns(400));
  REQUIRE(groups.count() == 2);
  CHECK(groups.lookahead(0, 0) == EntityGroups::kNever);
  CHECK(groups.lookahead(1, 1) == EntityGroups::kNever);
  // Some cable of either direction leads to a host, so into no switch.
  CHECK(groups.lookahead(0, 1) == 1'400'000);
  CHECK(groups.lookahead(1, 0) == 1'000'000);
  const std::set<std::size_t> hosts = groups_at(graph, groups, 0);
  CHECK(hosts.size() == 1);
  CHECK(groups_at(graph, groups, 2) == hosts);
  CHECK(groups_at(graph, groups, 1) == groups_at(graph, groups, 3));
}

TEST_CASE("long cables between switches: tiers that only they reach have clocks of their own",
          "[groups]") {
  const FabricGraph graph = fat_tree(Duration::ns(200), Duration::us(2));
  const EntityGroups groups = groups_of(graph, Duration());
  REQUIRE(groups.count() == 4);
  const auto only = [&](std::uint32_t tier) {
    const std::set<std::size_t> found = groups_at(graph, groups, tier);
    REQUIRE(found.size() == 1);
    return *found.begin();
  };
  const std::size_t host = only(0), edge = only(1), aggregation = only(2), core = only(3);
  CHECK(std::set<std::size_t>{host, edge, aggregation, core}.size() == 4);
  CHECK(groups.lookahead(host, edge) == 200'000);
  CHECK(groups.lookahead(edge, host) == 200'000);
  CHECK(groups.lookahead(edge, aggregation) == 2'000'000);
  CHECK(groups.lookahead(core, aggregation) == 2'000'000);
  CHECK(groups.lookahead(edge, core) == EntityGroups::kNever);
  CHECK(groups.longest_window_ps(edge) == 400'000);
  CHECK(groups.longest_window_ps(core) == 4'000'000);
}

TEST_CASE("latencies within a factor of two are one class", "[groups]") {
  CHECK(groups_of(fat_tree(Duration::ns(1000), Duration::ns(1999)), Duration()).count() == 2);
  CHECK(groups_of(fat_tree(Duration::ns(1000), Duration::ns(2000)), Duration()).count() == 4);
  // Only hosts are far from all others: three tiers of switches on two sides, and they.
  CHECK(groups_of(fat_tree(Duration::us(4), Duration::us(1)), Duration()).count() == 3);
}

TEST_CASE("an odd cycle of cables: one group with the shortest latency", "[groups]") {
  FabricGraph graph;
  const NodeId a = graph.add_switch("a", 1), b = graph.add_switch("b", 1),
               c = graph.add_switch("c", 1);
  LinkSpec link;
  link.delay = Duration::us(3);
  graph.connect(a, b, link);
  graph.connect(b, c, link);
  link.delay = Duration::us(2);
  graph.connect(c, a, link);
  graph.finalize();
  const EntityGroups groups = groups_of(graph, Duration());
  REQUIRE(groups.count() == 1);
  CHECK(groups.lookahead(0, 0) == 2'000'000);
}

TEST_CASE("what no cable joins is kept within the longest lookahead", "[groups]") {
  FabricGraph graph;
  const NodeId a = graph.add_switch("a", 1), b = graph.add_switch("b", 1);
  LinkSpec link;
  link.delay = Duration::us(3);
  graph.connect(a, b, link);
  graph.add_host("alone", 1);
  graph.finalize();
  const EntityGroups groups = groups_of(graph, Duration());
  REQUIRE(groups.count() == 3);
  for (const std::size_t other : {std::size_t{0}, std::size_t{1}}) {
    CHECK(groups.lookahead(2, other) == NetworkContext::kMaxLookahead.ps());
    CHECK(groups.lookahead(other, 2) == NetworkContext::kMaxLookahead.ps());
    CHECK(groups.lookahead(other, 1 - other) == 3'000'000);
  }
}

}  // namespace plait
