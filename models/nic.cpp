// SPDX-License-Identifier: Apache-2.0
#include "models/nic.hpp"

#include <algorithm>

#include "models/path.hpp"
#include "sim/error.hpp"
#include "sim/hash.hpp"

namespace plait {

namespace {

std::uint64_t entropy_seed(EndpointId from, EndpointId to, std::uint32_t queue_pair,
                           std::uint64_t seed) {
  const std::uint64_t addresses = static_cast<std::uint64_t>(from.value()) << 32 | to.value();
  return hash64(seed ^ addresses, queue_pair);
}

// The UDP source port of RoCEv2 carries the flow's entropy in the dynamic range (14 bits).
std::uint16_t entropy_of(EndpointId from, EndpointId to, std::uint32_t queue_pair,
                         std::uint64_t seed) {
  return static_cast<std::uint16_t>(0xc000U | (entropy_seed(from, to, queue_pair, seed) & 0x3fffU));
}

}  // namespace

Nic::Nic(NetworkContext& context, EndpointId endpoint, NicListener& listener)
    : context_(context),
      params_(context.params.transport),
      listener_(listener),
      endpoint_(endpoint),
      port_(context.graph.endpoint_port(endpoint)),
      link_(context.link_class(port_)),
      mtu_(params_.mtu.count()),
      data_overhead_(context.data_overhead()),
      needs_(needs_of(params_.congestion_control)) {}

// ---- flows

Nic::SendFlow& Nic::send_flow(const MessageKey& key, EndpointId to, std::uint32_t queue_pair) {
  const auto [it, is_new] =
      send_index_.try_emplace(flow_key(to, queue_pair), static_cast<std::uint32_t>(flows_.size()));
  if (!is_new) return flows_[it->second];
  SendFlow& flow = flows_.emplace_back();
  flow.index = it->second;
  if (flow.index % 64 == 0) active_.push_back(0);
  flow.to = to;
  flow.queue_pair = queue_pair;
  flow.key = key;
  flow.entropy = entropy_of(endpoint_, to, queue_pair, context_.params.seed);
  const Path there(context_, endpoint_, to), back(context_, to, endpoint_);
  const std::uint32_t full = context_.full_packet_wire(), ack = context_.ack_wire();
  const PathInfo info{link_.rate(), there.delivery(1, full, full) + back.delivery(1, ack, ack),
                      params_.mtu, there.hops(), &context_.int_scale};
  flow.congestion_control = make_congestion_control(info, params_.congestion_control);
  if (params_.entropy.kind != EntropyKind::kFixed) {
    const std::int64_t in_flight = bytes_in(info.base_rtt, info.line_rate).count();
    flow.entropy_source = std::make_unique<EntropySource>(
        params_.entropy, flow.entropy,
        entropy_seed(endpoint_, to, queue_pair, context_.params.seed),
        static_cast<std::uint32_t>(in_flight / full + 1));
  }
  flow.record.from = key.from;
  flow.record.to = key.to;
  flow.record.stream = key.stream;
  flow.record.hops = there.hops();
  return flow;
}

Nic::SendFlow* Nic::find_send_flow(const Packet& packet) {
  const FlowKey key = flow_key(packet.source(), packet.queue_pair);
  if (key != last_send_key_) {
    const auto it = send_index_.find(key);
    if (it == send_index_.end()) return nullptr;
    last_send_key_ = key;
    last_send_ = it->second;
  }
  return &flows_[last_send_];
}

Nic::ReceiveFlow& Nic::receive_flow(const Packet& packet) {
  const FlowKey key = flow_key(packet.source(), packet.queue_pair);
  if (key == last_receive_key_) return receive_flows_[last_receive_];
  const auto [it, is_new] =
      receive_index_.try_emplace(key, static_cast<std::uint32_t>(receive_flows_.size()));
  if (is_new) {
    const FabricGraph& graph = context_.graph;
    const QueuePairName name = QueuePairName::unpack(packet.queue_pair);
    const NodeId sender = graph.port_node(graph.endpoint_port(packet.source()));
    const NodeId self = graph.port_node(port_);
    receive_flows_.emplace_back().key = {GpuId(graph.first_gpu(sender).value() + name.from_gpu),
                                         GpuId(graph.first_gpu(self).value() + name.to_gpu),
                                         name.stream};
  }
  last_receive_key_ = key;
  last_receive_ = it->second;
  return receive_flows_[last_receive_];
}

void Nic::send(std::int64_t now, const MessageKey& key, EndpointId to, std::uint32_t queue_pair,
               Bytes size, std::uint64_t token) {
  SendFlow& flow = send_flow(key, to, queue_pair);
  const std::int64_t packets = std::max<std::int64_t>(1, (size.count() + mtu_ - 1) / mtu_);
  if (packets >= std::int64_t{UINT32_MAX} - flow.end_psn)
    throw UserError(
        "one connection carries more than 4,294,967,295 packets; use a larger "
        "transport.mtu");
  flow.messages.push_back(
      {flow.end_psn, static_cast<std::uint32_t>(packets), size.count(), flow.queued_bytes, token});
  flow.end_psn += static_cast<std::uint32_t>(packets);
  flow.queued_bytes += size.count();
  if (context_.params.record_messages)
    flow.sent_messages.push_back({size.count(), now, SimTime::never().ps()});
  update_active(now, flow);
}

// A flow is active while it has unsent data and room in its window.
void Nic::update_active(std::int64_t now, SendFlow& flow) {
  const bool wanted = flow.next_psn != flow.end_psn &&
                      flow.sent_bytes - flow.acked_bytes <
                          flow.congestion_control->window(SimTime::ps(now)).count();
  const bool was = is_active(flow);
  if (wanted == was) return;
  active_[flow.index >> 6] ^= std::uint64_t{1} << (flow.index & 63U);
  if (wanted) free_at_ps_ = std::max(free_at_ps_, now);  // it could not have started before
}

// ---- sending

void Nic::advance(std::int64_t until) {
  while (free_at_ps_ <= until) {
    if (!control_.empty() && !control_held()) {
      Packet& sent = transmit(control_.front(), free_at_ps_);
      if (context_.telemetry) int_stack(sent) = int_stack(control_.front());
      control_.pop(scratch_->pool);
      continue;
    }
    if (paused(params_.data_priority)) return;
    const Turn turn = choose(free_at_ps_);
    if (turn.at_ps > until) return;
    turn_ = turn.flow + 1;
    send_data(flows_[turn.flow], turn.at_ps);
  }
}

// The next active flow, in round-robin order after the last one served, whose pacing allows a start
// at `from`; if there is none, the one with the earliest start.
Nic::Turn Nic::choose(std::int64_t from) const {
  Turn best;
  const auto consider = [&](std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t w = begin / 64; w * 64 < end; ++w) {
      std::uint64_t bits = active_[w];
      if (w == begin / 64) bits &= ~std::uint64_t{0} << (begin & 63U);
      for (; bits != 0; bits &= bits - 1) {
        const std::uint32_t index = w * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
        if (index >= end) return false;
        const std::int64_t at = std::max(from, flows_[index].next_send_ps);
        if (at < best.at_ps) best = {index, at};
        if (at == from) return true;
      }
    }
    return false;
  };
  const auto count = static_cast<std::uint32_t>(flows_.size());
  const std::uint32_t first = turn_ < count ? turn_ : 0;
  if (!consider(first, count)) consider(0, first);
  return best;
}

