// SPDX-License-Identifier: Apache-2.0
// The memory of a switch: who may join an egress queue, whole or trimmed.
#include <algorithm>

#include "models/port_bits.hpp"
#include "models/switch.hpp"

namespace plait {

void Switch::enqueue(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet) {
  const bool lossless = buffer_.lossless(packet.priority());
  if (plain_admission_ && lossless &&
      buffer_.surely_quiet(in, packet.priority(), packet.wire_bytes)) [[likely]] {
    buffer_.enter_quiet(in, packet.priority(), packet.wire_bytes);
  } else if (!admit_or_trim(now, in, out, packet)) [[unlikely]] {
    ++statistics_[out].drops;
    statistics_[out].lossless_drops += lossless;
    return;
  }
  const std::uint32_t priority = packet.priority();
  EgressPort& port = ports_[out];
  EgressQueue& queue = queues_of(out)[priority];
  queue.bytes += packet.wire_bytes;
  port.queue_bytes += packet.wire_bytes;
  Packet& stored = queue.packets.append(scratch_->pool, packet);
  stored.arrival = in;
  if (telemetry_) context_.annex.ticket(stored) = context_.annex.take_ticket(packet);
  port.waiting |= static_cast<std::uint16_t>(1U << priority);
  set_bit(waiting_ports_, out);
  if (is_idle(out, now)) {  // idle until now: behind a pause, or let in by the exact rule
    port.free_at_ps = now;
    serve(out, now);
  }
  port.max_queue_bytes = std::max(port.max_queue_bytes, port.queue_bytes);
}

bool Switch::admit(std::int64_t now, std::uint32_t in, std::uint32_t out, const Packet& packet) {
  const std::uint32_t priority = packet.priority();
  const std::uint32_t bytes = packet.wire_bytes;
  // Of the egress port itself, which has been caught up: exact without looking at others.
  const std::int64_t port_bytes = std::int64_t{ports_[out].queue_bytes} + bytes;
  if (!buffer_.lossless(priority)) {
    if (port_bytes > lossy_port_limit_) [[unlikely]]
      return false;
    const EgressQueue& queue = queues_of(out)[priority];
    if (!buffer_.lossy_fits(queue.bytes, bytes)) {
      serve_all(now - 1);
      if (!buffer_.lossy_fits(queue.bytes, bytes)) return false;
    }
    buffer_.enter_lossy(queue.bytes, bytes);
    return true;
  }
  if (port_bytes > kMostQueued) [[unlikely]]
    return false;
  if (buffer_.surely_quiet(in, priority, bytes)) {
    buffer_.enter_quiet(in, priority, bytes);
    return true;
  }
  serve_all(now - 1);
  const SharedBuffer::Verdict verdict = buffer_.enter(in, priority, bytes);
  if (verdict == SharedBuffer::Verdict::kAdmittedPause)
    send_pfc(PacketKind::kPause, in, priority, now);
  return verdict != SharedBuffer::Verdict::kDropped;
}

bool Switch::admit_or_trim(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet) {
  if (!trims_) [[likely]]
    return admit(now, in, out, packet);
  const bool may = may_trim(packet);
  const std::uint32_t queue_bytes = queues_of(out)[packet.priority()].bytes;
  if (is_above_trimming(packet, queue_bytes)) return trim(now, in, out, packet);
  return admit(now, in, out, packet) || (may && trim(now, in, out, packet));
}

// Only data that is lossy, and larger than what would be left of it.
bool Switch::may_trim(const Packet& packet) const {
  return packet.kind() == PacketKind::kData && !buffer_.lossless(packet.priority()) &&
         packet.wire_bytes > trimmed_wire_;
}

// Behind `queue_bytes` in its queue.
bool Switch::is_above_trimming(const Packet& packet, std::uint32_t queue_bytes) const {
  return may_trim(packet) && std::int64_t{queue_bytes} + packet.wire_bytes > trim_threshold_;
}

// Lifts what is left of the packet into its new queue; if that has no room either, it is lost.
bool Switch::trim(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet) {
  cut(packet);
  if (!admit(now, in, out, packet)) return false;
  ++statistics_[out].trims;
  return true;
}

void Switch::cut(Packet& packet) const {
  packet.set_kind(PacketKind::kTrimmed);
  packet.set_priority(static_cast<std::uint32_t>(context_.params.switches.trimming.priority));
  packet.wire_bytes = static_cast<std::uint16_t>(trimmed_wire_);
}

}  // namespace plait
