// SPDX-License-Identifier: Apache-2.0
// Pause frames of a switch, received and sent, and what its watchdog does.
#include "models/port_bits.hpp"
#include "models/switch.hpp"

namespace plait {

// The peer at `in` pauses or resumes what leaves through `in`.
void Switch::pause_frame(std::int64_t now, std::uint32_t in, const Packet& packet) {
  if (posting_ != nullptr) {
    catch_up_before(now, packet);
  } else if (buffer_.paused_count() != 0) {
    serve_all(now - 1);
  } else {
    serve(in, now - 1);
  }
  EgressPort& port = ports_[in];
  const std::uint32_t priority = packet.priority();
  const bool pause = packet.kind() == PacketKind::kPause;
  const bool held = watchdog_.enabled() ? watchdog_.on_frame(now, in, priority, pause) : pause;
  const bool was_paused = port.paused != 0;
  const auto bit = static_cast<std::uint8_t>(1U << priority);
  if (held) {
    if (paused_since_.empty()) paused_since_.resize(std::size_t{port_count_} * kPriorities);
    if ((port.paused & bit) == 0) paused_since_[in * kPriorities + priority] = now;
    port.paused |= bit;
  } else {
    release(now, in, bit);
  }
  statistics_[in].pause_clock.on_change(now, was_paused, port.paused != 0);
  if (context_.params.record_pauses)
    pauses_.push_back({SimTime::ps(now), node_, in, static_cast<std::uint8_t>(priority), pause});
}

// Nothing holds the priority back any more: a port that is idle goes on at once.
void Switch::release(std::int64_t now, std::uint32_t out, std::uint8_t bit) {
  EgressPort& port = ports_[out];
  port.paused &= static_cast<std::uint8_t>(~bit);
  if (!is_idle(out, now)) return;
  port.free_at_ps = now;
  serve(out, now);
}

void Switch::send_pfc(PacketKind kind, std::uint32_t port_number, std::uint32_t priority,
                      std::int64_t now) {
  Packet frame = Packet::make(kind, EndpointId(0), EndpointId(0), priority,
                              context_.wire(context_.params.switches.pfc.frame));
  EgressPort& port = ports_[port_number];
  if (kind == PacketKind::kPause) ++statistics_[port_number].pauses_sent;
  const Packet& stored = queues_of(port_number)[kPfcQueue].packets.append(scratch_->pool, frame);
  if (telemetry_) context_.annex.ticket(stored) = IntTicket();
  port.waiting |= static_cast<std::uint16_t>(1U << kPfcQueue);
  set_bit(waiting_ports_, port_number);
  if (is_idle(port_number, now)) {
    port.free_at_ps = now;
    serve(port_number, now);
  }
}

void Switch::run_watchdog(std::int64_t until) {
  while (watchdog_.due_ps() <= until) {
    const std::int64_t now = watchdog_.due_ps();
    serve_all(now - 1);
    watchdog_.run(now,
                  [&](std::uint32_t out, std::uint32_t priority) { on_stuck(now, out, priority); });
  }
}

void Switch::on_stuck(std::int64_t now, std::uint32_t out, std::uint32_t priority) {
  ++statistics_[out].watchdog_triggers;
  if (watchdog_.action() == WatchdogAction::kDrop) return drop_queue(now, out, priority);
  release(now, out, static_cast<std::uint8_t>(1U << priority));
  statistics_[out].pause_clock.on_change(now, true, ports_[out].paused != 0);
}

// The memory of the queue becomes free, which may let ingresses resume.
void Switch::drop_queue(std::int64_t now, std::uint32_t out, std::uint32_t priority) {
  EgressPort& port = ports_[out];
  EgressQueue& queue = queues_of(out)[priority];
  while (!queue.empty()) {
    const Packet packet = queue.packets.front();
    if (telemetry_) drop_ticket(queue.packets.front());
    queue.packets.pop(scratch_->pool);
    queue.bytes -= packet.wire_bytes;
    port.queue_bytes -= packet.wire_bytes;
    ++statistics_[out].watchdog_drops;
    if (queue.empty()) {
      queue.deficit = 0;
      port.waiting &= static_cast<std::uint16_t>(~(1U << priority));
      if (port.waiting == 0) clear_bit(waiting_ports_, out);
    }
    if (buffer_.leave(packet.arrival, priority, packet.wire_bytes, queue.bytes))
      send_pfc(PacketKind::kResume, packet.arrival, priority, now);
  }
}

}  // namespace plait
