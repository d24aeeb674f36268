// SPDX-License-Identifier: Apache-2.0
// The receiving half of the NIC: data, acknowledgements, loss recovery, pause frames.
#include <algorithm>

#include "models/nic.hpp"

namespace plait {

void Nic::receive(std::int64_t now, const Packet& packet) {
  switch (packet.kind()) {
    case PacketKind::kData:
    case PacketKind::kTrimmed:
      return on_data(now, packet);
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
}

void Nic::on_data(std::int64_t now, const Packet& packet) {
  ReceiveFlow& flow = receive_flow(packet);
  if (packet.has(kFlagMarked)) {
    flow.marked = true;
    if (params_.cnp_mode == CnpMode::kPacket && now >= flow.next_cnp_ps) {
      flow.next_cnp_ps = now + params_.cnp_interval.ps();
      send_control(now, PacketKind::kCnp, packet, 0, false);
    }
  }
  if (packet.psn > flow.expected_psn) {  // a gap: ask for the missing packet, not too often
    if (flow.nacked_psn == flow.expected_psn && now < flow.nack_again_ps) return;
    flow.nacked_psn = flow.expected_psn;
    flow.nack_again_ps = now + params_.nack_interval.ps();
    return send_control(now, PacketKind::kNack, packet, flow.expected_psn, false);
  }
  const bool duplicate = packet.psn < flow.expected_psn;
  const bool last = packet.has(kFlagLast);
  if (!duplicate) {
    ++flow.expected_psn;
    ++flow.unacked;
    flow.message_bytes += payload_of(packet);
  }
  // A duplicate is acknowledged too: the ACK that covered it may have been lost.
  if (duplicate || last || packet.has(kFlagAskAck) || flow.unacked >= params_.ack_interval) {
    const bool echo = params_.cnp_mode == CnpMode::kAckEcho && flow.marked;
    send_control(now, PacketKind::kAck, packet, flow.expected_psn, echo);
    flow.unacked = 0;
    flow.marked = false;
  }
  if (duplicate || !last) return;
  const Bytes size(flow.message_bytes);
  flow.message_bytes = 0;
  if (context_.params.record_messages) flow.delivered_ps.push_back(now);
  listener_.message_delivered(now, MessageKey(flow.key), size);
}

void Nic::on_ack(std::int64_t now, const Packet& packet) {
  SendFlow* const flow = find_send_flow(packet);
  PLAIT_CHECK(flow != nullptr, "an acknowledgement for a queue pair that never sent");
  CongestionControl& control = *flow->congestion_control;
  const SimTime time = SimTime::ps(now);
  if (packet.kind() == PacketKind::kCnp) {
    ++flow->record.cnps;
    return control.on_cnp(time);
  }
  const std::int64_t newly =
      packet.psn > flow->oldest_psn ? advance_oldest(now, *flow, packet.psn) : 0;
  if (packet.kind() == PacketKind::kNack && packet.psn == flow->oldest_psn && in_flight(*flow)) {
    control.on_loss(time);
    go_back(now, *flow);
  }
  const bool arrived =
      packet.kind() == PacketKind::kAck || packet.kind() == PacketKind::kSelectiveAck;
  if (flow->entropy_source && arrived)
    flow->entropy_source->on_ack(now, packet.entropy, packet.has(kFlagEcho));
  tell_ack(now, *flow, packet, newly);
  update_active(now, *flow);
  complete_messages(now, *flow);
}

// A new rate may move the packet that waits for its turn: by the difference of the two gaps.
void Nic::tell_ack(std::int64_t now, SendFlow& flow, const Packet& packet, std::int64_t newly) {
  CongestionControl& control = *flow.congestion_control;
  const SimTime time = SimTime::ps(now);
  const bool moves = control.moves_waiting_packet() && flow.last_wire != 0;
  const BitRate before = moves ? control.rate(time) : BitRate();
  if (packet.has(kFlagEcho)) {
    ++flow.record.cnps;
    control.on_cnp(time);
  }
  AckInfo info;
  info.acked_bytes = static_cast<std::uint64_t>(newly);
  info.ecn_echo = packet.has(kFlagEcho);
  info.acked_to = flow.acked_bytes;
  info.sent_to = flow.sent_bytes;
  if (needs_.rtt) info.rtt = round_trip(now, flow, packet);
  if (context_.telemetry) info.telemetry = &int_stack(packet);
  control.on_ack(time, info);
  if (!moves) return;
  flow.next_send_ps += gap_ps(flow.last_wire, control.rate(time)) - gap_ps(flow.last_wire, before);
  free_at_ps_ = std::max(free_at_ps_, now);
}

// Of the packet that made the receiver send this; zero if it is not known.
Duration Nic::round_trip(std::int64_t now, const SendFlow& flow, const Packet& packet) const {
  const bool selective = packet.kind() == PacketKind::kSelectiveAck;
  if (packet.kind() != PacketKind::kAck && !selective) return {};
  const std::int64_t sent = flow.send_times.at(selective ? packet.psn : packet.psn - 1);
  return sent == SendTimes::kUnknown ? Duration() : Duration::ps(now - sent);
}

// Payload up to (not including) packet `psn` is acknowledged. @return bytes newly so.
std::int64_t Nic::advance_oldest(std::int64_t now, SendFlow& flow, std::uint32_t psn) {
  PLAIT_CHECK_LE(psn, flow.highest_psn);
  std::size_t m = flow.oldest_message;
  while (flow.messages[m].first_psn + flow.messages[m].packets < psn) ++m;
  const Message& message = flow.messages[m];
  const std::int64_t position =
      message.first_byte +
      std::min(message.size, static_cast<std::int64_t>(psn - message.first_psn) * mtu_);
  const std::int64_t newly = position - flow.acked_bytes;
  flow.acked_bytes = position;
  flow.oldest_psn = psn;
  if (flow.next_psn < psn) {  // went back, and the old packets arrived after all
    flow.next_psn = psn;
    flow.sent_bytes = position;
    flow.sending = static_cast<std::uint32_t>(m) + (psn == message.first_psn + message.packets);
  }
  flow.deadline_ps = now + params_.rto.ps();
  flow.record.last_acked = SimTime::ps(now);
  flow.record.payload = Bytes(position);
  return newly;
}

// Tells the listener about messages that are acknowledged whole; it may send more meanwhile.
void Nic::complete_messages(std::int64_t now, SendFlow& flow) {
  while (flow.oldest_message < flow.messages.size()) {
    const Message& message = flow.messages[flow.oldest_message];
    if (message.first_psn + message.packets > flow.oldest_psn) return;
    const std::uint64_t token = message.token;
    ++flow.oldest_message;
    if (flow.oldest_message >= std::max<std::size_t>(64, flow.messages.size() / 2) ||
        flow.oldest_message == flow.messages.size()) {
      flow.messages.erase(flow.messages.begin(), flow.messages.begin() + flow.oldest_message);
      flow.sending -= flow.oldest_message;
      flow.oldest_message = 0;
    }
    if (context_.params.record_messages) flow.sent_messages[flow.acked_messages++].acked_ps = now;
    listener_.message_acked(now, MessageKey(flow.key), token);
  }
}

void Nic::go_back(std::int64_t now, SendFlow& flow) {
  flow.next_psn = flow.oldest_psn;
  flow.sent_bytes = flow.acked_bytes;
  flow.sending = flow.oldest_message;
  while (flow.messages[flow.sending].first_psn + flow.messages[flow.sending].packets <=
         flow.next_psn)
    ++flow.sending;
  flow.deadline_ps = now + params_.rto.ps();
  update_active(now, flow);
}

void Nic::on_timer(std::int64_t now) {
  next_timer_ps_ = INT64_MAX;
  for (SendFlow& flow : flows_) {
    if (!in_flight(flow)) continue;
    if (flow.deadline_ps <= now) {
      ++flow.record.timeouts;
      flow.congestion_control->on_timeout(SimTime::ps(now));
      if (flow.entropy_source) flow.entropy_source->on_timeout(now);
      go_back(now, flow);
    }
    next_timer_ps_ = std::min(next_timer_ps_, flow.deadline_ps);
  }
}

void Nic::collect(SimTime end, RunRecords& records) const {
  LinkRecord& link = records.links[port_.index()];
  link.packets = packets_;
  link.wire_bytes = Bytes(static_cast<std::int64_t>(wire_bytes_));
  link.busy = transmission_time(link.wire_bytes, link_.rate());
  link.paused = pause_clock_.total(end, paused_ != 0);
  for (const SendFlow& flow : flows_) {
    records.flows.push_back(flow.record);
    for (const SentRecord& sent : flow.sent_messages) {
      MessageRecord message;
      message.from = flow.key.from;
      message.to = flow.key.to;
      message.stream = flow.key.stream;
      message.size = Bytes(sent.size);
      message.posted = SimTime::ps(sent.posted_ps);
      message.acked = SimTime::ps(sent.acked_ps);
      records.messages.push_back(message);
    }
  }
}

const std::vector<std::int64_t>* Nic::deliveries(EndpointId from, std::uint32_t queue_pair) const {
  const auto it = receive_index_.find(flow_key(from, queue_pair));
  return it == receive_index_.end() ? nullptr : &receive_flows_[it->second].delivered_ps;
}

std::size_t Nic::memory_bytes() const {
  return sizeof(*this) + flows_.size() * (sizeof(SendFlow) + 128) +
         receive_flows_.size() * sizeof(ReceiveFlow);
}

}  // namespace plait
