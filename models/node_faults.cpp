// SPDX-License-Identifier: Apache-2.0
#include "models/node_faults.hpp"

#include <algorithm>

namespace plait {

NodeFaults::NodeFaults(const NetworkContext& context, NodeId node)
    : plan_(*context.faults), routes_(&context.routes), steps_(context.faults->steps(node)) {
  const FabricNode& info = context.graph.node(node);
  if (info.kind == NodeKind::kSwitch) epochs_ = plan_.epochs();
  active_ = !steps_.empty();
  set_next();
  if (!active_) return;
  avoided_.resize(info.ports);
  corrupting_.assign(info.ports, FaultPlan::kNoEvent);
  by_event_.resize(plan_.event_count());
  for (std::uint32_t p = 0; p < info.ports; ++p) {
    const PortId port = context.graph.port(node, p);
    ports_.push_back({plan_.downs(port), 0, context.graph.egress(port).delay.ps(), 0});
  }
}

void NodeFaults::set_next() {
  next_ps_ = wish_ps();
  if (epoch_ < epochs_.size()) next_ps_ = std::min(next_ps_, epochs_[epoch_].at_ps);
}

const FaultStep* NodeFaults::take(std::int64_t now) {
  while (epoch_ < epochs_.size() && epochs_[epoch_].at_ps <= now) {
    table_ = epochs_[epoch_++].table;
    routes_ = &plan_.table(table_);
  }
  const FaultStep* step = wish_ps() <= now ? &steps_[at_++] : nullptr;
  set_next();
  if (step == nullptr) return nullptr;
  using Kind = FaultStep::Kind;
  switch (step->kind) {
    case Kind::kReboot:
      rebooting_ = step->event;
      break;
    case Kind::kBack:
      rebooting_ = FaultPlan::kNoEvent;
      break;
    case Kind::kBitErrors:
      corrupting_[step->port] = step->event;
      break;
    case Kind::kAvoid:
      avoided_[step->port] = true;
      ++avoided_count_;
      break;
    case Kind::kUse:
      avoided_[step->port] = false;
      --avoided_count_;
      break;
    case Kind::kLink:
    case Kind::kRate:
      break;
  }
  return step;
}

std::span<const std::uint16_t> NodeFaults::without_avoided(std::span<const std::uint16_t> hops) {
  remaining_.clear();
  for (const std::uint16_t hop : hops)
    if (!avoided_[hop]) remaining_.push_back(hop);
  return remaining_.empty() ? hops : std::span<const std::uint16_t>(remaining_);
}

bool NodeFaults::loses(std::uint32_t port, const Packet& packet, std::int64_t start,
                       std::int64_t end, std::int64_t known) {
  Port& p = ports_[port];
  while (p.at < p.downs.size() && p.downs[p.at].end_ps <= start) ++p.at;
  if (p.at == p.downs.size()) return false;
  const std::int64_t until = packet.is_pfc() ? known : end + p.delay_ps;
  if (p.downs[p.at].begin_ps > until) return false;
  ++p.lost;
  ++lost_;
  count(p.downs[p.at].event);
  return true;
}

void NodeFaults::collect(std::vector<FaultRecord>& faults) const {
  for (std::size_t e = 0; e < by_event_.size(); ++e) faults[e].lost += by_event_[e];
}

}  // namespace plait
