// SPDX-License-Identifier: Apache-2.0
// What a switch does before and after the run: tables from parameters, figures for the records.
#include <algorithm>

#include "models/headroom.hpp"
#include "models/switch.hpp"
#include "sim/error.hpp"
#include "sim/hash.hpp"

namespace plait {

namespace {

// The limit that a parameter sets, or that which holds where it is 0.
std::int64_t or_none(Bytes limit, std::int64_t none) {
  return limit.count() == 0 ? none : limit.count();
}

std::vector<BitRate> rates_of_ports(const FabricGraph& graph, NodeId node) {
  std::vector<BitRate> rates;
  for (std::uint32_t p = 0; p < graph.node(node).ports; ++p)
    rates.push_back(graph.egress(graph.port(node, p)).rate);
  return rates;
}

// A fabric that asks more of a switch than its chip has cannot be built.
void check_chip(const SwitchParams& chip, const FabricNode& node,
                const std::vector<BitRate>& rates) {
  std::int64_t sum = 0;
  for (const BitRate rate : rates) sum += rate.bps();
  const auto ports = static_cast<std::int64_t>(rates.size());
  if (chip.max_ports != 0 && ports > chip.max_ports)
    throw UserError("switch " + node.name + " has " + std::to_string(ports) +
                    " ports; fabric.switch.max_ports allows " + std::to_string(chip.max_ports));
  if (chip.capacity.bps() != 0 && sum > chip.capacity.bps())
    throw UserError("switch " + node.name + " has " + std::to_string(ports) + " ports of " +
                    to_string(BitRate::bps(sum)) + " together; fabric.switch.capacity allows " +
                    to_string(chip.capacity));
}

}  // namespace

Switch::Switch(NodeId node, NetworkContext& context)
    : context_(context),
      node_(node),
      first_port_(context.graph.node(node).first_port),
      port_count_(context.graph.node(node).ports),
      telemetry_(context.telemetry),
      trims_(context.params.switches.trimming.enabled),
      usual_priorities_(static_cast<std::uint8_t>(1U << context.params.transport.data_priority |
                                                  1U << context.params.transport.control_priority)),
      ports_(port_count_),
      queues_(port_count_ * kQueues),
      waiting_ports_((port_count_ + 63) / 64),
      written_ports_((port_count_ + 63) / 64),
      peers_(port_count_),
      buffer_(context.params.switches, headroom_of_ports(context, node), context.full_packet_wire(),
              rates_of_ports(context.graph, node)),
      seed_(hash64(context.params.seed, node.value())),
      scheduler_(context.params.switches),
      balancer_(context.params.switches.load_balancing, context.params.seed, seed_, port_count_),
      watchdog_(context.params.switches.pfc.watchdog, port_count_),
      faults_(context, node),
      loss_(context.faults->loss(0), seed_, kLossPurpose, port_count_, faults_.active()),
      lossy_port_limit_(or_none(context.params.switches.lossy_port_limit, kMostQueued)),
      trimmed_wire_(context.wire(context.params.switches.trimming.size)),
      trim_threshold_(or_none(context.params.switches.trimming.threshold, INT64_MAX)),
      statistics_(port_count_) {
  const std::uint32_t lifted =
      static_cast<std::uint32_t>(context.params.switches.trimming.priority);
  if (trims_ && buffer_.lossless(lifted))
    throw UserError(
        "fabric.switch.trimming.priority: " + std::to_string(lifted) +
        " is lossless (fabric.switch.pfc.priorities); trimmed packets need a lossy one");
  check_chip(context.params.switches, context.graph.node(node),
             rates_of_ports(context.graph, node));
  if (context.posting_order) {
    posting_ = std::make_unique<PostingState>();
    posting_->ports.resize(port_count_);
  }
  if (trims_) usual_priorities_ |= static_cast<std::uint8_t>(1U << lifted);
  most_queued_ = std::min(lossy_port_limit_, kMostQueued);
  // Loads would have been drawn with the whole packet.
  if (trims_ && balancer_.reads_loads()) most_queued_ = std::min(most_queued_, trim_threshold_);
  plain_wire_ = !faults_.active() && !telemetry_ && !context.posting_order;
  plain_admission_ = !trims_ && context.params.switches.buffer.count() <= kMostQueued;
  interrupted_ = faults_.next_ps() != INT64_MAX || watchdog_.enabled();
  loses_ = loss_.possible();
  const bool trims_single = trims_ && trim_threshold_ < context.full_packet_wire();
  may_be_calm_ = !interrupted_ && !faults_.active() && !loses_ && !trims_single &&
                 posting_ == nullptr && !context.params.plain_paths;
  draws_apart_ =
      !balancer_.reads_loads() || (may_be_calm_ && context.routes.choices_stand_apart(node));
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    const PortId id(first_port_ + p);
    ports_[p].link_class = ports_[p].cabled_class = context.link_class_of[id.index()];
    ports_[p].channel = context.graph.peer(id).value();
    peers_[p] = EntityId(context.graph.port_node(context.graph.peer(id)).index());
    for (std::uint32_t q = 0; q < kPriorities; ++q)
      least_marked_ = std::min(least_marked_, marking(ports_[p], q).k_min);
  }
}

void Switch::collect(SimTime end, RunRecords& records) const {
  records.pauses.insert(records.pauses.end(), pauses_.begin(), pauses_.end());
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    const EgressPort& port = ports_[p];
    const PortStatistics& statistics = statistics_[p];
    LinkRecord& link = records.links[first_port_ + p];
    link.packets = port.packets;
    link.wire_bytes = Bytes(static_cast<std::int64_t>(port.wire_bytes));
    link.busy = statistics.busy.total(port.wire_bytes, context_.link_classes[port.link_class]);
    link.paused = statistics.pause_clock.total(end, port.paused != 0);
    link.paused_from = statistics.pause_clock.from();
    link.paused_until = statistics.pause_clock.until(end, port.paused != 0);
    link.max_queue = Bytes(port.max_queue_bytes);
    link.ecn_marks = statistics.marks;
    link.drops = statistics.drops;
    link.lossless_drops = statistics.lossless_drops;
    link.trims = statistics.trims;
    link.watchdog_triggers = statistics.watchdog_triggers;
    link.watchdog_drops = statistics.watchdog_drops;
    link.pauses_sent = statistics.pauses_sent;
    link.lost_to_faults = faults_.lost_at(p);
  }
}

std::size_t Switch::memory_bytes() const {
  return sizeof(*this) + balancer_.memory_bytes() +
         port_count_ * (sizeof(EgressPort) + kQueues * sizeof(EgressQueue) +
                        sizeof(PortStatistics) + kPriorities * 8);
}

}  // namespace plait
