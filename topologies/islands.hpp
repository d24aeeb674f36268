// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file islands.hpp
/// Who reaches whom. Hosts do not forward, so switches alone form islands, and two hosts reach each
/// other if both have a NIC on one island. A host with several NICs may stand on several islands.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "topologies/fabric_graph.hpp"

namespace plait {

/// What is imagined to be broken; none by default.
struct Outage {
  NodeId node;   ///< This switch is gone.
  PortId cable;  ///< The cable at this port is gone, both directions.
};

constexpr std::uint32_t kNoIsland = UINT32_MAX;

/// Island of each switch by node id, numbered in order of the first switch; kNoIsland for hosts and
/// for a broken switch.
std::vector<std::uint32_t> switch_islands(const FabricGraph& graph, const Outage& outage = {});

/// Islands that `host` stands on, ascending, each once.
std::vector<std::uint32_t> host_islands(const FabricGraph& graph, NodeId host,
                                        const std::vector<std::uint32_t>& islands,
                                        const Outage& outage = {});

/// Two hosts without a path between them, or nothing.
std::optional<std::pair<NodeId, NodeId>> unreachable_pair(const FabricGraph& graph);

}  // namespace plait
