// SPDX-License-Identifier: Apache-2.0
// Messages that meet at their destination: incasts, and how fairly they share it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <vector>

#include "sim/statistics.hpp"
#include "study/findings.hpp"
#include "study/results.hpp"

namespace plait {

double jain_index(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (const double x : shares) {
    sum += x;
    squares += x * x;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1.0;
}

namespace {

using Limits = FindingThresholds;
using Messages = std::vector<const MessageRecord*>;

// The switch port that leads to the NIC of a GPU (the NIC as in NetworkContext::endpoint_of).
PortId last_link(const FabricGraph& graph, GpuId gpu) {
  const NodeId host = graph.gpu_host(gpu);
  const FabricNode& node = graph.node(host);
  const std::uint32_t local = gpu.value() - graph.first_gpu(host).value();
  return graph.peer(graph.port(host, local * node.ports / node.gpus));
}

// By last link; messages within a host and those still on their way are left out.
std::map<PortId, Messages> by_destination(const Results& results) {
  const FabricGraph& graph = *results.context.graph;
  std::map<PortId, Messages> groups;
  for (const MessageRecord& m : results.records.messages)
    if (is_delivered(m) && graph.gpu_host(m.from) != graph.gpu_host(m.to) &&
        graph.node(graph.gpu_host(m.to)).ports > 0)
      groups[last_link(graph, m.to)].push_back(&m);
  return groups;
}

/// Messages on their way at one time, and how many GPUs sent them.
struct Meeting {
  Messages messages;
  std::size_t senders = 0;
};

// The first time at which most senders met. @param messages by time of posting.
Meeting largest_meeting(const Messages& messages) {
  const auto ends_later = [](const MessageRecord* a, const MessageRecord* b) {
    return a->delivered > b->delivered;
  };
  std::priority_queue<const MessageRecord*, Messages, decltype(ends_later)> open(ends_later);
  std::map<GpuId, std::size_t> senders;
  Meeting most;
  SimTime at;
  for (const MessageRecord* m : messages) {
    for (; !open.empty() && open.top()->delivered <= m->posted; open.pop()) {
      const auto it = senders.find(open.top()->from);
      if (--it->second == 0) senders.erase(it);
    }
    open.push(m);
    ++senders[m->from];
    if (senders.size() <= most.senders) continue;
    most.senders = senders.size();
    at = m->posted;
  }
  for (const MessageRecord* m : messages)
    if (m->posted <= at && at < m->delivered) most.messages.push_back(m);
  return most;
}

// Throughputs of the senders of messages that compare: at least half as large as the largest.
std::vector<double> throughputs(const Messages& messages) {
  Bytes largest;
  for (const MessageRecord* m : messages) largest = std::max(largest, m->size);
  std::map<GpuId, double> of;
  for (const MessageRecord* m : messages)
    if (2 * m->size.count() >= largest.count() && completion_time(*m) > Duration())
      of[m->from] += static_cast<double>(m->size.count()) / completion_time(*m).to_us();
  std::vector<double> shares;
  for (const auto& [gpu, throughput] : of) shares.push_back(throughput);
  return shares;
}

// At least one packet of each sender waited at once.
bool collided(const LinkRecord& link, std::size_t senders) {
  if (link.packets == 0) return false;
  const std::int64_t packet = link.wire_bytes.count() / static_cast<std::int64_t>(link.packets);
  return link.max_queue.count() >= static_cast<std::int64_t>(senders) * packet;
}

}  // namespace

void find_incasts(const Results& results, std::vector<Finding>& findings) {
  const FabricGraph& graph = *results.context.graph;
  for (const auto& [link, messages] : by_destination(results)) {
    const Meeting meeting = largest_meeting(messages);
    if (meeting.senders < Limits::kJainSenders) continue;
    std::vector<double> slowdowns;
    for (const MessageRecord* m : meeting.messages) slowdowns.push_back(slowdown(*m));
    const Quantiles<double> sorted(std::move(slowdowns));
    const std::vector<double> shares = throughputs(meeting.messages);
    const double jain = jain_index(shares);
    const std::string name = graph.link_name(link);
    const auto senders = static_cast<double>(meeting.senders);
    if (shares.size() >= Limits::kJainSenders && jain < Limits::kJain)
      findings.push_back(
          {FindingKind::kUnfairness, Severity::kWarning, name, jain,
           fmt::format("unfairness: {} senders at a time share {} with a Jain index of {:.2f}; the "
                       "fastest gets {:.1f} times as much as the slowest",
                       shares.size(), name, jain,
                       *std::max_element(shares.begin(), shares.end()) /
                           *std::min_element(shares.begin(), shares.end()))});
    if (meeting.senders < Limits::kIncastSenders || sorted.at(0.5) < Limits::kIncastSlowdown ||
        !collided(results.records.links[link.index()], meeting.senders))
      continue;
    const bool beyond_sharing = sorted.max() > Limits::kIncastSlowdown * senders;
    findings.push_back(
        {FindingKind::kIncast, beyond_sharing ? Severity::kWarning : Severity::kNote, name, senders,
         fmt::format("incast: {} senders at a time on {}; their messages took {:.1f} x ideal "
                     "(median; worst {:.1f}; equal shares: {}), Jain index {:.2f}",
                     meeting.senders, name, sorted.at(0.5), sorted.max(), meeting.senders, jain)});
  }
}

}  // namespace plait
