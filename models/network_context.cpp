// SPDX-License-Identifier: Apache-2.0
#include "models/network_context.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "models/flowlet_gap.hpp"
#include "models/headroom.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

// An item may be at most 2^31 ps ahead of its receiver's window (sim/channel.hpp).
constexpr Duration kMaxLatency = Duration::ms(1);
constexpr Duration kMaxReach = Duration::us(2'100);
Duration link_latency(const FabricGraph& graph, PortId egress, const NetworkParams& params) {
  const FabricLink& link = graph.egress(egress);
  const bool to_switch = graph.node(graph.port_node(link.to)).kind == NodeKind::kSwitch;
  return link.delay + (to_switch ? params.switches.latency : Duration());
}

// A packet can be forwarded while it still arrives only where no port drains faster than it comes.
Bytes cut_of(const FabricGraph& graph, PortId egress, BitRate rate, const SwitchParams& params) {
  const NodeId there = graph.port_node(graph.peer(egress));
  if (params.forwarding != Forwarding::kCutThrough || graph.node(there).kind != NodeKind::kSwitch)
    return Bytes(0);
  for (std::uint32_t p = 0; p < graph.node(there).ports; ++p)
    if (graph.egress(graph.port(there, p)).rate > rate) return Bytes(0);
  return params.cut;
}

// The longest serialisation and the latency of a link together must fit what a channel can say.
void check_reach(const FabricGraph& graph, PortId port, BitRate rate, Duration latency,
                 std::uint32_t wire_bytes) {
  const Duration on_wire = transmission_time(Bytes(wire_bytes), rate);
  if (on_wire + latency < kMaxReach) return;
  throw UserError("link " + graph.link_name(port) + " of " + to_string(rate) +
                  " is too slow: a frame of " + std::to_string(wire_bytes) + " bytes takes " +
                  to_string(on_wire) + "; with the latency it must stay below " +
                  to_string(kMaxReach) + ". Raise the rate or lower transport.mtu");
}

// Marks come back per ACK only as echoes.
void check_entropy(const TransportParams& transport) {
  if (transport.entropy.kind == EntropyKind::kReps && transport.cnp_mode != CnpMode::kAckEcho)
    throw UserError(
        "transport.entropy.kind: reps needs ACKs that tell whether their packet was marked: set "
        "transport.cnp_mode to ack_echo");
}

void check_class_count(std::size_t classes) {
  if (classes > UINT16_MAX)
    throw UserError(
        "the fabric has more than 65,535 different combinations of link rate and "
        "latency; use fewer different delays");
}

// As for a fixed loss probability: beyond this the model's recovery says nothing any more.
void check_bit_errors(double rate, std::uint32_t largest_frame) {
  const double lost = frame_error_probability(rate, largest_frame);
  if (lost > 0.5)
    throw UserError("a bit error rate of " + std::to_string(rate) + " loses " +
                    std::to_string(100 * lost) + " % of the frames of " +
                    std::to_string(largest_frame) + " bytes; at most 50 % is supported");
}

}  // namespace

NetworkContext::NetworkContext(const FabricGraph& fabric, const RouteTable& route_table,
                               const NetworkParams& network)
    : graph(fabric),
      routes(route_table),
      params(network),
      telemetry(needs_of(network.transport.congestion_control).telemetry),
      posting_order(network.wire.tie_order == TieOrder::kPosting),
      annex(telemetry, posting_order),
      channels(fabric.port_count(), annex.bytes()) {
  if (fabric.endpoint_count() > kMaxEndpoints)
    throw UserError("the fabric has " + std::to_string(fabric.endpoint_count()) +
                    " NIC ports; at most " + std::to_string(kMaxEndpoints) + " are supported");
  if (full_packet_wire() > kMaxWireBytes)
    throw UserError("transport.mtu + header + gap is " + std::to_string(full_packet_wire()) +
                    " bytes; at most " + std::to_string(kMaxWireBytes) + " fit one packet");
  const std::uint32_t largest =
      std::max({full_packet_wire(), ack_wire(), cnp_wire(), wire(network.switches.pfc.frame)});
  std::map<std::tuple<BitRate, Duration, Bytes>, std::uint16_t> classes;
  for (std::size_t p = 0; p < fabric.port_count(); ++p) {
    const PortId port(p);
    const Duration latency = link_latency(fabric, port, network);
    if (latency <= Duration() || latency > kMaxLatency)
      throw UserError("link " + fabric.link_name(port) + " has a latency of " + to_string(latency) +
                      " (cable delay plus switch latency); legal is more than "
                      "0 and at most " +
                      to_string(kMaxLatency));
    const BitRate rate = fabric.egress(port).rate;
    check_reach(fabric, port, rate, latency, largest);
    const auto next = static_cast<std::uint16_t>(link_classes.size());
    const Bytes cut = cut_of(fabric, port, rate, network.switches);
    const auto [found, is_new] = classes.try_emplace({rate, latency, cut}, next);
    if (is_new) link_classes.emplace_back(rate, latency, network.wire.clock, cut);
    check_class_count(link_classes.size());
    link_class_of.push_back(found->second);
  }
  mark_thresholds = plait::mark_thresholds(network.switches.ecn, link_classes);
  faults = make_faults(largest);
  if (telemetry) set_int_scale();
  if (network.switches.load_balancing.kind == LoadBalancing::kWeightedEcmp)
    for (std::uint32_t t = 0; t < faults->table_count(); ++t)
      route_weights.emplace_back(graph, faults->table(t));
  check_entropy(network.transport);
  const LoadBalancingParams& balancing = network.switches.load_balancing;
  short_flowlets = has_flowlets(balancing) && balancing.flowlet_gap < safe_flowlet_gap(*this);
}