void Nic::send_data(SendFlow& flow, std::int64_t start) {
  const Message& message = flow.messages[flow.sending];
  const bool last = flow.next_psn + 1 == message.first_psn + message.packets;
  const std::int64_t payload =
      last ? message.size - static_cast<std::int64_t>(message.packets - 1) * mtu_ : mtu_;
  Packet packet = Packet::make(PacketKind::kData, endpoint_, flow.to,
                               static_cast<std::uint32_t>(params_.data_priority),
                               static_cast<std::uint32_t>(payload + data_overhead_));
  packet.psn = flow.next_psn;
  packet.queue_pair = flow.queue_pair;
  packet.entropy = flow.entropy_source ? flow.entropy_source->next() : flow.entropy;
  if (last) packet.set(kFlagLast);

  if (flow.record.packets == 0) flow.record.first_sent = SimTime::ps(start);
  if (!in_flight(flow)) {
    flow.deadline_ps = start + params_.rto.ps();
    flow.ask_again_ps = start + params_.rto.ps() / 4;
    next_timer_ps_ = std::min(next_timer_ps_, flow.deadline_ps);
  }
  ++flow.record.packets;
  const bool again = flow.next_psn < flow.highest_psn;
  flow.record.retransmitted += again;
  if (!again) flow.highest_psn = flow.next_psn + 1;
  if (needs_.rtt) flow.send_times.note(flow.next_psn, flow.oldest_psn, start, again);
  ++flow.next_psn;
  flow.sent_bytes += payload;
  flow.sending += last;

  const SimTime now = SimTime::ps(start);
  if (params_.ack_interval > 1 && must_ask(flow, start)) packet.set(kFlagAskAck);
  flow.congestion_control->on_sent(now, packet.wire_bytes);
  const BitRate rate = flow.congestion_control->rate(now);
  Packet& sent = transmit(packet, start);
  if (context_.telemetry) int_stack(sent).hops = 0;
  flow.last_wire = packet.wire_bytes;
  flow.next_send_ps = rate >= link_.rate() ? free_at_ps_ : start + gap_ps(packet.wire_bytes, rate);
  update_active(start, flow);
}

