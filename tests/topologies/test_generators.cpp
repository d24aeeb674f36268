// SPDX-License-Identifier: Apache-2.0
#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/dumbbell.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/rail_optimized.hpp"
#include "topologies/route_table.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

FabricParts parts_with(std::uint32_t gpus, std::uint32_t nics) {
  FabricParts parts;
  parts.host = {.gpus = gpus, .nics = nics};
  parts.host_link = {BitRate::gbps(100), Duration::ns(100), 1};
  parts.fabric_link = {BitRate::gbps(400), Duration::ns(400), 4};
  return parts;
}

TEST_CASE("single switch: n hosts of m NICs give n * m cables", "[generators]") {
  const FabricGraph graph = build(SingleSwitchParams{.hosts = 5}, parts_with(4, 2));
  CHECK(graph.switches().size() == 1);
  CHECK(graph.cables().size() == 10);
  CHECK(graph.gpu_count() == 20);
  CHECK(graph.egress(PortId(0u)).rate == BitRate::gbps(100));
  CHECK(graph.find("host4") == graph.hosts()[4]);
}

TEST_CASE("dumbbell: the bottleneck is made of fabric links", "[generators]") {
  const FabricGraph graph =
      build(DumbbellParams{.left = 3, .right = 2, .bottleneck_links = 2}, parts_with(1, 1));
  CHECK(graph.cables().size() == 3 + 2 + 2);
  const NodeId left = graph.find("leaf0");
  CHECK(graph.node(left).ports == 3 + 2);
  CHECK(graph.node(graph.find("leaf1")).ports == 2 + 2);
  CHECK(graph.egress(graph.port(left, 3)).rate == BitRate::gbps(400));
  // Host 3 is the first on the right: two host links and one of two bottleneck links.
  const RouteTable routes(graph);
  CHECK(routes.hop_count(EndpointId(2u), EndpointId(3u)) == 3);
  CHECK(routes.next_hops(left, EndpointId(3u)).size() == 2);
}

TEST_CASE("leaf-spine: ceil(hosts / hosts_per_leaf) leaves, spines * uplinks cables up each",
          "[generators]") {
  const FabricGraph graph =
      build(LeafSpineParams{.hosts = 10, .hosts_per_leaf = 4, .spines = 3, .uplinks = 2},
            parts_with(8, 1));
  CHECK(graph.switches().size() == 3 + 3);  // ceil(10 / 4) = 3 leaves
  CHECK(graph.cables().size() == 10 + 3 * 3 * 2);
  CHECK(graph.node(graph.find("leaf0")).ports == 4 + 6);
  CHECK(graph.node(graph.find("leaf2")).ports == 2 + 6);  // 10 - 2 * 4 hosts
  CHECK(graph.node(graph.find("spine2")).ports == 3 * 2);
  CHECK(graph.node(graph.find("spine2")).tier == 2);
  const RouteTable routes(graph);
  CHECK(routes.hop_count(EndpointId(0u), EndpointId(9u)) == 4);
  CHECK(routes.next_hops(graph.find("leaf0"), EndpointId(9u)).size() == 3 * 2);
  CHECK(routes.next_hops(graph.find("spine0"), EndpointId(9u)).size() == 2);
}

TEST_CASE("hosts that fill the leaves exactly leave no empty leaf", "[generators]") {
  // 8 / 4 = 2 leaves and 2 spines; 2 units of 1 rail and 2 spines.
  CHECK(
      build(LeafSpineParams{.hosts = 8, .hosts_per_leaf = 4, .spines = 2}, {}).switches().size() ==
      4);
  CHECK(build(RailOptimizedParams{.hosts = 8, .hosts_per_unit = 4, .spines = 2}, {})
            .switches()
            .size() == 4);
}

TEST_CASE("rail-optimized: NIC r of every host of a unit on rail switch r", "[generators]") {
  // 6 hosts in units of 4: 2 units x 4 rails = 8 rail switches, 2 spines.
  const FabricGraph graph =
      build(RailOptimizedParams{.hosts = 6, .hosts_per_unit = 4, .spines = 2, .uplinks = 1},
            parts_with(8, 4));
  CHECK(graph.switches().size() == 8 + 2);
  CHECK(graph.cables().size() == 6 * 4 + 8 * 2);
  for (const NodeId host : graph.hosts()) {
    for (std::uint32_t rail = 0; rail < 4; ++rail) {
      const NodeId sw = graph.port_node(graph.peer(graph.port(host, rail)));
      REQUIRE(graph.node(sw).name == fmt::format("rail{}.{}", host.index() / 4, rail));
    }
  }
  const RouteTable routes(graph);
  const auto nic = [&](std::size_t host, std::uint32_t rail) {
    return graph.endpoint(graph.port(graph.hosts()[host], rail));
  };
  CHECK(routes.hop_count(nic(0, 1), nic(3, 1)) == 2);  // same unit, same rail
  CHECK(routes.hop_count(nic(0, 1), nic(3, 2)) == 4);  // same unit, another rail: over a spine
  CHECK(routes.hop_count(nic(0, 1), nic(5, 1)) == 4);  // another unit: over a spine
}

TEST_CASE("impossible shapes are refused", "[generators]") {
  const FabricParts parts = parts_with(8, 1);
  CHECK_THAT(user_error([&] { build(SingleSwitchParams{.hosts = 0}, parts); }),
             contains("single_switch.hosts is 0, must be from 1 to 65535"));
  CHECK_THAT(user_error([&] { build(SingleSwitchParams{}, parts_with(8, 0)); }),
             contains("nics is 0"));
  CHECK_THAT(user_error([&] { build(SingleSwitchParams{.hosts = 40'000}, parts_with(8, 2)); }),
             contains("65535 ports"));
  CHECK_THAT(user_error([&] { build(DumbbellParams{.right = 0}, parts); }),
             contains("dumbbell.right is 0"));
  CHECK_THAT(user_error([&] { build(LeafSpineParams{.hosts_per_leaf = 0}, parts); }),
             contains("leaf_spine.hosts_per_leaf is 0"));
  CHECK_THAT(user_error([&] { build(RailOptimizedParams{.hosts = 8, .spines = 0}, parts); }),
             contains("2 units need spines"));
  CHECK_THAT(user_error([&] { build(RailOptimizedParams{}, parts_with(8, 3)); }),
             contains("8 GPUs do not spread evenly over 3 NICs"));
  FabricParts no_rate = parts;
  no_rate.fabric_link.rate = BitRate();
  CHECK_THAT(user_error([&] { build(LeafSpineParams{}, no_rate); }),
             contains("link leaf0 - spine0: rate is 0bps"));
}

}  // namespace
}  // namespace plait
