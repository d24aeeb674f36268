// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file metrics.hpp
/// Structural figures of a fabric; nothing here simulates. Computed with Boost.Graph. All take
/// seconds at most for fat trees of ten thousand hosts.

#include <cstdint>
#include <vector>

#include "topologies/fabric_graph.hpp"
#include "topologies/route_table.hpp"

namespace plait {

/// Maximum flow, one direction, from the first half of the hosts (in order of creation, rounded
/// down) to the others, over host links too. This is the bisection for the halves as numbered, so
/// an upper bound on the smallest over all ways to halve; the two agree for the symmetric
/// generators. Zero for fewer than two hosts.
BitRate bisection_bandwidth(const FabricGraph& graph);

/// Paths between edge switches (switches with hosts).
struct PathDiversity {
  std::uint64_t pairs = 0;           ///< Unordered pairs of edge switches; below 1, all is 0.
  std::uint64_t shortest_min = 0;    ///< Equal-cost shortest paths, parallel links counted
  std::uint64_t shortest_max = 0;    ///< apart, over all pairs; saturates at 2^64 - 1.
  std::uint64_t disjoint_pairs = 0;  ///< Pairs looked at for the next two: at most 64, evenly
  std::uint32_t disjoint_min = 0;    ///< spread. Paths that share no link, of any length, hosts
  std::uint32_t disjoint_max = 0;    ///< not forwarding.
};
PathDiversity path_diversity(const FabricGraph& graph);

/// Most links on a shortest path between two hosts, host links included, over their best pair of
/// NICs. Zero for fewer than two hosts.
std::uint32_t diameter(const FabricGraph& graph, const RouteTable& routes);

/// What cuts hosts off when it alone fails.
struct SinglePoint {
  NodeId node;                      ///< The switch, or none if it is a cable.
  PortId cable;                     ///< One end of the cable, or none if it is a switch.
  std::uint32_t hosts_cut_off = 0;  ///< Hosts without a NIC on the largest part that remains.
};

struct SinglePoints {
  std::vector<SinglePoint> switches;     ///< In node order.
  std::vector<SinglePoint> cables;       ///< Between switches, in order of connect().
  std::uint32_t hosts_on_one_cable = 0;  ///< Each is cut off by its own host link.
};
SinglePoints single_points_of_failure(const FabricGraph& graph);

}  // namespace plait
