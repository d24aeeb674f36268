// SPDX-License-Identifier: Apache-2.0
// Selective repeat: the receiver keeps what comes before its turn and acknowledges it by number,
// the sender repeats only what is missing.
#include <algorithm>

#include "models/nic.hpp"

namespace plait {

// ---- receiver

void Nic::on_data_selective(std::int64_t now, const Packet& packet, ReceiveFlow& flow) {
  const std::uint32_t expected = flow.expected_psn;
  arrived_place_ = flow.window.place(packet.psn);
  if (packet.psn < expected) return acknowledge(now, packet, flow, PacketKind::kAck, expected);
  const ReceiveWindow::Slot arrived{static_cast<std::uint16_t>(payload_of(packet)), true,
                                    packet.has(kFlagLast), packet.is_final_stripe()};
  if (packet.psn > expected) {
    PLAIT_CHECK_LT(packet.psn - expected, static_cast<std::uint32_t>(params().reorder_window));
    flow.window.put(packet.psn, expected, arrived);
    return acknowledge(now, packet, flow, PacketKind::kSelectiveAck, packet.psn);
  }
  bool last = arrived.last;
  std::uint32_t end = expected + 1;
  for (; flow.window.holds(end, expected); ++end) last |= flow.window.at(end).last;
  flow.expected_psn = end;
  ++flow.unacked;
  const bool filled_gap = end - expected > 1;
  if (filled_gap || last || packet.has(kFlagAskAck) || flow.unacked >= params().ack_interval)
    acknowledge(now, packet, flow, PacketKind::kAck, end);
  for (std::uint32_t psn = expected; psn != end; ++psn) {
    const ReceiveWindow::Slot slot = psn == expected ? arrived : flow.window.take(psn);
    flow.part_bytes += slot.payload;
    if (slot.last) complete_part(now, packet, flow, slot.final);
  }
}

// ---- sender

void Nic::on_ack_selective(std::int64_t now, const Packet& packet, SendFlow& flow) {
  SentWindow& window = *flow.window;
  answered_window_ = &window;
  answered_place_ = window.place(flow.oldest_psn);
  std::int64_t newly = 0;
  std::uint32_t answered = UINT32_MAX;
  std::uint32_t lost = UINT32_MAX;
  if (packet.kind() == PacketKind::kAck) {
    if (packet.psn > flow.oldest_psn) {
      answered = window.filler_of(packet.psn);
      newly = window.acknowledge_before(packet.psn);
      advance_oldest(now, flow, packet.psn);
    }
  } else if (packet.kind() == PacketKind::kSelectiveAck) {
    answered = packet.psn;
    if (window.acknowledge(packet.psn, newly)) on_progress(flow);
  } else if (window.lose(packet.psn)) {
    lost = packet.psn;
  }
  lost = std::min(lost, window.find_lost().value_or(UINT32_MAX));
  flow.absent_bytes = window.absent_bytes();
  if (lost != UINT32_MAX && lost >= flow.recover_psn) {  // the first of this round trip
    flow.recover_psn = flow.next_psn;
    flow.congestion_control->on_loss(SimTime::ps(now));
  }
  tell_ack(now, flow, packet, newly, answered);
  update_active(now, flow);
  complete_parts(now, flow);
}

// After a timeout.
void Nic::repeat_all(std::int64_t now, SendFlow& flow) {
  flow.window->lose_all();
  flow.absent_bytes = flow.window->absent_bytes();
  flow.recover_psn = flow.next_psn;
  set_deadline(flow, now);
  update_active(now, flow);
}

// The part that holds packet `psn`. @pre it is not acknowledged whole.
const MessagePart& Nic::part_of(const SendFlow& flow, std::uint32_t psn) {
  std::size_t low = 0, high = flow.parts.size() - 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (flow.parts[middle].end_psn() <= psn) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return flow.parts[low];
}

}  // namespace plait
