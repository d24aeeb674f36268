// SPDX-License-Identifier: Apache-2.0
#include "topologies/islands.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace plait {

namespace {

bool is_broken(const FabricGraph& graph, PortId port, const Outage& outage) {
  return outage.cable.valid() && (port == outage.cable || graph.peer(port) == outage.cable);
}

}  // namespace

std::vector<std::uint32_t> switch_islands(const FabricGraph& graph, const Outage& outage) {
  std::vector<std::uint32_t> island(graph.node_count(), kNoIsland);
  std::vector<NodeId> todo;
  std::uint32_t count = 0;
  for (const NodeId start : graph.switches()) {
    if (island[start.index()] != kNoIsland || start == outage.node) continue;
    island[start.index()] = count;
    todo.assign(1, start);
    while (!todo.empty()) {
      const NodeId at = todo.back();
      todo.pop_back();
      for (std::uint32_t n = 0; n < graph.node(at).ports; ++n) {
        const PortId port = graph.port(at, n);
        const NodeId far = graph.port_node(graph.peer(port));
        if (graph.node(far).kind == NodeKind::kHost || far == outage.node ||
            island[far.index()] != kNoIsland || is_broken(graph, port, outage))
          continue;
        island[far.index()] = count;
        todo.push_back(far);
      }
    }
    ++count;
  }
  return island;
}

std::vector<std::uint32_t> host_islands(const FabricGraph& graph, NodeId host,
                                        const std::vector<std::uint32_t>& islands,
                                        const Outage& outage) {
  std::vector<std::uint32_t> mine;
  for (std::uint32_t n = 0; n < graph.node(host).ports; ++n) {
    const PortId port = graph.port(host, n);
    const std::uint32_t island = islands[graph.port_node(graph.peer(port)).index()];
    if (island != kNoIsland && !is_broken(graph, port, outage)) mine.push_back(island);
  }
  std::ranges::sort(mine);
  mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
  return mine;
}

std::optional<std::pair<NodeId, NodeId>> unreachable_pair(const FabricGraph& graph) {
  const std::vector<std::uint32_t> islands = switch_islands(graph);
  // Hosts on the same islands are alike, so one of each kind is compared with the others' kinds.
  std::map<std::vector<std::uint32_t>, NodeId> kinds;
  for (const NodeId host : graph.hosts()) {
    const std::vector<std::uint32_t> mine = host_islands(graph, host, islands);
    if (mine.empty() && graph.hosts().size() > 1) {
      const NodeId other = graph.hosts()[host == graph.hosts()[0] ? 1 : 0];
      return std::pair(host, other);
    }
    if (!kinds.try_emplace(mine, host).second) continue;
    for (const auto& [other, first_host] : kinds) {
      std::vector<std::uint32_t> shared;
      std::ranges::set_intersection(mine, other, std::back_inserter(shared));
      if (shared.empty() && first_host != host) return std::pair(first_host, host);
    }
  }
  return std::nullopt;
}

}  // namespace plait
