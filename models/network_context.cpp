// SPDX-License-Identifier: Apache-2.0
#include "models/network_context.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "models/headroom.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

// An item may be at most 2^31 ps ahead of its receiver's window (sim/channel.hpp).
constexpr Duration kMaxLatency = Duration::ms(1);
constexpr Duration kMaxReach = Duration::us(2'100);
// Window where no cable bounds it: hosts without neighbours.
constexpr Duration kMaxLookahead = Duration::us(100);

Duration link_latency(const FabricGraph& graph, PortId egress, const NetworkParams& params) {
  const FabricLink& link = graph.egress(egress);
  const bool to_switch = graph.node(graph.port_node(link.to)).kind == NodeKind::kSwitch;
  return link.delay + (to_switch ? params.switches.latency : Duration());
}

// The longest serialisation and the latency of a link together must fit what a channel can say.
void check_reach(const FabricGraph& graph, PortId port, Duration latency,
                 std::uint32_t wire_bytes) {
  const Duration on_wire = transmission_time(Bytes(wire_bytes), graph.egress(port).rate);
  if (on_wire + latency < kMaxReach) return;
  throw UserError("link " + graph.link_name(port) + " of " + to_string(graph.egress(port).rate) +
                  " is too slow: a frame of " + std::to_string(wire_bytes) + " bytes takes " +
                  to_string(on_wire) + "; with the latency it must stay below " +
                  to_string(kMaxReach) + ". Raise the rate or lower transport.mtu");
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
  const std::uint32_t largest =
      std::max({full_packet_wire(), wire(network.transport.ack), wire(network.transport.cnp),
                wire(network.switches.pfc.frame)});
  std::map<std::tuple<BitRate, Duration>, std::uint16_t> classes;
  for (std::size_t p = 0; p < fabric.port_count(); ++p) {
    const PortId port(p);
    const Duration latency = link_latency(fabric, port, network);
    if (latency <= Duration() || latency > kMaxLatency)
      throw UserError("link " + fabric.link_name(port) + " has a latency of " + to_string(latency) +
                      " (cable delay plus switch latency); legal is more than "
                      "0 and at most " +
                      to_string(kMaxLatency));
    check_reach(fabric, port, latency, largest);
    const BitRate rate = fabric.egress(port).rate;
    const auto next = static_cast<std::uint16_t>(link_classes.size());
    const auto [found, is_new] = classes.try_emplace({rate, latency}, next);
    if (is_new) link_classes.emplace_back(rate, latency, network.wire.clock);
    if (link_classes.size() > UINT16_MAX)
      throw UserError(
          "the fabric has more than 65,535 different combinations of link rate and "
          "latency; use fewer different delays");
    link_class_of.push_back(found->second);
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
  const std::int64_t lossless = std::popcount(parse_priority_set(pfc.priorities));
  for (std::uint32_t p = 0; p < info.ports; ++p) {
    const PortId port = context.graph.port(node, p);
    const LinkClass& out = context.link_class(port);
    const LinkClass& back = context.link_class(context.graph.peer(port));
    const Duration in_flight = Duration::ps(out.latency_ps() + back.latency_ps());
    headroom[p] = bytes_in(in_flight, back.rate()).count() + 3 * context.full_packet_wire() +
                  lossless * context.wire(pfc.frame);
  }
  return headroom;
}

}  // namespace plait
