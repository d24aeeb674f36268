// SPDX-License-Identifier: Apache-2.0
#include "validation/flow_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "models/link.hpp"
#include "sim/check.hpp"

namespace plait::validation {

namespace {

std::vector<std::int64_t> nanoseconds(const std::vector<Duration>& times) {
  std::vector<std::int64_t> result;
  for (const Duration time : times) result.push_back((time.ps() + 500) / 1000);
  return result;
}

double mean(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

PortId port_towards(const FabricGraph& graph, NodeId node, NodeId next) {
  std::uint32_t number = 0;
  while (graph.port_node(graph.peer(graph.port(node, number))) != next) ++number;
  return graph.port(node, number);
}

}  // namespace

FlowComparison compare_flows(const std::vector<Duration>& theirs,
                             const std::vector<Duration>& ours) {
  PLAIT_CHECK(theirs.size() == ours.size() && !ours.empty(), "two lists of the same flows");
  FlowComparison result;
  result.theirs_ns = nanoseconds(theirs);
  result.ours_ns = nanoseconds(ours);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    result.equal += theirs[i] == ours[i];
    if (std::abs(result.difference(i)) > std::abs(result.difference(result.worst)))
      result.worst = i;
  }
  result.mean_theirs = mean(result.theirs_ns);
  result.mean_ours = mean(result.ours_ns);
  std::vector<std::int64_t> a = result.theirs_ns, b = result.ours_ns;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = static_cast<double>(std::abs(a[i] - b[i])) / static_cast<double>(a[i]);
    result.sorted_worst = std::max(result.sorted_worst, apart);
  }
  return result;
}

std::vector<Tie> first_packet_ties(const FabricGraph& graph, const NetworkParams& params,
                                   const std::vector<Flow>& flows,
                                   const std::vector<std::vector<NodeId>>& paths) {
  // Sources by (switch, next node, time): two flows of one source never arrive together.
  std::map<std::tuple<NodeId, NodeId, std::int64_t>, std::set<std::uint32_t>> arrivals;
  const Bytes headers = params.transport.header + params.transport.gap;
  for (std::size_t f = 0; f < flows.size(); ++f) {
    const Bytes size = std::min(flows[f].size, params.transport.mtu) + headers;
    std::int64_t now = flows[f].start.ps();
    for (std::size_t i = 0; i + 1 < paths[f].size(); ++i) {
      if (i != 0) arrivals[{paths[f][i], paths[f][i + 1], now / 1000}].insert(flows[f].from);
      const FabricLink& link = graph.egress(port_towards(graph, paths[f][i], paths[f][i + 1]));
      const LinkClass timing(link.rate, link.delay, params.wire.clock);
      now +=
          timing.serialisation_ps(static_cast<std::uint32_t>(size.count())) + timing.latency_ps();
    }
  }
  std::vector<Tie> ties;
  for (const auto& [where, sources] : arrivals)
    if (sources.size() > 1)
      ties.push_back({std::get<0>(where), std::get<1>(where), std::get<2>(where), sources.size()});
  return ties;
}

std::string describe_ties(const FabricGraph& graph, const std::vector<Tie>& ties) {
  if (ties.empty()) return "none";
  const auto largest = std::max_element(
      ties.begin(), ties.end(), [](const Tie& a, const Tie& b) { return a.flows < b.flows; });
  std::string text =
      fmt::format("{} first packets reach {} for {} at {} ns", largest->flows,
                  graph.node(largest->node).name, graph.node(largest->next).name, largest->ns);
  if (ties.size() > 1) text += fmt::format(", and {} more", ties.size() - 1);
  return text;
}

}  // namespace plait::validation
