// SPDX-License-Identifier: Apache-2.0
// What a switch does before and after the run: tables from parameters, figures for the records.
#include <cmath>

#include "models/headroom.hpp"
#include "models/switch.hpp"
#include "sim/hash.hpp"

namespace plait {

namespace {

// A threshold for another port rate. No queue is longer than 32 bits can say.
std::uint32_t scaled(Bytes threshold, double scale) {
  const double bytes = static_cast<double>(threshold.count()) * scale;
  return bytes < 4e9 ? static_cast<std::uint32_t>(std::lround(bytes)) : UINT32_MAX;
}

}  // namespace

Switch::Switch(NodeId node, NetworkContext& context)
    : node_(node),
      first_port_(context.graph.node(node).first_port),
      port_count_(context.graph.node(node).ports),
      context_(context),
      seed_(hash64(context.params.seed, node.value())),
      balancer_(context.params.switches.load_balancing, context.params.seed, seed_, port_count_),
      ecn_enabled_(context.params.switches.ecn.enabled),
      telemetry_(context.telemetry),
      loss_(context.params.wire.loss, seed_, kLossPurpose, port_count_),
      scheduler_(context.params.switches),
      buffer_(context.params.switches, headroom_of_ports(context, node),
              context.full_packet_wire()),
      ports_(port_count_),
      queues_(port_count_ * kQueues),
      peers_(port_count_),
      statistics_(port_count_),
      thresholds_(port_count_),
      waiting_ports_((port_count_ + 63) / 64),
      written_ports_((port_count_ + 63) / 64) {
  const EcnParams& ecn = context.params.switches.ecn;
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    const PortId id(first_port_ + p);
    ports_[p].link_class = context.link_class_of[id.index()];
    ports_[p].channel = context.graph.peer(id).value();
    peers_[p] = EntityId(context.graph.port_node(context.graph.peer(id)).index());
    const double scale = ecn.reference_rate.bps() == 0 ? 1.0
                                                       : context.graph.egress(id).rate.to_gbps() /
                                                             ecn.reference_rate.to_gbps();
    thresholds_[p] = {scaled(ecn.k_min, scale), scaled(ecn.k_max, scale)};
  }
}

void Switch::collect(SimTime end, std::vector<LinkRecord>& links) const {
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    const EgressPort& port = ports_[p];
    const PortStatistics& statistics = statistics_[p];
    LinkRecord& link = links[first_port_ + p];
    link.packets = port.packets;
    link.wire_bytes = Bytes(static_cast<std::int64_t>(port.wire_bytes));
    link.busy = transmission_time(link.wire_bytes, context_.link_classes[port.link_class].rate());
    link.paused = statistics.pause_clock.total(end, port.paused != 0);
    link.max_queue = Bytes(port.max_queue_bytes);
    link.ecn_marks = statistics.marks;
    link.drops = statistics.drops;
    link.pauses_sent = statistics.pauses_sent;
  }
}

std::size_t Switch::memory_bytes() const {
  return sizeof(*this) + balancer_.memory_bytes() +
         port_count_ * (sizeof(EgressPort) + kQueues * sizeof(EgressQueue) +
                        sizeof(PortStatistics) + sizeof(MarkThresholds) + kPriorities * 8);
}

}  // namespace plait
