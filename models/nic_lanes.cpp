// SPDX-License-Identifier: Apache-2.0
// Messages and connections of the NIC: queue pairs are made, messages cut into parts for the lanes
// of their connection, put together again, delivered and reported.
#include <algorithm>

#include "models/nic.hpp"
#include "models/path.hpp"
#include "sim/error.hpp"
#include "sim/hash.hpp"

namespace plait {

namespace {

std::uint64_t entropy_seed(EndpointId from, EndpointId to, std::uint32_t queue_pair,
                           std::uint32_t lane, std::uint64_t seed) {
  const std::uint64_t addresses = static_cast<std::uint64_t>(from.value()) << 32 | to.value();
  const std::uint64_t name = static_cast<std::uint64_t>(lane) << 32 | queue_pair;
  return hash64(seed ^ addresses, name);
}

}  // namespace

// ---- sender

// The first message of a connection starts on lane 0, so the connection exists when lane 0 does.
SendFlow& Nic::send_flow(const MessageKey& key, EndpointId to, std::uint32_t queue_pair,
                         std::uint32_t lane) {
  const auto [it, is_new] = send_index_.try_emplace(flow_key(to, queue_pair, lane),
                                                    static_cast<std::uint32_t>(flows_.size()));
  if (!is_new) return flows_[it->second];
  SendFlow& flow = flows_.emplace_back();
  flow.index = it->second;
  ++flow_count_;
  if (flow.index % 64 == 0 && flow.index != 0) more_active_.push_back(0);
  if (lane == 0) {
    flow.connection = static_cast<std::uint32_t>(connections_.size());
    connections_.emplace_back().key = key;
  } else {
    flow.connection = send_flow(key, to, queue_pair, 0).connection;
  }
  flow.to = to;
  flow.queue_pair = queue_pair;
  flow.lane = static_cast<std::uint8_t>(lane);
  // The UDP source port of RoCEv2 carries the flow's entropy in the dynamic range (14 bits).
  const std::uint64_t seed = entropy_seed(endpoint_, to, queue_pair, lane, context_.params.seed);
  flow.entropy = static_cast<std::uint16_t>(0xc000U | (seed & 0x3fffU));
  flow.rto_ps = params().rto.ps();
  if (selective_) flow.window = std::make_unique<SentWindow>(context_.reorder_threshold());
  const Path there(context_, endpoint_, to), back(context_, to, endpoint_);
  const std::uint32_t full = context_.full_packet_wire(), ack = context_.ack_wire();
  const PathInfo info{link_.rate(), there.delivery(1, full, full) + back.delivery(1, ack, ack),
                      params().mtu, there.hops(), &context_.int_scale};
  flow.base_rtt = info.base_rtt;
  flow.congestion_control = make_congestion_control(info, params().congestion_control);
  flow.moves_waiting = flow.congestion_control->moves_waiting_packet();
  if (params().entropy.kind != EntropyKind::kFixed) {
    const std::int64_t in_flight = bytes_in(info.base_rtt, info.line_rate).count();
    flow.entropy_source = std::make_unique<EntropySource>(
        params().entropy, flow.entropy, seed, static_cast<std::uint32_t>(in_flight / full + 1));
    flow.varies_entropy = true;
  }
  flow.record.from = key.from;
  flow.record.to = key.to;
  flow.record.stream = key.stream;
  flow.record.lane = lane;
  flow.record.hops = there.hops();
  flow.record.entropy = flow.entropy;
  return flow;
}

SendFlow* Nic::look_up_send_flow(FlowKey key) {
  const auto it = send_index_.find(key);
  if (it == send_index_.end()) return nullptr;
  answered_key_ = key;
  answered_ = &flows_[it->second];
  return answered_;
}

// A message takes the lanes after those of the message before it: as many as it has packets
// (split), or one. Parts are whole packets, as equal as possible, the longer ones first.
void Nic::send(std::int64_t now, const MessageKey& key, EndpointId to, std::uint32_t queue_pair,
               Bytes size, std::uint64_t token) {
  SendFlow& first = send_flow(key, to, queue_pair, 0);
  SendConnection& connection = connections_[first.connection];
  const std::int64_t packets = std::max<std::int64_t>(1, (size.count() + mtu_ - 1) / mtu_);
  const std::int64_t parts =
      params().striping == Striping::kSplit ? std::min<std::int64_t>(lanes_, packets) : 1;
  if (packets / parts >= std::int64_t{UINT32_MAX} - 1)
    throw UserError("a message of " + to_string(size) +
                    " has more than 4,294,967,294 packets; use a larger transport.mtu");
  connection.posted.push({token, static_cast<std::uint32_t>(parts)});
  if (context_.params.record_messages)
    connection.sent.push_back({size.count(), now, SimTime::never().ps()});
  std::int64_t left = size.count();
  for (std::int64_t i = 0; i < parts; ++i) {
    const std::int64_t share = packets / parts + (i < packets % parts);
    const std::int64_t bytes = std::min(left, share * mtu_);
    left -= bytes;
    SendFlow& flow =
        connection.next_lane == 0 ? first : send_flow(key, to, queue_pair, connection.next_lane);
    post(now, flow, static_cast<std::uint32_t>(share), bytes, i + 1 == parts);
    if (++connection.next_lane == lanes_) connection.next_lane = 0;
  }
  if (posting_ != nullptr) attempt(now);
}

void Nic::post(std::int64_t now, SendFlow& flow, std::uint32_t packets, std::int64_t size,
               bool final) {
  if (flow.gave_up) return;
  if (packets >= UINT32_MAX - flow.end_psn)
    throw UserError(
        "one connection carries more than 4,294,967,295 packets; use a larger "
        "transport.mtu");
  const SendConnection& connection = connections_[flow.connection];
  const auto number =
      connection.completed + static_cast<std::uint32_t>(connection.posted.size()) - 1;
  flow.parts.push({flow.end_psn, packets, size, flow.queued_bytes, number, final});
  flow.end_psn += packets;
  flow.queued_bytes += size;
  flow.note_parts();
  update_active(now, flow);
}

// Parts that are acknowledged whole; the listener learns of messages in order, and may send more
// meanwhile.
void Nic::complete_parts(std::int64_t now, SendFlow& flow) {
  while (flow.front_end_psn <= flow.oldest_psn) {
    SendConnection& connection = connections_[flow.connection];
    const std::uint32_t message = flow.parts.front().message;
    flow.parts.pop();
    --flow.sending;
    flow.note_parts();
    --connection.posted[message - connection.completed].parts_left;
    while (!connection.posted.empty() && connection.posted.front().parts_left == 0) {
      const std::uint64_t token = connection.posted.front().token;
      if (context_.params.record_messages) connection.sent[connection.completed].acked_ps = now;
      connection.posted.pop();
      ++connection.completed;
      listener_.message_acked(now, MessageKey(connection.key), token);
    }
  }
}

// ---- receiver

void Nic::look_up_receive_flow(FlowKey key, const Packet& packet) {
  const auto it = receive_index_.find(key);
  receiving_ = &receive_flows_[it != receive_index_.end() ? it->second : add_receive_flow(packet)];
  receiving_key_ = key;
}

// With lane 0 of a connection, whose packets may come later than this one, comes the connection.
std::uint32_t Nic::add_receive_flow(const Packet& packet) {
  const auto add = [&](std::uint32_t lane) {
    const auto [it, is_new] =
        receive_index_.try_emplace(flow_key(packet.source(), packet.queue_pair, lane),
                                   static_cast<std::uint32_t>(receive_flows_.size()));
    if (is_new) receive_flows_.emplace_back();
    return std::pair(it->second, is_new);
  };
  const auto [first, is_new] = add(0);
  if (is_new) {
    const FabricGraph& graph = context_.graph;
    const QueuePairName name = QueuePairName::unpack(packet.queue_pair);
    const NodeId sender = graph.port_node(graph.endpoint_port(packet.source()));
    const NodeId self = graph.port_node(port_);
    receive_flows_[first].connection = static_cast<std::uint32_t>(receive_connections_.size());
    receive_connections_.emplace_back().key = {
        GpuId(graph.first_gpu(sender).value() + name.from_gpu),
        GpuId(graph.first_gpu(self).value() + name.to_gpu), name.stream};
  }
  if (packet.lane() == 0) return first;
  const std::uint32_t index = add(packet.lane()).first;
  receive_flows_[index].connection = receive_flows_[first].connection;
  return index;
}

// The receiver knows the order of parts without being told: each message starts on the lane after
// the last part of the one before it, and its final part says so.
void Nic::complete_part(std::int64_t now, const Packet& packet, ReceiveFlow& flow, bool final) {
  ReceiveConnection& connection = receive_connections_[flow.connection];
  if (lanes_ == 1) {
    connection.message_bytes = flow.part_bytes;
    flow.part_bytes = 0;
    return deliver(now, connection);
  }
  flow.complete.push({flow.part_bytes, final});
  flow.part_bytes = 0;
  for (;;) {
    const auto it =
        receive_index_.find(flow_key(packet.source(), packet.queue_pair, connection.next_lane));
    if (it == receive_index_.end() || receive_flows_[it->second].complete.empty()) return;
    Fifo<ReceiveFlow::Part>& parts = receive_flows_[it->second].complete;
    const ReceiveFlow::Part part = parts.front();
    parts.pop();
    connection.message_bytes += part.size;
    if (++connection.next_lane == lanes_) connection.next_lane = 0;
    if (part.final) deliver(now, connection);
  }
}

void Nic::deliver(std::int64_t now, ReceiveConnection& connection) {
  const Bytes size(connection.message_bytes);
  connection.message_bytes = 0;
  if (context_.params.record_messages) connection.delivered_ps.push_back(now);
  listener_.message_delivered(now, MessageKey(connection.key), size);
}

// ---- records

void Nic::collect(SimTime end, RunRecords& records) const {
  LinkRecord& link = records.links[port_.index()];
  link.packets = packets_;
  link.wire_bytes = Bytes(static_cast<std::int64_t>(wire_bytes_));
  link.busy = busy_.total(wire_bytes_, *wire_);
  link.paused = pause_clock_.total(end, paused_ != 0);
  link.paused_from = pause_clock_.from();
  link.paused_until = pause_clock_.until(end, paused_ != 0);
  records.pauses.insert(records.pauses.end(), pauses_.begin(), pauses_.end());
  for (const SendFlow& flow : flows_) {
    FlowRecord& record = records.flows.emplace_back(flow.record);
    record.packets = flow.highest_psn + record.retransmitted;
    record.payload = Bytes(flow.acked_bytes);
    record.last_acked = SimTime::ps(flow.last_acked_ps);
  }
  for (const SendConnection& connection : connections_)
    for (const SendConnection::Sent& sent : connection.sent) {
      MessageRecord message;
      message.from = connection.key.from;
      message.to = connection.key.to;
      message.stream = connection.key.stream;
      message.size = Bytes(sent.size);
      message.posted = SimTime::ps(sent.posted_ps);
      message.acked = SimTime::ps(sent.acked_ps);
      records.messages.push_back(message);
    }
}

const std::vector<std::int64_t>* Nic::deliveries(EndpointId from, std::uint32_t queue_pair) const {
  const auto it = receive_index_.find(flow_key(from, queue_pair, 0));
  if (it == receive_index_.end()) return nullptr;
  return &receive_connections_[receive_flows_[it->second].connection].delivered_ps;
}

std::size_t Nic::memory_bytes() const {
  return sizeof(*this) + flows_.size() * (sizeof(SendFlow) + 128) +
         receive_flows_.size() * sizeof(ReceiveFlow) +
         connections_.size() * sizeof(SendConnection) +
         receive_connections_.size() * sizeof(ReceiveConnection);
}

}  // namespace plait
