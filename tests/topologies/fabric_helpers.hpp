// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fabric_helpers.hpp
/// What several topology tests share.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "sim/error.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait::test {

/// Text of the UserError that `action` throws; the test fails if it throws none.
template <class Action>
std::string user_error(Action&& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  FAIL("no UserError");
  return "";
}

inline auto contains(const std::string& part) { return Catch::Contains(part); }

/// Everything that a graph says, one line per node and per link: equal texts = equal graphs.
inline std::string text_of(const FabricGraph& graph) {
  std::string text;
  for (std::size_t i = 0; i < graph.node_count(); ++i) {
    const FabricNode& node = graph.node(NodeId(i));
    text += fmt::format("{} {} tier {} gpus {} ports {}\n", node.name,
                        node.kind == NodeKind::kHost ? "host" : "switch", node.tier, node.gpus,
                        node.ports);
  }
  for (std::size_t p = 0; p < graph.port_count(); ++p) {
    const FabricLink& link = graph.egress(PortId(p));
    text += fmt::format("{} {} {} {}\n", graph.link_name(PortId(p)), to_string(link.rate),
                        to_string(link.delay), link.lanes);
  }
  return text;
}

/// A connected fabric of up to 12 switches and 16 hosts with one to three NICs, parallel cables and
/// mixed rates. The standard fixes the engine's numbers, so a seed is one graph on every machine.
inline FabricGraph random_fabric(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto spec = [&] {
    return LinkSpec{.rate = BitRate::gbps(25 << below(5)),
                    .delay = Duration::ns(1 + static_cast<std::int64_t>(below(2000))),
                    .lanes = static_cast<std::uint32_t>(1 + below(8))};
  };
  FabricGraph graph;
  const std::size_t switches = 1 + below(12);
  std::vector<NodeId> all;
  for (std::size_t i = 0; i < switches; ++i) {
    all.push_back(
        graph.add_switch(fmt::format("s{}", i), static_cast<std::uint32_t>(1 + below(3))));
    if (i > 0) graph.connect(all[below(i)], all[i], spec());  // a tree first: connected
  }
  for (std::size_t i = below(2 * switches); switches > 1 && i > 0; --i) {
    const std::size_t a = below(switches);
    graph.connect(all[a], all[(a + 1 + below(switches - 1)) % switches], spec());
  }
  const std::size_t hosts = 1 + below(16);
  for (std::size_t i = 0; i < hosts; ++i) {
    const NodeId host = graph.add_host(fmt::format("h{}", i), static_cast<std::uint32_t>(below(9)));
    for (std::size_t n = 1 + below(3); n > 0; --n)
      graph.connect(host, all[below(switches)], spec());
  }
  graph.finalize();
  return graph;
}

}  // namespace plait::test
