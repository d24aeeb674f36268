// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/route_weights.hpp"

namespace plait {
namespace {

constexpr std::uint64_t kAll = std::uint64_t{1} << 32;

FabricGraph read(const std::string& text) {
  std::istringstream in(text);
  return read_edge_list(in, "net.txt", 1);
}

std::vector<std::uint64_t> thresholds(const RouteWeights& weights, const FabricGraph& graph,
                                      const std::string& sw, const std::string& host) {
  const EndpointId to = graph.endpoint(graph.port(graph.find(host), 0));
  const auto found = weights.thresholds(graph.find(sw), to);
  return {found.begin(), found.end()};
}

// Leaf l has uplinks to s (100G), t (100G), and two to u (100G each).
const std::string kTwoTier =
    "host a\nhost b\nswitch l\nswitch m\nswitch s\nswitch t\nswitch u\n"
    "link l s 100Gbps 1us\nlink l t 100Gbps 1us\nlink l u 100Gbps 1us\nlink l u 100Gbps 1us\n"
    "link s m 100Gbps 1us\nlink t m 50Gbps 1us\nlink u m 100Gbps 1us\n"
    "link a l 400Gbps 1us\nlink b m 400Gbps 1us\n";

}  // namespace

TEST_CASE("weights are what can get through behind each hop", "[route_weights]") {
  const FabricGraph graph = read(kTwoTier);
  const RouteTable routes(graph);
  const RouteWeights weights(graph, routes);
  // From l to b: s 100; t min(100, 50) = 50; u carries 100 on, shared by two cables: 50 each.
  // Of 250: 100, 150, 200 before the last; in 2^32ths rounded up.
  CHECK(thresholds(weights, graph, "l", "b") ==
        std::vector<std::uint64_t>{(kAll * 100 + 249) / 250, (kAll * 150 + 249) / 250,
                                   (kAll * 200 + 249) / 250});
  // From m to a: cables 100, 50, 100; behind u there are 200.
  CHECK(thresholds(weights, graph, "m", "a") ==
        std::vector<std::uint64_t>{(kAll * 100 + 249) / 250, (kAll * 150 + 249) / 250});
  CHECK(thresholds(weights, graph, "u", "a").empty());  // two equal cables
}

TEST_CASE("weights see through several tiers", "[route_weights]") {
  // l - p - {x, y} - r and l - q - z - r. C(p) = 25 + 25, C(q) = 100; the hops of l have 100 each.
  const FabricGraph graph = read(
      "host a\nhost b\nswitch l\nswitch p\nswitch q\nswitch x\nswitch y\nswitch z\nswitch r\n"
      "link l p 100Gbps 1us\nlink l q 100Gbps 1us\n"
      "link p x 25Gbps 1us\nlink p y 100Gbps 1us\nlink q z 100Gbps 1us\n"
      "link x r 100Gbps 1us\nlink y r 25Gbps 1us\nlink z r 100Gbps 1us\n"
      "link a l 100Gbps 1us\nlink b r 100Gbps 1us\n");
  const RouteTable routes(graph);
  const RouteWeights weights(graph, routes);
  CHECK(thresholds(weights, graph, "l", "b") ==
        std::vector<std::uint64_t>{(kAll * 50 + 149) / 150});
  CHECK(thresholds(weights, graph, "p", "b").empty());  // 25 and 25
}

TEST_CASE("weights with other rates than the graph's", "[route_weights]") {
  const FabricGraph graph = read(kTwoTier);
  const RouteTable routes(graph);
  std::vector<BitRate> rates;
  for (const FabricLink& link : graph.links()) rates.push_back(link.rate);
  const NodeId s = graph.find("s");
  rates[graph.port(s, 1).index()] = BitRate::bps(0);  // s - m carries nothing
  const RouteWeights weights(graph, routes, rates);
  // s 0, t 50, u 50 and 50, of 150. No number is below the first threshold.
  CHECK(thresholds(weights, graph, "l", "b") ==
        std::vector<std::uint64_t>{0, (kAll * 50 + 149) / 150, (kAll * 100 + 149) / 150});
}

TEST_CASE("equal capacities need no thresholds", "[route_weights]") {
  LeafSpineParams p;
  FabricParts parts;
  parts.host = {1, 1};
  const FabricGraph graph = build(p, parts);
  const RouteTable routes(graph);
  const RouteWeights weights(graph, routes);
  for (const NodeId sw : graph.switches())
    for (std::size_t e = 0; e < graph.endpoint_count(); ++e)
      CHECK(weights.thresholds(sw, EndpointId(e)).empty());
}

}  // namespace plait
