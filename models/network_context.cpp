// SPDX-License-Identifier: Apache-2.0
#include "models/network_context.hpp"

#include <algorithm>

#include "models/headroom.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

// An item may be at most 2^31 ps ahead of its receiver's window (sim/channel.hpp).
constexpr Duration kMaxLatency = Duration::ms(1);
// Window where no cable bounds it: hosts without neighbours.
constexpr Duration kMaxLookahead = Duration::us(100);

Duration link_latency(const FabricGraph& graph, PortId egress, const NetworkParams& params) {
  const FabricLink& link = graph.egress(egress);
  const bool to_switch = graph.node(graph.port_node(link.to)).kind == NodeKind::kSwitch;
  return link.delay + (to_switch ? params.switches.latency : Duration());
}

}  // namespace

NetworkContext::NetworkContext(const FabricGraph& fabric, const RouteTable& route_table,
                               const NetworkParams& network)
    : graph(fabric), routes(route_table), params(network), channels(fabric.port_count()) {
  if (fabric.endpoint_count() > kMaxEndpoints)
    throw UserError("the fabric has " + std::to_string(fabric.endpoint_count()) +
                    " NIC ports; at most " + std::to_string(kMaxEndpoints) + " are supported");
  if (full_packet_wire() > kMaxWireBytes)
    throw UserError("transport.mtu + header + gap is " + std::to_string(full_packet_wire()) +
                    " bytes; at most " + std::to_string(kMaxWireBytes) + " fit one packet");
  for (std::size_t p = 0; p < fabric.port_count(); ++p) {
    const PortId port(p);
    const Duration latency = link_latency(fabric, port, network);
    if (latency <= Duration() || latency > kMaxLatency)
      throw UserError("link " + fabric.link_name(port) + " has a latency of " + to_string(latency) +
                      " (cable delay plus switch latency); legal is more than "
                      "0 and at most " +
                      to_string(kMaxLatency));
    const LinkClass wanted(fabric.egress(port).rate, latency, network.wire.clock);
    auto found = std::find(link_classes.begin(), link_classes.end(), wanted);
    if (found == link_classes.end()) found = link_classes.insert(found, wanted);
    link_class_of.push_back(static_cast<std::uint16_t>(found - link_classes.begin()));
  }
}

Duration NetworkContext::lookahead() const {
  Duration least = kMaxLookahead;
  for (const LinkClass& link : link_classes)
    least = std::min(least, Duration::ps(link.latency_ps()));
  return least;
}

std::vector<std::int64_t> headroom_of_ports(const NetworkContext& context, NodeId node) {
  const PfcParams& pfc = context.params.switches.pfc;
  const FabricNode& info = context.graph.node(node);
  std::vector<std::int64_t> headroom(info.ports, pfc.headroom.count());
  if (pfc.headroom.count() != 0) return headroom;
  for (std::uint32_t p = 0; p < info.ports; ++p) {
    const PortId port = context.graph.port(node, p);
    const LinkClass& out = context.link_class(port);
    const LinkClass& back = context.link_class(context.graph.peer(port));
    const Duration in_flight = Duration::ps(out.latency_ps() + back.latency_ps());
    headroom[p] = bytes_in(in_flight, back.rate()).count() + 3 * context.full_packet_wire() +
                  context.wire(pfc.frame);
  }
  return headroom;
}

}  // namespace plait
