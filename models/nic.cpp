// SPDX-License-Identifier: Apache-2.0
#include "models/nic.hpp"

#include <algorithm>

namespace plait {

Nic::Nic(NetworkContext& context, EndpointId endpoint, NicListener& listener, NodeFaults& faults,
         std::int64_t& next_timer_ps)
    : selective_(context.params.transport.reliability == Reliability::kSelectiveRepeat),
      needs_(needs_of(context.params.transport.congestion_control)),
      context_(context),
      link_(context.link_class(context.graph.endpoint_port(endpoint))),
      wire_(&link_),
      posting_(context.posting_order ? std::make_unique<PostingState>(endpoint.value()) : nullptr),
      faults_(faults),
      mtu_(static_cast<std::int32_t>(params().mtu.count())),
      data_overhead_(static_cast<std::int32_t>(context.data_overhead())),
      ack_wire_(context.ack_wire()),
      cnp_wire_(context.cnp_wire()),
      endpoint_(endpoint),
      port_(context.graph.endpoint_port(endpoint)),
      peer_(context.graph.peer(port_)),
      peer_entity_(context.graph.port_node(peer_).index()),
      number_(context.graph.port_number(port_)),
      lanes_(static_cast<std::uint32_t>(params().queue_pairs)),
      faulty_(faults.active()),
      listener_(listener),
      host_timer_ps_(next_timer_ps) {}

void Nic::toggle_active(std::int64_t now, SendFlow& flow) {
  active(flow.index >> 6) ^= std::uint64_t{1} << (flow.index & 63U);
  if (is_active(flow))
    free_at_ps_ = std::max(free_at_ps_, now);  // it could not have started before
}

// ---- sending

void Nic::send_until(std::int64_t until) {
  while (free_at_ps_ <= until) {
    if (!control_.empty() && !control_held()) {
      send_waiting_control(free_at_ps_);
      continue;
    }
    if (paused(params().data_priority)) return;
    const Turn turn = choose(free_at_ps_);
    if (turn.at_ps > until) return;
    turn_ = turn.flow + 1;
    send_data(flow(turn.flow), turn.at_ps);
  }
}

Nic::Turn Nic::choose_among(std::int64_t from) const {
  Turn best;
  const auto consider = [&](std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t w = begin / 64; w * 64 < end; ++w) {
      std::uint64_t bits = active(w);
      if (w == begin / 64) bits &= ~std::uint64_t{0} << (begin & 63U);
      for (; bits != 0; bits &= bits - 1) {
        const std::uint32_t index = w * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
        if (index >= end) return false;
        const std::int64_t at = std::max(from, flow(index).next_send_ps);
        if (at < best.at_ps) best = {index, at};
        if (at == from) return true;
      }
    }
    return false;
  };
  const std::uint32_t first = turn_ < flow_count_ ? turn_ : 0;
  if (!consider(first, flow_count_)) consider(0, first);
  return best;
}

void Nic::send_data(SendFlow& flow, std::int64_t start) {
  sent_last_ = &flow;
  const bool repeat = selective_ && flow.window->has_lost();
  const std::uint32_t psn = repeat ? flow.window->take_lost() : flow.next_psn;
  const MessagePart* part = repeat ? &part_of(flow, psn) : nullptr;
  const bool last = psn + 1 == (repeat ? part->end_psn() : flow.sending_end_psn);
  if (last && !repeat) part = &flow.parts[flow.sending];
  const std::int64_t payload =
      last ? part->size - static_cast<std::int64_t>(part->packets - 1) * mtu_ : mtu_;
  Packet packet = Packet::make(PacketKind::kData, endpoint_, flow.to,
                               static_cast<std::uint32_t>(params().data_priority),
                               static_cast<std::uint32_t>(payload + data_overhead_));
  packet.psn = psn;
  packet.queue_pair = flow.queue_pair;
  packet.entropy = flow.varies_entropy ? flow.entropy_source->next() : flow.entropy;
  packet.set_lane(flow.lane);
  if (last) packet.set(kFlagLast);
  if (last && part->final && lanes_ > 1) packet.set_final_stripe();

  count_sent(flow, psn, payload, start);
  if (repeat) {
    flow.absent_bytes = flow.window->absent_bytes();
  } else {
    ++flow.next_psn;
    flow.sent_bytes += payload;
    if (last) {
      ++flow.sending;
      flow.note_parts();
    }
  }
  const SimTime now = SimTime::ps(start);
  if (params().ack_interval > 1 && (repeat || must_ask(flow, start))) packet.set(kFlagAskAck);
  flow.congestion_control->on_sent(now, packet.wire_bytes);
  const BitRate rate = flow.congestion_control->rate(now);
  transmit(packet, start, context_.telemetry ? scratch_->int_slots.take() : IntTicket());
  flow.last_wire = packet.wire_bytes;
  flow.next_send_ps = free_at_ps_;
  if (rate < link_.rate())
    flow.next_send_ps = flow.congestion_control
                            ->next_start(now, packet.wire_bytes,
                                         SimTime::ps(start + gap_ps(packet.wire_bytes, rate)))
                            .ps();
  update_active(start, flow);
}