// With coalesced ACKs the receiver may hold one back that the sender needs to go on: because it has
// no more to send, because its window is full, or because its timeout is near.
bool Nic::must_ask(SendFlow& flow, std::int64_t start) {
  const bool stops = flow.next_psn == flow.end_psn ||
                     flow.sent_bytes - flow.acked_bytes >=
                         flow.congestion_control->window(SimTime::ps(start)).count();
  if (!stops && start < flow.ask_again_ps) return false;
  flow.ask_again_ps = start + params_.rto.ps() / 4;
  return true;
}

Packet& Nic::transmit(const Packet& packet, std::int64_t start) {
  free_at_ps_ = start + link_.serialisation_ps(packet.wire_bytes);
  ++packets_;
  wire_bytes_ += packet.wire_bytes;
  ++scratch_->packet_hops;
  Packet& sent = out_.append(scratch_->pool, packet);
  sent.arrival = static_cast<std::uint32_t>(link_.known_ps(start, free_at_ps_));
  return sent;
}

void Nic::send_control(std::int64_t now, PacketKind kind, const Packet& about, std::uint32_t psn,
                       bool echo) {
  const std::uint32_t bytes =
      kind == PacketKind::kCnp ? context_.wire(params_.cnp) : context_.ack_wire();
  Packet packet = Packet::make(kind, endpoint_, about.source(),
                               static_cast<std::uint32_t>(params_.control_priority), bytes);
  packet.psn = psn;
  packet.queue_pair = about.queue_pair;
  packet.entropy = about.entropy;
  if (echo) packet.set(kFlagEcho);
  const bool at_once = free_at_ps_ <= now && control_.empty() && !control_held();
  Packet& stored = at_once ? transmit(packet, now) : control_.append(scratch_->pool, packet);
  if (context_.telemetry) int_stack(stored) = int_stack(about);
  free_at_ps_ = std::max(free_at_ps_, now);
}

std::int64_t Nic::next_send_ps() const {
  if (!control_.empty() && !control_held()) return free_at_ps_;
  if (paused(params_.data_priority)) return INT64_MAX;
  return choose(free_at_ps_).at_ps;
}

void Nic::end_visit(const Window& window, Worker& worker) {
  if (out_.empty()) return;
  const PortId peer = context_.graph.peer(port_);
  context_.channels.publish(window.parity, peer.value(), out_);
  worker.activate(EntityId(context_.graph.port_node(peer).index()));
}

}  // namespace plait
