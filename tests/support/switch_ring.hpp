// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file switch_ring.hpp
/// A ring of switches with a host on each, and the bad route set that makes it deadlock.

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/fabric_run.hpp"

namespace plait::test {

/// Host i hangs on switch i; switch i is joined with switch i + 1. All cables alike.
inline FabricGraph switch_ring(std::size_t count) {
  FabricGraph graph;
  std::vector<NodeId> hosts, switches;
  for (std::size_t i = 0; i < count; ++i)
    hosts.push_back(graph.add_host("h" + std::to_string(i), 1));
  for (std::size_t i = 0; i < count; ++i)
    switches.push_back(graph.add_switch("s" + std::to_string(i), 1));
  const LinkSpec cable{.rate = BitRate::gbps(100), .delay = Duration::ns(500)};
  for (std::size_t i = 0; i < count; ++i) {
    graph.connect(hosts[i], switches[i], cable);
    graph.connect(switches[i], switches[(i + 1) % count], cable);
  }
  graph.finalize();
  return graph;
}

/// Host i to the host `steps` further on, clockwise through every switch between; ACKs the same way
/// back.
inline std::vector<PinnedPath> clockwise(const FabricGraph& graph, std::size_t steps) {
  const std::size_t count = graph.hosts().size();
  std::vector<PinnedPath> paths;
  for (std::size_t i = 0; i < count; ++i) {
    PinnedPath data;
    data.from = EndpointId(i);
    data.to = EndpointId((i + steps) % count);
    data.nodes.push_back(graph.hosts()[i]);
    for (std::size_t s = 0; s <= steps; ++s)
      data.nodes.push_back(graph.switches()[(i + s) % count]);
    data.nodes.push_back(graph.hosts()[(i + steps) % count]);
    PinnedPath ack = data;
    std::swap(ack.from, ack.to);
    ack.control = true;
    std::reverse(ack.nodes.begin(), ack.nodes.end());
    paths.push_back(data);
    paths.push_back(ack);
  }
  return paths;
}

inline std::vector<FlowSpec> clockwise_flows(std::size_t count, std::size_t steps, Bytes size) {
  std::vector<FlowSpec> flows;
  for (std::uint32_t i = 0; i < count; ++i)
    flows.push_back({i, static_cast<std::uint32_t>((i + steps) % count), size});
  return flows;
}

/// "s0 s1 s2": the switches of a cycle.
inline std::string names(const FabricGraph& graph, const PauseCycle& cycle) {
  std::string text;
  for (const PortId port : cycle.ports)
    text += (text.empty() ? "" : " ") + graph.node(graph.port_node(port)).name;
  return text;
}

}  // namespace plait::test
