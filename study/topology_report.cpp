// SPDX-License-Identifier: Apache-2.0
#include "study/topology_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

#include "sim/error.hpp"
#include "study/text_table.hpp"
#include "topologies/metrics.hpp"

namespace plait {

namespace {

constexpr std::size_t kMaxNamed = 8;  // single points listed by name

std::string tier_name(std::uint32_t tier) {
  switch (tier) {
    case 0:
      return "hosts";
    case 1:
      return "edge switches";
    case 2:
      return "aggregation or spine switches";
    case 3:
      return "core switches";
    default:
      return fmt::format("switches of tier {}", tier);
  }
}

std::string node_table(const FabricGraph& graph) {
  struct Tier {
    std::size_t nodes = 0;
    std::uint32_t least_ports = FabricGraph::kMaxPorts, most_ports = 0;
  };
  std::map<std::uint32_t, Tier> tiers;
  for (std::size_t i = 0; i < graph.node_count(); ++i) {
    const FabricNode& node = graph.node(NodeId(i));
    Tier& tier = tiers[node.tier];
    ++tier.nodes;
    tier.least_ports = std::min(tier.least_ports, node.ports);
    tier.most_ports = std::max(tier.most_ports, node.ports);
  }
  TextTable table("Nodes", {"kind", "nodes", "ports, least", "ports, most"}, 1);
  for (const auto& [number, tier] : tiers)
    table.add({tier_name(number), fmt::format("{}", tier.nodes),
               fmt::format("{}", tier.least_ports), fmt::format("{}", tier.most_ports)});
  return table.text();
}

std::string cable_table(const FabricGraph& graph) {
  using Class = std::tuple<std::uint32_t, std::uint32_t, BitRate, Duration>;
  std::map<Class, std::size_t> classes;
  for (const PortId port : graph.cables()) {
    const FabricLink& link = graph.egress(port);
    const std::uint32_t a = graph.node(graph.port_node(link.from)).tier;
    const std::uint32_t b = graph.node(graph.port_node(link.to)).tier;
    ++classes[{std::min(a, b), std::max(a, b), link.rate, link.delay}];
  }
  TextTable table("Cables", {"between tiers", "rate", "delay", "cables"}, 1);
  for (const auto& [key, count] : classes) {
    const auto& [low, high, rate, delay] = key;
    table.add({fmt::format("{} and {}", low, high), to_string(rate), to_string(delay),
               fmt::format("{}", count)});
  }
  return table.text();
}

std::string points_list(const FabricGraph& graph, const std::vector<SinglePoint>& points) {
  std::string text;
  for (std::size_t i = 0; i < std::min(points.size(), kMaxNamed); ++i) {
    const SinglePoint& point = points[i];
    text +=
        fmt::format("    {} cuts off {} hosts\n",
                    point.node.valid() ? graph.node(point.node).name : graph.link_name(point.cable),
                    point.hosts_cut_off);
  }
  if (points.size() > kMaxNamed)
    text += fmt::format("    and {} more\n", points.size() - kMaxNamed);
  return text;
}

Fabric fabric_of_file(const std::string& file, TopologyFormat format) {
  Scenario scenario;
  TopologyFileParams params;
  params.path = std::filesystem::absolute(file).string();
  params.format = format;
  scenario.fabric.topology.shape = params;
  scenario.locations[""] = {file};
  return build_fabric(scenario);
}

}  // namespace

Fabric load_fabric(const std::string& file, const std::vector<std::string>& settings) {
  const std::string suffix = std::filesystem::path(file).extension().string();
  if (suffix == ".yaml" || suffix == ".yml") return build_fabric(load_scenario(file, settings));
  if (!settings.empty()) throw UserError("--set changes a scenario; this is a topology file");
  if (suffix == ".graphml" || suffix == ".xml")
    return fabric_of_file(file, TopologyFormat::kGraphml);
  if (suffix == ".ns3") return fabric_of_file(file, TopologyFormat::kNs3);
  return fabric_of_file(file, TopologyFormat::kEdgeList);
}

std::string topology_summary(const Fabric& fabric) {
  return fabric.summary + "\n\n" + node_table(*fabric.graph) + cable_table(*fabric.graph);
}

std::string topology_metrics(const Fabric& fabric) {
  const FabricGraph& graph = *fabric.graph;
  const PathDiversity paths = path_diversity(graph);
  const SinglePoints points = single_points_of_failure(graph);
  std::string text = "Metrics\n";
  text += fmt::format("  bisection, host halves as numbered  {}\n",
                      human_rate(static_cast<double>(bisection_bandwidth(graph).bps())));
  text += fmt::format("  diameter                            {} links\n",
                      diameter(graph, *fabric.routes));
  text += fmt::format("  shortest paths per edge pair        {} to {}\n", paths.shortest_min,
                      paths.shortest_max);
  text += fmt::format("  disjoint paths per edge pair        {} to {} ({} pairs looked at)\n",
                      paths.disjoint_min, paths.disjoint_max, paths.disjoint_pairs);
  text += fmt::format("  hosts on one cable                  {}\n", points.hosts_on_one_cable);
  text += fmt::format("  switches that cut hosts off         {}\n", points.switches.size());
  text += points_list(graph, points.switches);
  text += fmt::format("  switch cables that cut hosts off    {}\n", points.cables.size());
  text += points_list(graph, points.cables);
  return text;
}

}  // namespace plait
