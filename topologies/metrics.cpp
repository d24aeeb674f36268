// SPDX-License-Identifier: Apache-2.0
#include "topologies/metrics.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <limits>
#include <map>
#include <utility>

namespace plait {

namespace {

using FlowTraits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
struct FlowEdge {
  std::int64_t capacity = 0, residual = 0;
  FlowTraits::edge_descriptor reverse;
};
using FlowGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, FlowEdge>;

/// Undirected capacities between vertices, parallel ones added up.
using Capacities = std::map<std::pair<std::size_t, std::size_t>, std::int64_t>;

void add_capacity(Capacities& capacities, std::size_t a, std::size_t b, std::int64_t amount) {
  if (a != b) capacities[std::minmax(a, b)] += amount;
}

void add_direction(FlowGraph& flow, std::size_t from, std::size_t to, std::int64_t amount) {
  const auto forth = boost::add_edge(from, to, flow).first;
  const auto back = boost::add_edge(to, from, flow).first;
  flow[forth] = {amount, amount, back};
  flow[back] = {0, 0, forth};
}

/// Each direction has a reverse edge of capacity 0 of its own: push-relabel returns excess to the
/// source over such edges only, so the two directions cannot serve as each other's.
FlowGraph flow_graph(std::size_t vertices, const Capacities& capacities) {
  FlowGraph flow(vertices);
  for (const auto& [ends, amount] : capacities) {
    add_direction(flow, ends.first, ends.second, amount);
    add_direction(flow, ends.second, ends.first, amount);
  }
  return flow;
}

/// Row of each switch in graph.switches(), by node id.
std::vector<std::size_t> switch_rows(const FabricGraph& graph) {
  std::vector<std::size_t> rows(graph.node_count(), SIZE_MAX);
  for (std::size_t row = 0; row < graph.switches().size(); ++row)
    rows[graph.switches()[row].index()] = row;
  return rows;
}

/// Rows of the switches with hosts, ascending.
std::vector<std::size_t> edge_rows(const FabricGraph& graph, const std::vector<std::size_t>& rows) {
  std::vector<std::size_t> edges;
  for (std::size_t e = 0; e < graph.endpoint_count(); ++e) {
    const PortId far = graph.peer(graph.endpoint_port(EndpointId(e)));
    const std::size_t row = rows[graph.port_node(far).index()];
    if (row != SIZE_MAX) edges.push_back(row);
  }
  std::ranges::sort(edges);
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

/// Switch rows next to each row, one entry per cable.
std::vector<std::vector<std::size_t>> switch_neighbours(const FabricGraph& graph,
                                                        const std::vector<std::size_t>& rows) {
  std::vector<std::vector<std::size_t>> neighbours(graph.switches().size());
  for (const PortId port : graph.cables()) {
    const std::size_t a = rows[graph.port_node(port).index()];
    const std::size_t b = rows[graph.port_node(graph.peer(port)).index()];
    if (a == SIZE_MAX || b == SIZE_MAX) continue;
    neighbours[a].push_back(b);
    neighbours[b].push_back(a);
  }
  return neighbours;
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}

/// Number of shortest paths from `start` to every row; 0 where there is none.
std::vector<std::uint64_t> count_shortest_paths(
    const std::vector<std::vector<std::size_t>>& neighbours, std::size_t start) {
  constexpr std::uint32_t kUnknown = UINT32_MAX;
  std::vector<std::uint64_t> paths(neighbours.size(), 0);
  std::vector<std::uint32_t> distance(neighbours.size(), kUnknown);
  std::vector<std::size_t> order{start};
  paths[start] = 1;
  distance[start] = 0;
  for (std::size_t next = 0; next < order.size(); ++next) {
    const std::size_t at = order[next];
    for (const std::size_t far : neighbours[at]) {
      if (distance[far] == kUnknown) {
        distance[far] = distance[at] + 1;
        order.push_back(far);
      }
      if (distance[far] == distance[at] + 1) paths[far] = saturating_add(paths[far], paths[at]);
    }
  }
  return paths;
}

void count_shortest(const std::vector<std::vector<std::size_t>>& neighbours,
                    const std::vector<std::size_t>& edges, PathDiversity& result) {
  result.shortest_min = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    const std::vector<std::uint64_t> paths = count_shortest_paths(neighbours, edges[i]);
    for (std::size_t j = i + 1; j < edges.size(); ++j) {
      result.shortest_min = std::min(result.shortest_min, paths[edges[j]]);
      result.shortest_max = std::max(result.shortest_max, paths[edges[j]]);
    }
  }
}

void count_disjoint(const std::vector<std::vector<std::size_t>>& neighbours,
                    const std::vector<std::size_t>& edges, PathDiversity& result) {
  Capacities unit;
  for (std::size_t a = 0; a < neighbours.size(); ++a)
    for (const std::size_t b : neighbours[a])
      if (a < b) add_capacity(unit, a, b, 1);
  FlowGraph flow = flow_graph(neighbours.size(), unit);
  constexpr std::uint64_t kMostPairs = 64;
  result.disjoint_pairs = std::min(result.pairs, kMostPairs);
  result.disjoint_min = UINT32_MAX;
  // Pair number p of i < j, counted row by row; walked once beside the wanted numbers.
  std::uint64_t row_begin = 0;
  std::size_t i = 0;
  for (std::uint64_t sample = 0; sample < result.disjoint_pairs; ++sample) {
    const std::uint64_t wanted = sample * result.pairs / result.disjoint_pairs;
    while (wanted >= row_begin + (edges.size() - 1 - i)) row_begin += edges.size() - 1 - i++;
    const std::size_t j = i + 1 + static_cast<std::size_t>(wanted - row_begin);
    const auto paths = static_cast<std::uint32_t>(boost::edmonds_karp_max_flow(
        flow, edges[i], edges[j],
        boost::capacity_map(boost::get(&FlowEdge::capacity, flow))
            .residual_capacity_map(boost::get(&FlowEdge::residual, flow))
            .reverse_edge_map(boost::get(&FlowEdge::reverse, flow))));
    result.disjoint_min = std::min(result.disjoint_min, paths);
    result.disjoint_max = std::max(result.disjoint_max, paths);
  }
}

/// Fewest links between two hosts over all pairs of their NICs.
std::uint32_t host_distance(const FabricGraph& graph, const RouteTable& routes, NodeId a,
                            NodeId b) {
  std::uint32_t best = RouteTable::kUnreachable;
  for (std::uint32_t n = 0; n < graph.node(a).ports; ++n)
    for (std::uint32_t m = 0; m < graph.node(b).ports; ++m)
      best = std::min(best, routes.hop_count(graph.endpoint(graph.port(a, n)),
                                             graph.endpoint(graph.port(b, m))));
  return best;
}

}  // namespace

BitRate bisection_bandwidth(const FabricGraph& graph) {
  if (graph.hosts().size() < 2) return BitRate();
  // All hosts of one half are one vertex: a host is never worth passing through, since its half's
  // supply is not limited.
  const std::vector<std::size_t> rows = switch_rows(graph);
  const std::size_t source = graph.switches().size();
  const std::size_t sink = source + 1;
  std::vector<std::size_t> vertex = rows;
  for (std::size_t i = 0; i < graph.hosts().size(); ++i)
    vertex[graph.hosts()[i].index()] = i < graph.hosts().size() / 2 ? source : sink;
  Capacities capacities;
  for (const PortId port : graph.cables())
    add_capacity(capacities, vertex[graph.port_node(port).index()],
                 vertex[graph.port_node(graph.peer(port)).index()], graph.egress(port).rate.bps());
  FlowGraph flow = flow_graph(sink + 1, capacities);
  return BitRate::bps(
      boost::push_relabel_max_flow(flow, source, sink,
                                   boost::capacity_map(boost::get(&FlowEdge::capacity, flow))
                                       .residual_capacity_map(boost::get(&FlowEdge::residual, flow))
                                       .reverse_edge_map(boost::get(&FlowEdge::reverse, flow))
                                       .vertex_index_map(boost::get(boost::vertex_index, flow))));
}

PathDiversity path_diversity(const FabricGraph& graph) {
  const std::vector<std::size_t> rows = switch_rows(graph);
  const std::vector<std::size_t> edges = edge_rows(graph, rows);
  const auto neighbours = switch_neighbours(graph, rows);
  PathDiversity result;
  if (edges.size() < 2) return result;
  result.pairs = edges.size() * (edges.size() - 1) / 2;
  count_shortest(neighbours, edges, result);
  count_disjoint(neighbours, edges, result);
  return result;
}

std::uint32_t diameter(const FabricGraph& graph, const RouteTable& routes) {
  // Hosts on the same switches are alike; two of each kind stand for all.
  std::map<std::vector<NodeId>, std::uint32_t> seen;
  std::vector<NodeId> sample;
  for (const NodeId host : graph.hosts()) {
    std::vector<NodeId> switches;
    for (std::uint32_t n = 0; n < graph.node(host).ports; ++n)
      switches.push_back(graph.port_node(graph.peer(graph.port(host, n))));
    std::ranges::sort(switches);
    if (++seen[switches] <= 2) sample.push_back(host);
  }
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < sample.size(); ++i)
    for (std::size_t j = i + 1; j < sample.size(); ++j)
      most = std::max(most, host_distance(graph, routes, sample[i], sample[j]));
  return most;
}

}  // namespace plait
