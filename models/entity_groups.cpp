// SPDX-License-Identifier: Apache-2.0
#include "models/entity_groups.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace plait {

namespace {

std::int64_t latency_ps(const NetworkContext& context, PortId egress) {
  return context.link_class(egress).latency_ps();
}

/// Calls visit(port, peer port) for every port of `node`.
template <class Visit>
void for_each_cable(const FabricGraph& graph, std::size_t node, Visit&& visit) {
  for (std::uint32_t p = 0; p < graph.node(NodeId(node)).ports; ++p) {
    const PortId port = graph.port(NodeId(node), p);
    visit(port, graph.peer(port));
  }
}

// Two sides so that every cable joins one to the other; empty if some cycle of cables is odd.
std::vector<std::uint8_t> sides(const FabricGraph& graph) {
  constexpr std::uint8_t kUnknown = 2;
  std::vector<std::uint8_t> side(graph.node_count(), kUnknown);
  std::vector<std::size_t> reached;
  bool odd = false;
  for (std::size_t start = 0; start < side.size(); ++start) {
    if (side[start] != kUnknown) continue;
    side[start] = 0;
    reached.push_back(start);
    while (!reached.empty()) {
      const std::size_t node = reached.back();
      reached.pop_back();
      for_each_cable(graph, node, [&](PortId, PortId peer_port) {
        const std::size_t peer = graph.port_node(peer_port).index();
        odd |= side[peer] == side[node];
        if (side[peer] != kUnknown) return;
        side[peer] = side[node] ^ 1U;
        reached.push_back(peer);
      });
    }
  }
  return odd ? std::vector<std::uint8_t>() : side;
}

// Class of each node by its shortest latency, in or out: a class spans a factor of two, and more
// where there would be too many.
std::vector<std::uint32_t> latency_classes(const NetworkContext& context) {
  const FabricGraph& graph = context.graph;
  std::vector<std::int64_t> shortest(graph.node_count(), context.kMaxLookahead.ps());
  for (std::size_t n = 0; n < shortest.size(); ++n)
    for_each_cable(graph, n, [&](PortId port, PortId peer_port) {
      shortest[n] =
          std::min({shortest[n], latency_ps(context, port), latency_ps(context, peer_port)});
    });
  std::map<std::int64_t, std::uint32_t> class_from;  // by its shortest latency
  for (const std::int64_t s : shortest) class_from.emplace(s, 0);
  std::int64_t begin = 0;
  std::uint32_t classes = 0;
  for (auto& [latency, number] : class_from) {
    if ((classes == 0 || latency >= 2 * begin) && 2 * classes < EntityGroups::kMost) {
      begin = latency;
      ++classes;
    }
    number = classes - 1;
  }
  std::vector<std::uint32_t> class_of;
  class_of.reserve(shortest.size());
  for (const std::int64_t s : shortest) class_of.push_back(class_from[s]);
  return class_of;
}

/// Which groups are joined, by whatever number of cables.
std::vector<std::size_t> components(const EntityGroups& groups) {
  std::vector<std::size_t> of(groups.count());
  std::iota(of.begin(), of.end(), std::size_t{0});
  for (std::size_t from = 0; from < groups.count(); ++from)
    for (std::size_t to = 0; to < groups.count(); ++to)
      if (groups.lookahead(from, to) != EntityGroups::kNever)
        std::replace(of.begin(), of.end(), std::max(of[from], of[to]), std::min(of[from], of[to]));
  return of;
}

}  // namespace

EntityGroups entity_groups(const NetworkContext& context) {
  const FabricGraph& graph = context.graph;
  const std::vector<std::uint8_t> side = sides(graph);
  if (side.empty()) return EntityGroups::single(graph.node_count(), context.lookahead());
  const std::vector<std::uint32_t> class_of = latency_classes(context);
  EntityGroups groups;
  std::map<std::uint32_t, std::uint8_t> number;  // of a group, by class and side
  for (std::size_t n = 0; n < graph.node_count(); ++n) {
    const auto [it, is_new] =
        number.try_emplace(2 * class_of[n] + side[n], static_cast<std::uint8_t>(groups.count()));
    if (is_new) groups.side.push_back(side[n]);
    groups.of.push_back(it->second);
  }
  groups.lookahead_ps.assign(groups.count() * groups.count(), EntityGroups::kNever);
  for (std::size_t n = 0; n < graph.node_count(); ++n)
    for_each_cable(graph, n, [&](PortId port, PortId peer_port) {
      std::int64_t& least =
          groups.lookahead(groups.of[n], groups.of[graph.port_node(peer_port).index()]);
      least = std::min(least, latency_ps(context, port));
    });
  // What nothing joins is kept together for the sake of reports while it runs.
  const std::vector<std::size_t> part = components(groups);
  for (std::size_t from = 0; from < groups.count(); ++from)
    for (std::size_t to = 0; to < groups.count(); ++to)
      if (part[from] != part[to] || groups.count() == 1)
        groups.lookahead(from, to) = context.kMaxLookahead.ps();
  return groups;
}

}  // namespace plait
