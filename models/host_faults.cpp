// SPDX-License-Identifier: Apache-2.0
// What fault events do to a host and its NICs; docs/models/faults.md.
#include <algorithm>

#include "models/host.hpp"

namespace plait {

// What was due before a step happens as things were then; at the time of the step itself the new
// state holds.
void Host::apply_faults(std::int64_t until) {
  using Kind = FaultStep::Kind;
  while (faults_.next_ps() <= until) {
    const std::int64_t now = faults_.next_ps();
    run_local(now - 1);
    advance_nics(now - 1);
    while (const FaultStep* step = faults_.take(now)) {
      if (step->kind == Kind::kLink) nics_[step->port].on_link_change(now);
      if (step->kind == Kind::kRate)
        nics_[step->port].set_link_class(static_cast<std::uint16_t>(step->value));
      if (step->kind == Kind::kBitErrors) loss_.set(step->port, context_.faults->loss(step->value));
    }
  }
}

bool Host::lost_on_arrival(std::uint32_t nic, const Packet& packet) {
  if (packet.is_pfc() || !loss_.draw(nic, packet.wire_bytes)) return false;
  faults_.count_corrupted(nic);
  return true;
}

double Host::slowdown(SimTime now) const { return context_.faults->slowdown(node_, now.ps()); }

void Nic::on_link_change(std::int64_t now) {
  if (paused_ == 0) return;
  paused_ = 0;
  pause_clock_.on_change(now, true, false);
  free_at_ps_ = std::max(free_at_ps_, now);
}

void Nic::set_link_class(std::uint16_t link_class) {
  busy_.on_rate_change(wire_bytes_, *wire_);
  wire_ = &context_.link_classes[link_class];
}

}  // namespace plait
