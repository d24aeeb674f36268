// SPDX-License-Identifier: Apache-2.0
#include "topologies/fat_tree.hpp"

#include <fmt/format.h>

#include <cmath>

#include "sim/param_check.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMaxArity = 200;
static_assert(kMaxArity * kMaxArity * kMaxArity / 4 <= kMaxHosts);

struct Shape {
  std::int64_t half = 0;  // k / 2
  std::int64_t hosts_per_edge = 0;
  std::int64_t hosts = 0;

  std::int64_t capacity() const { return 2 * half * half * hosts_per_edge; }
  std::int64_t edges() const { return (hosts + hosts_per_edge - 1) / hosts_per_edge; }
  std::int64_t pods() const { return (edges() + half - 1) / half; }
};

/// Hosts of one edge switch, 0 if that is no whole number.
std::int64_t hosts_per_edge(std::int64_t half, double oversubscription) {
  const double exact = oversubscription * static_cast<double>(half);
  const double whole = std::round(exact);
  return std::abs(exact - whole) < 1e-9 * exact ? static_cast<std::int64_t>(whole) : 0;
}

Shape smallest_shape(const FatTreeParams& params) {
  for (std::int64_t k = 2; k <= kMaxArity; k += 2) {
    Shape shape{k / 2, hosts_per_edge(k / 2, params.oversubscription), params.hosts};
    if (shape.capacity() >= params.hosts) return shape;
  }
  throw UserError(
      fmt::format("fat_tree: no even k up to {} holds {} hosts with an over-subscription of {}",
                  kMaxArity, params.hosts, params.oversubscription));
}

Shape shape_of(const FatTreeParams& params) {
  check_ranges(params, "fat_tree");
  if (params.k == 0 && params.hosts == 0)
    throw UserError("fat_tree: give k, or hosts (then the smallest even k that holds them)");
  if (params.k == 0) return smallest_shape(params);
  if (params.k % 2 != 0) throw UserError(fmt::format("fat_tree: k is {}, must be even", params.k));
  Shape shape{params.k / 2, hosts_per_edge(params.k / 2, params.oversubscription), params.hosts};
  if (shape.hosts_per_edge == 0)
    throw UserError(fmt::format(
        "fat_tree: an over-subscription of {} over {} uplinks gives no whole number of hosts per "
        "edge switch",
        params.oversubscription, shape.half));
  if (shape.hosts == 0) shape.hosts = shape.capacity();
  if (shape.hosts > shape.capacity())
    throw UserError(fmt::format("fat_tree: k = {} holds {} hosts, {} were asked for", params.k,
                                shape.capacity(), shape.hosts));
  return shape;
}

std::vector<NodeId> add_switches(FabricGraph& graph, std::string_view name, std::uint32_t tier,
                                 std::int64_t count, std::int64_t per_pod) {
  std::vector<NodeId> added;
  for (std::int64_t i = 0; i < count; ++i)
    added.push_back(graph.add_switch(fmt::format("{}{}.{}", name, i / per_pod, i % per_pod), tier));
  return added;
}

}  // namespace

void describe(ParamVisitor& v, FatTreeParams& p) {
  v.field({"k", "ports of a switch, even; 0 = the smallest that holds `hosts`", "Plait's choice"},
          p.k, {0, kMaxArity});
  v.field({"hosts", "number of hosts; 0 = all that k holds", "Plait's choice"}, p.hosts,
          {0, kMaxHosts});
  v.field({"oversubscription", "hosts of an edge switch over its uplinks",
           "1 = full bisection, as in Al-Fares et al., SIGCOMM 2008"},
          p.oversubscription, {1.0 / 128, 64.0});
}

FabricGraph build(const FatTreeParams& params, const FabricParts& parts) {
  const Shape shape = shape_of(params);
  const std::int64_t half = shape.half;
  const std::int64_t pods = shape.pods();
  const std::int64_t core_cables = pods > 1 ? pods * half * half : 0;
  check_size("fat_tree", shape.hosts, shape.edges() * half + core_cables, parts);
  FabricGraph graph;
  add_hosts(graph, shape.hosts, parts);
  const std::vector<NodeId> edges = add_switches(graph, "edge", 1, shape.edges(), half);
  const std::vector<NodeId> aggs = add_switches(graph, "agg", 2, pods * half, half);
  std::vector<NodeId> cores;
  for (std::int64_t i = 0; pods > 1 && i < half * half; ++i)
    cores.push_back(graph.add_switch(fmt::format("core{}", i), 3));

  const auto per_edge = static_cast<std::size_t>(shape.hosts_per_edge);
  for (const NodeId host : graph.hosts())
    attach_host(graph, host, edges[host.index() / per_edge], parts);
  const auto width = static_cast<std::size_t>(half);
  for (std::size_t e = 0; e < edges.size(); ++e)
    for (std::size_t j = 0; j < width; ++j)
      graph.connect(edges[e], aggs[e / width * width + j], parts.fabric_link);
  for (std::size_t a = 0; a < aggs.size() && !cores.empty(); ++a)
    for (std::size_t c = 0; c < width; ++c)
      graph.connect(aggs[a], cores[a % width * width + c], parts.fabric_link);
  graph.finalize();
  return graph;
}

}  // namespace plait
