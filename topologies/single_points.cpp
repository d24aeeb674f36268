// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/biconnected_components.hpp>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "topologies/islands.hpp"
#include "topologies/metrics.hpp"

namespace plait {

namespace {

struct EdgeComponent {
  std::size_t component = 0;
};
using SwitchGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS,
                                          boost::no_property, EdgeComponent>;
using Ends = std::pair<NodeId, NodeId>;

/// A cable of each pair of switches that have one, by their ends in node order.
std::map<Ends, PortId> cables_between_switches(const FabricGraph& graph) {
  std::map<Ends, PortId> cables;
  for (const PortId port : graph.cables()) {
    const NodeId a = graph.port_node(port);
    const NodeId b = graph.port_node(graph.peer(port));
    if (graph.node(a).kind == NodeKind::kSwitch && graph.node(b).kind == NodeKind::kSwitch)
      cables.try_emplace(std::minmax(a, b), port);
  }
  return cables;
}

/// Hosts that have no NIC on the island that has the most hosts.
std::uint32_t hosts_cut_off(const FabricGraph& graph, const Outage& outage) {
  const std::vector<std::uint32_t> islands = switch_islands(graph, outage);
  std::map<std::uint32_t, std::uint32_t> hosts_on;
  for (const NodeId host : graph.hosts())
    for (const std::uint32_t island : host_islands(graph, host, islands, outage))
      ++hosts_on[island];
  std::uint32_t most = 0;
  for (const auto& [island, hosts] : hosts_on) most = std::max(most, hosts);
  return static_cast<std::uint32_t>(graph.hosts().size()) - most;
}

/// Switches that hold the switch graph together, and cables that do so alone. Hosts are no part of
/// that graph, since they do not forward.
struct Weaknesses {
  std::set<NodeId> switches;
  std::vector<PortId> cables;
};

Weaknesses find_weaknesses(const FabricGraph& graph) {
  const auto cables = cables_between_switches(graph);
  SwitchGraph switches(graph.node_count());  // vertices of hosts stay alone
  for (const auto& [ends, port] : cables)
    boost::add_edge(ends.first.index(), ends.second.index(), switches);

  std::vector<std::size_t> cut_vertices;
  const std::size_t components =
      boost::biconnected_components(switches, boost::get(&EdgeComponent::component, switches),
                                    std::back_inserter(cut_vertices))
          .first;
  Weaknesses found;
  for (const std::size_t vertex : cut_vertices) found.switches.insert(NodeId(vertex));

  // A component of one edge is a bridge, unless parallel cables make up that edge; whether anything
  // is cut off is counted later.
  std::vector<std::uint32_t> size(components, 0);
  for (const auto& edge : boost::make_iterator_range(boost::edges(switches)))
    ++size[switches[edge].component];
  for (const auto& edge : boost::make_iterator_range(boost::edges(switches))) {
    const Ends ends =
        std::minmax(NodeId(boost::source(edge, switches)), NodeId(boost::target(edge, switches)));
    if (size[switches[edge].component] == 1) found.cables.push_back(cables.at(ends));
  }
  return found;
}

}  // namespace

SinglePoints single_points_of_failure(const FabricGraph& graph) {
  Weaknesses weak = find_weaknesses(graph);
  SinglePoints result;
  for (const NodeId host : graph.hosts()) {
    if (graph.node(host).ports == 1) ++result.hosts_on_one_cable;
    for (std::uint32_t n = 0; n < graph.node(host).ports; ++n)
      weak.switches.insert(graph.port_node(graph.peer(graph.port(host, n))));
  }
  for (const NodeId sw : weak.switches)
    if (const std::uint32_t hosts = hosts_cut_off(graph, {sw, PortId::none()}); hosts > 0)
      result.switches.push_back({sw, PortId::none(), hosts});

  std::set<PortId> bridges(weak.cables.begin(), weak.cables.end());
  for (const PortId port : graph.cables())
    if (bridges.contains(port))
      if (const std::uint32_t hosts = hosts_cut_off(graph, {NodeId::none(), port}); hosts > 0)
        result.cables.push_back({NodeId::none(), port, hosts});
  return result;
}

}  // namespace plait
