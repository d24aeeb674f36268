// SPDX-License-Identifier: Apache-2.0
#include "models/flowlet_gap.hpp"

#include <algorithm>
#include <vector>

#include "models/ecn_rules.hpp"
#include "models/network_context.hpp"
#include "models/path.hpp"

namespace plait {

namespace {

// To one NIC of every edge switch: those of one switch are alike.
Duration longest_base_rtt(const NetworkContext& context) {
  const EndpointId first(0);
  std::vector<bool> seen(context.routes.edge_count());
  Duration longest;
  for (std::size_t e = 1; e < context.graph.endpoint_count(); ++e) {
    const EndpointId to(e);
    const std::uint32_t edge = context.routes.edge_of(to);
    if (seen[edge] || context.routes.hop_count(first, to) == RouteTable::kUnreachable) continue;
    seen[edge] = true;
    const std::uint32_t full = context.full_packet_wire(), ack = context.ack_wire();
    longest = std::max(longest, Path(context, first, to).delivery(1, full, full) +
                                    Path(context, to, first).delivery(1, ack, ack));
  }
  return longest;
}

Duration unmarked_queue(const NetworkContext& context) {
  const EcnParams& ecn = context.params.switches.ecn;
  const auto data = static_cast<std::size_t>(context.params.transport.data_priority);
  const EcnRule rule = ecn_rules(ecn)[data];
  Duration longest;
  if (!rule.marks) return longest;
  for (const NodeId node : context.graph.switches())
    for (std::uint32_t p = 0; p < context.graph.node(node).ports; ++p) {
      const PortId port = context.graph.port(node, p);
      const NodeId peer = context.graph.port_node(context.graph.peer(port));
      if (context.graph.node(peer).kind != NodeKind::kSwitch) continue;
      // Thresholds that grow with the rate are the same time at every rate.
      const BitRate reference = ecn.reference_rate;
      const BitRate rate = reference == BitRate() ? context.graph.egress(port).rate : reference;
      longest = std::max(longest, transmission_time(rule.k_min, rate));
    }
  return longest;
}

}  // namespace

Duration safe_flowlet_gap(const NetworkContext& context) {
  if (!context.routes.offers_choice()) return Duration();
  return std::max(longest_base_rtt(context), unmarked_queue(context));
}

}  // namespace plait