std::unique_ptr<const FaultPlan> NetworkContext::make_faults(std::uint32_t largest_frame) {
  check_bit_errors(params.wire.bit_error_rate, largest_frame);
  if (posting_order && (params.switches.pfc.watchdog.enabled ||
                        params.switches.load_balancing.kind == LoadBalancing::kAdaptive ||
                        params.switches.load_balancing.kind == LoadBalancing::kAdaptiveFlowlet))
    throw UserError(
        "fabric.wire.tie_order: posting reproduces simulators without a PFC watchdog and without "
        "adaptive load balancing; remove it, or those");
  if (posting_order && !params.faults.empty())
    throw UserError(
        "fabric.wire.tie_order: posting reproduces simulators without faults; remove it, or the "
        "list of faults");
  for (const FaultEvent& event : params.faults) {
    check_bit_errors(event.bit_error_rate, largest_frame);
    if (event.kind == FaultKind::kReboot && event.length != Duration() &&
        event.length < params.switches.latency)
      throw UserError("a reboot of " + to_string(event.length) +
                      " is shorter than a packet's way through the switch, " +
                      to_string(params.switches.latency));
  }
  const auto class_at = [&](PortId port, BitRate rate) {
    const Duration latency = link_latency(graph, port, params);
    check_reach(graph, port, rate, latency, largest_frame);
    const LinkClass slow(rate, latency, params.wire.clock,
                         cut_of(graph, port, rate, params.switches));
    const auto known = std::find(link_classes.begin(), link_classes.end(), slow);
    const auto number = static_cast<std::uint16_t>(known - link_classes.begin());
    if (known == link_classes.end()) link_classes.push_back(slow);
    check_class_count(link_classes.size());
    return number;
  };
  return std::make_unique<const FaultPlan>(graph, routes, params.wire, params.faults,
                                           params.routing, link_class_of, class_at);
}

void NetworkContext::set_int_scale() {
  if (link_classes.size() > UINT8_MAX + 1)
    throw UserError(
        "in-band telemetry supports at most 256 different combinations of link rate and latency; "
        "the fabric has " +
        std::to_string(link_classes.size()));
  std::int64_t fastest = 0;
  for (std::size_t e = 0; e < graph.endpoint_count(); ++e)
    fastest = std::max(fastest, graph.egress(graph.endpoint_port(EndpointId(e))).rate.bps());
  const std::int64_t chosen = params.switches.int_multiplier;
  int_scale.unit = static_cast<std::uint32_t>(
      chosen != 0 ? chosen : std::max<std::int64_t>(1, fastest / BitRate::gbps(25).bps()));
  for (const LinkClass& link : link_classes) int_scale.class_rate.push_back(link.rate());
}

std::uint32_t NetworkContext::reorder_threshold() const {
  const TransportParams& transport = params.transport;
  const bool sprays = sprays_packets(params.switches.load_balancing) || short_flowlets ||
                      transport.entropy.kind != EntropyKind::kFixed;
  const std::int64_t automatic = sprays ? transport.reorder_window : 1;
  const std::int64_t chosen = transport.reorder_threshold;
  return static_cast<std::uint32_t>(chosen != 0 ? chosen : automatic);
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
    if (pfc.headroom_rule == HeadroomRule::kThreeDelays) {
      const FabricLink& link = context.graph.egress(port);
      headroom[p] = 3 * bytes_in(link.delay, link.rate).count();
      continue;
    }
    const LinkClass& out = context.link_class(port);
    const LinkClass& back = context.link_class(context.graph.peer(port));
    const Duration in_flight = Duration::ps(out.latency_ps() + back.latency_ps());
    headroom[p] = bytes_in(in_flight, back.rate()).count() + 3 * context.full_packet_wire() +
                  lossless * context.wire(pfc.frame);
  }
  return headroom;
}

}  // namespace plait
