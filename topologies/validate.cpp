// SPDX-License-Identifier: Apache-2.0
#include "topologies/validate.hpp"

#include <fmt/format.h>

#include "sim/error.hpp"
#include "topologies/islands.hpp"

namespace plait {

namespace {

void find_direct_cables(const FabricGraph& graph, std::vector<std::string>& faults) {
  for (const PortId port : graph.cables()) {
    const FabricNode& a = graph.node(graph.port_node(port));
    const FabricNode& b = graph.node(graph.port_node(graph.peer(port)));
    if (a.kind == NodeKind::kHost && b.kind == NodeKind::kHost)
      faults.push_back(fmt::format("hosts {} and {} are cabled directly: put a switch between them",
                                   a.name, b.name));
  }
}

}  // namespace

std::vector<std::string> find_faults(const FabricGraph& graph) {
  std::vector<std::string> faults;
  if (graph.hosts().empty()) faults.emplace_back("the fabric has no hosts");
  for (std::size_t i = 0; i < graph.node_count(); ++i) {
    const FabricNode& node = graph.node(NodeId(i));
    if (node.ports == 0)
      faults.push_back(fmt::format("{} {} has no link",
                                   node.kind == NodeKind::kHost ? "host" : "switch", node.name));
  }
  find_direct_cables(graph, faults);
  if (const auto pair = unreachable_pair(graph))
    faults.push_back(fmt::format("the fabric is not connected: no path from {} to {}",
                                 graph.node(pair->first).name, graph.node(pair->second).name));
  return faults;
}

void validate(const FabricGraph& graph) {
  const std::vector<std::string> faults = find_faults(graph);
  if (faults.empty()) return;
  const std::string more =
      faults.size() == 1 ? "" : fmt::format(" (and {} more faults)", faults.size() - 1);
  throw UserError(faults.front() + more);
}

}  // namespace plait
