// SPDX-License-Identifier: Apache-2.0
// The receiving half of the NIC: data, acknowledgements, loss recovery, pause frames.
#include <algorithm>

#include "models/nic.hpp"

namespace plait {

void Nic::receive_in_order(std::int64_t now, const Packet& packet) {
  run_events(now, &context_.annex.lineage(packet));
  posting_->event = context_.annex.lineage(packet);
  take(now, packet);
  attempt(now);
}

void Nic::take_other(std::int64_t now, const Packet& packet) {
  switch (packet.kind()) {
    case PacketKind::kData:
      return on_data(now, packet);
    case PacketKind::kTrimmed:
      return on_trimmed(now, packet);
    case PacketKind::kAck:
    case PacketKind::kNack:
    case PacketKind::kSelectiveAck:
    case PacketKind::kTrimNack:
    case PacketKind::kCnp:
      return on_ack(now, packet);
    case PacketKind::kPause:
    case PacketKind::kResume:
      return on_pfc(now, packet);
  }
}

void Nic::on_pfc(std::int64_t now, const Packet& packet) {
  const bool was_paused = paused_ != 0;
  const auto bit = static_cast<std::uint8_t>(1U << packet.priority());
  if (packet.kind() == PacketKind::kPause) {
    paused_ |= bit;
  } else {
    paused_ &= static_cast<std::uint8_t>(~bit);
    free_at_ps_ = std::max(free_at_ps_, now);
  }
  pause_clock_.on_change(now, was_paused, paused_ != 0);
  if (!context_.params.record_pauses) return;
  const FabricGraph& graph = context_.graph;
  pauses_.push_back({SimTime::ps(now), graph.port_node(port_), graph.port_number(port_),
                     static_cast<std::uint8_t>(packet.priority()),
                     packet.kind() == PacketKind::kPause});
}

// ---- receiver

void Nic::note_mark(std::int64_t now, const Packet& packet, ReceiveFlow& flow) {
  if (!packet.has(kFlagMarked)) return;
  flow.marked = true;
  if (params().cnp_mode != CnpMode::kPacket || now < flow.next_cnp_ps) return;
  flow.next_cnp_ps = now + params().cnp_interval.ps();
  send_control(now, PacketKind::kCnp, packet, 0, false);
}

void Nic::on_data(std::int64_t now, const Packet& packet) {
  ReceiveFlow& flow = receive_flow(packet);
  note_mark(now, packet, flow);
  if (selective_) return on_data_selective(now, packet, flow);
  if (packet.psn > flow.expected_psn) return on_gap(now, packet, flow);
  const bool duplicate = packet.psn < flow.expected_psn;
  const bool last = packet.has(kFlagLast);
  if (!duplicate) {
    ++flow.expected_psn;
    ++flow.unacked;
    flow.part_bytes += payload_of(packet);
  }
  // A duplicate is acknowledged too: the ACK that covered it may have been lost.
  if (duplicate || last || packet.has(kFlagAskAck) || flow.unacked >= params().ack_interval)
    acknowledge(now, packet, flow, PacketKind::kAck, flow.expected_psn);
  if (!duplicate && last) complete_part(now, packet, flow, packet.is_final_stripe());
}

// Asks for the missing packet, not too often.
void Nic::on_gap(std::int64_t now, const Packet& packet, ReceiveFlow& flow) {
  if (flow.nacked_psn == flow.expected_psn && now < flow.nack_again_ps) return;
  flow.nacked_psn = flow.expected_psn;
  flow.nack_again_ps = now + params().nack_interval.ps();
  send_control(now, PacketKind::kNack, packet, flow.expected_psn, false);
}

// A switch has dropped the payload: the sender can repeat it before any other sign of the loss.
void Nic::on_trimmed(std::int64_t now, const Packet& packet) {
  ReceiveFlow& flow = receive_flow(packet);
  note_mark(now, packet, flow);
  if (packet.psn < flow.expected_psn)
    return acknowledge(now, packet, flow, PacketKind::kAck, flow.expected_psn);
  if (!selective_) return on_gap(now, packet, flow);
  if (flow.window.holds(packet.psn, flow.expected_psn))
    return acknowledge(now, packet, flow, PacketKind::kSelectiveAck, packet.psn);
  send_control(now, PacketKind::kTrimNack, packet, packet.psn, false);
}

void Nic::acknowledge(std::int64_t now, const Packet& packet, ReceiveFlow& flow, PacketKind kind,
                      std::uint32_t psn) {
  send_control(now, kind, packet, psn, params().cnp_mode == CnpMode::kAckEcho && flow.marked);
  if (kind == PacketKind::kAck) flow.unacked = 0;
  flow.marked = false;
}

// ---- sender

void Nic::on_ack(std::int64_t now, const Packet& packet) {
  SendFlow* const flow = find_send_flow(packet);
  PLAIT_CHECK(flow != nullptr, "an acknowledgement for a queue pair that never sent");
  if (flow->gave_up) [[unlikely]]
    return;
  CongestionControl& control = *flow->congestion_control;
  const SimTime time = SimTime::ps(now);
  if (packet.kind() == PacketKind::kCnp) {
    ++flow->record.cnps;
    return control.on_cnp(time);
  }
  if (selective_) return on_ack_selective(now, packet, *flow);
  const bool is_news = packet.psn > flow->oldest_psn;
  const std::int64_t newly = is_news ? advance_oldest(now, *flow, packet.psn) : 0;
  const bool nack = packet.kind() == PacketKind::kNack;
  if (nack && packet.psn == flow->oldest_psn && flow->in_flight()) {
    control.on_loss(time);
    go_back(now, *flow);
  }
  tell_ack(now, *flow, packet, newly, is_news && !nack ? packet.psn - 1 : UINT32_MAX);
  update_active(now, *flow);
  complete_parts(now, *flow);
}

// A new rate may move the packet that waits for its turn: by the difference of the two gaps.
void Nic::tell_ack(std::int64_t now, SendFlow& flow, const Packet& packet, std::int64_t newly,
                   std::uint32_t answered_psn) {
  CongestionControl& control = *flow.congestion_control;
  const SimTime time = SimTime::ps(now);
  const bool moves = flow.moves_waiting && flow.last_wire != 0;
  const BitRate before = moves ? control.rate(time) : BitRate();
  if (packet.has(kFlagEcho)) {
    ++flow.record.cnps;
    control.on_cnp(time);
  }
  AckInfo info;
  const bool arrived =
      packet.kind() == PacketKind::kAck || packet.kind() == PacketKind::kSelectiveAck;
  if (flow.varies_entropy && arrived)
    flow.entropy_source->on_ack(now, packet.entropy, packet.has(kFlagEcho));
  info.acked_bytes = static_cast<std::uint64_t>(newly);
  info.ecn_echo = packet.has(kFlagEcho);
  info.acked_to = flow.acked_bytes;
  info.sent_to = flow.sent_bytes;
  if (needs_.rtt) info.rtt = round_trip(now, flow, answered_psn);
  if (context_.telemetry) info.telemetry = &context_.annex.ticket(packet).read();
  control.on_ack(time, info);
  if (!moves) return;
  flow.next_send_ps += gap_ps(flow.last_wire, control.rate(time)) - gap_ps(flow.last_wire, before);
  free_at_ps_ = std::max(free_at_ps_, now);
  if (posting_ != nullptr) move_wake(now, flow.next_send_ps);
}

// Of the packet that made the receiver send this; zero if it is not known.
Duration Nic::round_trip(std::int64_t now, const SendFlow& flow, std::uint32_t answered_psn) {
  const SendTimes::Sent sent = flow.send_times.at(answered_psn);
  if (sent.at_ps == SendTimes::kUnknown) return {};
  const Duration rtt = Duration::ps(now - sent.at_ps);
  return sent.again && rtt < flow.base_rtt ? Duration() : rtt;
}

// Payload up to (not including) packet `psn` is acknowledged. @return bytes newly so.
std::int64_t Nic::advance_oldest(std::int64_t now, SendFlow& flow, std::uint32_t psn) {
  PLAIT_CHECK_LE(psn, flow.highest_psn);
  std::uint32_t whole = 0;  // parts
  std::int64_t position =
      flow.front_first_byte + static_cast<std::int64_t>(psn - flow.front_first_psn) * mtu_;
  if (psn >= flow.front_end_psn) {
    while (flow.parts[whole].end_psn() < psn) ++whole;
    const MessagePart& part = flow.parts[whole];
    position = part.first_byte +
               std::min(part.size, static_cast<std::int64_t>(psn - part.first_psn) * mtu_);
    whole += psn == part.end_psn();
  }
  const std::int64_t newly = position - flow.acked_bytes;
  flow.acked_bytes = position;
  flow.oldest_psn = psn;
  if (flow.next_psn < psn) {  // went back, and the old packets arrived after all
    flow.next_psn = psn;
    flow.sent_bytes = position;
    flow.sending = whole;
    flow.note_parts();
  }
  on_progress(flow);
  set_deadline(flow, now);
  flow.last_acked_ps = now;
  return newly;
}

void Nic::go_back(std::int64_t now, SendFlow& flow) {
  flow.next_psn = flow.oldest_psn;
  flow.sent_bytes = flow.acked_bytes;
  flow.sending = 0;
  while (flow.parts[flow.sending].end_psn() <= flow.next_psn) ++flow.sending;
  flow.note_parts();
  set_deadline(flow, now);
  update_active(now, flow);
}

// ---- retransmission timer

void Nic::on_timer(std::int64_t now) {
  next_timer_ps_ = INT64_MAX;
  for (SendFlow& flow : flows_) {
    if (!flow.in_flight() || (selective_ && flow.waits_to_repeat())) continue;
    if (flow.deadline_ps <= now) time_out(now, flow);
    if (!flow.gave_up) next_timer_ps_ = std::min(next_timer_ps_, flow.deadline_ps);
  }
  if (posting_ != nullptr) attempt(now);
}

void Nic::time_out(std::int64_t now, SendFlow& flow) {
  ++flow.record.timeouts;
  flow.record.unreachable = context_.faults->cut_off_for_ever(now, endpoint_, flow.to);
  if (flow.record.unreachable) return give_up(now, flow);
  if (params().retry_limit != 0) {
    if (flow.retries == params().retry_limit) return give_up(now, flow);
    ++flow.retries;
  }
  const double longer = static_cast<double>(flow.rto_ps) * params().rto_backoff;
  flow.rto_ps = static_cast<std::int64_t>(
      std::min(longer, static_cast<double>(TransportParams::kMaxRto.ps())));
  flow.congestion_control->on_timeout(SimTime::ps(now));
  if (flow.entropy_source) flow.entropy_source->on_timeout(now);
  return selective_ ? repeat_all(now, flow) : go_back(now, flow);
}

// An InfiniBand queue pair would enter its error state: nothing is sent or expected any more.
void Nic::give_up(std::int64_t now, SendFlow& flow) {
  flow.gave_up = true;
  flow.record.failed = SimTime::ps(now);
  flow.parts.clear();
  flow.sending = 0;
  flow.note_parts();
  flow.next_psn = flow.end_psn = flow.oldest_psn;
  if (selective_) flow.window = std::make_unique<SentWindow>(1);
  update_active(now, flow);
}

}  // namespace plait