// Timers and figures of a packet that starts.
void Nic::count_sent(SendFlow& flow, std::uint32_t psn, std::int64_t payload, std::int64_t start) {
  if (flow.highest_psn == 0) flow.record.first_sent = SimTime::ps(start);
  if (!flow.in_flight() || (selective_ && flow.waits_to_repeat())) {
    set_deadline(flow, start);
    flow.ask_again_ps = start + params().rto.ps() / 4;
  }
  const bool again = psn < flow.highest_psn;
  if (again) [[unlikely]] {
    ++flow.record.retransmitted;
  } else {
    flow.highest_psn = psn + 1;
  }
  if (needs_.rtt) flow.send_times.note(psn, flow.oldest_psn, start, again);
  if (!selective_) [[likely]]
    return;
  flow.window->note_sent(psn, payload);
  if (psn == flow.oldest_psn) set_deadline(flow, start);
}

// With coalesced ACKs the receiver may hold one back that the sender needs to go on: because it has
// no more to send, because its window is full, or because its timeout is near.
bool Nic::must_ask(SendFlow& flow, std::int64_t start) {
  const bool stops = !has_data(flow) || !has_room(flow, start);
  if (!stops && start < flow.ask_again_ps) return false;
  flow.ask_again_ps = start + params().rto.ps() / 4;
  return true;
}

void Nic::transmit(const Packet& packet, std::int64_t start, IntTicket ticket) {
  free_at_ps_ = start + wire_->serialisation_ps(packet.wire_bytes);
  const std::int64_t known = wire_->known_ps(start, free_at_ps_);
  ++packets_;
  wire_bytes_ += packet.wire_bytes;
  ++scratch_->packet_hops;
  if (faulty_ && faults_.loses(number_, packet, start, free_at_ps_, known)) [[unlikely]]
    return scratch_->int_slots.give(ticket);
  Packet& sent = out_.append(scratch_->pool, packet);
  sent.arrival = static_cast<std::uint32_t>(known);
  if (context_.telemetry) [[unlikely]]
    context_.annex.ticket(sent) = ticket;
  if (posting_ != nullptr) [[unlikely]]
    write_lineage(sent, start);
}

void Nic::write_lineage(Packet& sent, std::int64_t start) {
  posting_->wire.start(posting_->event, start, free_at_ps_);
  context_.annex.lineage(sent) = posting_->wire.ends;
}

void Nic::send_waiting_control(std::int64_t start) {
  const Packet& packet = control_.front();
  transmit(packet, start, context_.telemetry ? context_.annex.take_ticket(packet) : IntTicket());
  control_.pop(scratch_->pool);
}

void Nic::send_control(std::int64_t now, PacketKind kind, const Packet& about, std::uint32_t psn,
                       bool echo) {
  const std::uint32_t bytes = kind == PacketKind::kCnp ? cnp_wire_ : ack_wire_;
  Packet packet = Packet::make(kind, endpoint_, about.source(),
                               static_cast<std::uint32_t>(params().control_priority), bytes);
  packet.psn = psn;
  packet.queue_pair = about.queue_pair;
  packet.entropy = about.entropy;
  packet.set_lane(about.lane());
  if (echo) packet.set(kFlagEcho);
  const bool at_once =
      free_at_ps_ <= now && control_.empty() && !control_held() && posting_ == nullptr;
  // Nobody reads telemetry from a CNP. No packet gets two other answers.
  IntTicket ticket;
  if (context_.telemetry && kind != PacketKind::kCnp) ticket = context_.annex.take_ticket(about);
  if (at_once) {
    transmit(packet, now, ticket);
  } else {
    const Packet& stored = control_.append(scratch_->pool, packet);
    if (context_.telemetry) context_.annex.ticket(stored) = ticket;
  }
  if (posting_ != nullptr) return attempt(now);
  free_at_ps_ = std::max(free_at_ps_, now);
}

std::int64_t Nic::next_send_ps() const {
  if (posting_ != nullptr) return next_event_ps();
  if (!control_.empty() && !control_held()) return free_at_ps_;
  if (paused(params().data_priority)) return INT64_MAX;
  return choose(free_at_ps_).at_ps;
}

void Nic::name_flows(FetchQueue& ahead) const {
  if (sent_last_ != nullptr) {
    ahead.add(sent_last_, 2 * FetchQueue::kLine);
    ahead.add(sent_last_->congestion_control.get(), 2 * FetchQueue::kLine);
  }
  if (receiving_ != nullptr) ahead.add(receiving_);
  if (selective_) {
    constexpr std::size_t kPlaces = 8 * FetchQueue::kLine;  // gaps are that long where paths vary
    if (answered_window_ != nullptr) {
      ahead.add(answered_window_, sizeof *answered_window_);
      ahead.add(answered_place_, kPlaces);
    }
    if (arrived_place_ != nullptr) ahead.add(arrived_place_, kPlaces);
  }
}

void Nic::end_visit(const Window& window, Worker& worker) {
  if (out_.empty()) return;
  context_.channels.publish(window.parity, peer_.value(), out_);
  worker.activate(peer_entity_);
}

}  // namespace plait
