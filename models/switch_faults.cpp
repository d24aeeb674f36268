// SPDX-License-Identifier: Apache-2.0
// What fault events do to a switch; docs/models/faults.md.
#include <algorithm>

#include "models/switch.hpp"

namespace plait {

// Everything that left before a step left as things were then; at the time of the step itself the
// new state holds.
void Switch::apply_faults(std::int64_t until) {
  while (faults_.next_ps() <= until) {
    const std::int64_t now = faults_.next_ps();
    run_watchdog(now - 1);
    serve_all(now - 1);
    while (const FaultStep* step = faults_.take(now)) on_fault(now, *step);
  }
}

bool Switch::lost_on_arrival(std::uint32_t in, const Packet& packet) {
  if (faults_.rebooting()) {  // the cable did its part before it failed
    faults_.count_flushed();
    return true;
  }
  const bool lost = loss_.draw(in, packet.wire_bytes);
  if (lost) faults_.count_corrupted(in);
  return lost;
}

void Switch::on_fault(std::int64_t now, const FaultStep& step) {
  using Kind = FaultStep::Kind;
  switch (step.kind) {
    case Kind::kReboot:
      return flush();
    case Kind::kLink:
      return on_link_change(now, step.port, step.value != 0);
    case Kind::kRate: {
      EgressPort& port = ports_[step.port];
      statistics_[step.port].busy.on_rate_change(port.wire_bytes,
                                                 context_.link_classes[port.link_class]);
      port.link_class = static_cast<std::uint16_t>(step.value);
      return;
    }
    case Kind::kBitErrors:
      return loss_.set(step.port, context_.faults->loss(step.value));
    case Kind::kBack:
    case Kind::kAvoid:
    case Kind::kUse:
      return;  // NodeFaults knows
  }
}

// What the peer has paused is free when the cable fails: its resume may never come. What this
// switch has paused stays so in its own books; while the ingress is still full when the cable is
// back, the peer, which has forgotten the pause, is told again.
void Switch::on_link_change(std::int64_t now, std::uint32_t port_number, bool up) {
  EgressPort& port = ports_[port_number];
  statistics_[port_number].pause_clock.on_change(now, port.paused != 0, false);
  if ((port.waiting & port.paused) != 0) port.free_at_ps = std::max(port.free_at_ps, now);
  port.paused = 0;
  for (std::uint32_t priority = 0; priority < kPriorities && watchdog_.enabled(); ++priority)
    watchdog_.on_frame(now, port_number, priority, false);
  if (!up) return;
  for (std::uint32_t priority = 0; priority < kPriorities; ++priority)
    if (buffer_.is_paused(port_number, priority))
      send_pfc(PacketKind::kPause, port_number, priority, now);
}

// A reboot empties every queue. Nobody is told to resume: the pauses died with the cables.
void Switch::flush() {
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    EgressPort& port = ports_[p];
    for (unsigned q = 0; q < kQueues; ++q) {
      EgressQueue& queue = queues_of(p)[q];
      for (; !queue.empty(); queue.packets.pop(scratch_->pool)) {
        if (q == kPfcQueue) continue;
        const Packet& packet = queue.packets.front();
        if (telemetry_) drop_ticket(packet);
        queue.bytes -= packet.wire_bytes;
        buffer_.leave(packet.arrival, packet.priority(), packet.wire_bytes, queue.bytes);
        faults_.count_flushed();
      }
      queue.deficit = 0;
    }
    port.queue_bytes = 0;
    port.waiting = 0;
  }
  std::fill(waiting_ports_.begin(), waiting_ports_.end(), 0);
  PLAIT_CHECK(buffer_.empty(), "a switch without packets holds bytes");
}

}  // namespace plait
