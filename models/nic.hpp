// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file nic.hpp
/// One NIC port of a host: RoCEv2 queue pairs with go-back-N (ACK, NACK, retransmission timeout),
/// pacing by the congestion control, CNP generation, round robin over queue pairs, obedience to
/// PFC. Control frames (ACK, NACK, CNP) have their own queue and go first. Source of the
/// packet-level rules: InfiniBand specification vol. 1 ch. 9 (reliable connection), RoCEv2 annex
/// A17, and the HPCC artefact's RDMA NIC for scheduling and pacing. Deviations:
/// docs/models/roce.md.
///
/// Owned and driven by its host; time never goes back between calls. At one time timers, posted
/// messages and arrivals come before departures.

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "models/host_services.hpp"
#include "models/network_context.hpp"
#include "models/pause_clock.hpp"
#include "models/records.hpp"
#include "models/send_times.hpp"

namespace plait {

/// Told by the NIC; may call Nic::send.
class NicListener {
 public:
  virtual ~NicListener() = default;
  virtual void message_delivered(std::int64_t now, const MessageKey& key, Bytes size) = 0;
  virtual void message_acked(std::int64_t now, const MessageKey& key, std::uint64_t token) = 0;
};

class Nic {
 public:
  Nic(NetworkContext& context, EndpointId endpoint, NicListener& listener);

  EndpointId endpoint() const { return endpoint_; }

  /// For the visit under way: where packets come from and hops are counted.
  void begin_visit(WorkerScratch& scratch) { scratch_ = &scratch; }
  /// Publishes what was sent in this visit.
  void end_visit(const Window& window, Worker& worker);

  /// Sends everything that may start at or before `until`.
  void advance(std::int64_t until);
  void receive(std::int64_t now, const Packet& packet);
  void send(std::int64_t now, const MessageKey& key, EndpointId to, std::uint32_t queue_pair,
            Bytes size, std::uint64_t token);
  /// Handles retransmission timeouts due at or before `now`.
  void on_timer(std::int64_t now);

  /// Next time at which advance() could send, given that nothing arrives; INT64_MAX = never.
  std::int64_t next_send_ps() const;
  /// Next time at which on_timer() must be called; INT64_MAX = never.
  std::int64_t next_timer_ps() const { return next_timer_ps_; }

  void collect(SimTime end, RunRecords& records) const;
  /// Delivery times, in order, of the messages of one queue pair from `from`; null if none came.
  const std::vector<std::int64_t>* deliveries(EndpointId from, std::uint32_t queue_pair) const;
  std::size_t memory_bytes() const;

 private:
  struct Message {
    std::uint32_t first_psn, packets;
    std::int64_t size;
    std::int64_t first_byte;  // position in the flow's payload
    std::uint64_t token;
  };
  struct SentRecord {
    std::int64_t size, posted_ps, acked_ps;
  };
  struct SendFlow {
    std::int64_t next_send_ps = 0;  // pacing; may lie in the past
    std::int64_t ask_again_ps = 0;  // for an ACK, when they are coalesced
    std::int64_t deadline_ps = 0;   // of the retransmission timeout, while packets are in flight
    std::uint32_t next_psn = 0, oldest_psn = 0, end_psn = 0, highest_psn = 0;
    std::uint32_t sending = 0;  // index in messages of the one that holds next_psn
    std::int64_t sent_bytes = 0, acked_bytes = 0, queued_bytes = 0;  // payload positions
    std::unique_ptr<CongestionControl> congestion_control;
    std::vector<Message> messages;  // not fully acknowledged, from oldest_message
    std::uint32_t oldest_message = 0;
    std::uint32_t index = 0;
    EndpointId to;
    std::uint32_t queue_pair = 0;
    std::uint16_t entropy = 0;
    std::uint16_t last_wire = 0;                    // bytes of the packet sent last
    std::unique_ptr<EntropySource> entropy_source;  // null: one entropy for all packets
    SendTimes send_times;  // only if the congestion control needs round-trip times
    MessageKey key;
    FlowRecord record;
    std::vector<SentRecord> sent_messages;
    std::size_t acked_messages = 0;
  };
  struct ReceiveFlow {
    std::uint32_t expected_psn = 0;
    std::uint32_t unacked = 0;
    bool marked = false;  // since the last ACK
    std::uint32_t nacked_psn = UINT32_MAX;
    std::int64_t nack_again_ps = 0, next_cnp_ps = 0;
    std::int64_t message_bytes = 0;
    MessageKey key;
    std::vector<std::int64_t> delivered_ps;
  };
  using FlowKey = std::uint64_t;  // remote endpoint and queue pair
  static FlowKey flow_key(EndpointId remote, std::uint32_t queue_pair) {
    return static_cast<std::uint64_t>(remote.value()) << 32 | queue_pair;
  }

  SendFlow& send_flow(const MessageKey& key, EndpointId to, std::uint32_t queue_pair);
  SendFlow* find_send_flow(const Packet& packet);
  ReceiveFlow& receive_flow(const Packet& packet);
  static bool in_flight(const SendFlow& flow) { return flow.next_psn != flow.oldest_psn; }

  void on_data(std::int64_t now, const Packet& packet);
  void on_ack(std::int64_t now, const Packet& packet);
  void tell_ack(std::int64_t now, SendFlow& flow, const Packet& packet, std::int64_t newly);
  Duration round_trip(std::int64_t now, const SendFlow& flow, const Packet& packet) const;
  void on_pfc(std::int64_t now, const Packet& packet);
  std::int64_t advance_oldest(std::int64_t now, SendFlow& flow, std::uint32_t psn);
  void complete_messages(std::int64_t now, SendFlow& flow);
  void go_back(std::int64_t now, SendFlow& flow);
  void update_active(std::int64_t now, SendFlow& flow);
  bool is_active(const SendFlow& flow) const {
    return (active_[flow.index >> 6] >> (flow.index & 63U) & 1U) != 0;
  }

  struct Turn {
    std::uint32_t flow = 0;
    std::int64_t at_ps = INT64_MAX;
  };
  Turn choose(std::int64_t from) const;
  void send_data(SendFlow& flow, std::int64_t start);
  bool must_ask(SendFlow& flow, std::int64_t start);
  void send_control(std::int64_t now, PacketKind kind, const Packet& to, std::uint32_t psn,
                    bool echo);
  Packet& transmit(const Packet& packet, std::int64_t start);
  std::int64_t gap_ps(std::uint32_t wire_bytes, BitRate rate) const {
    return rounded_transmission_ps(wire_bytes, rate, context_.params.wire.clock.ps());
  }
  bool paused(std::int64_t priority) const { return (paused_ >> priority & 1U) != 0; }
  bool control_held() const {
    return params_.control_obeys_pause && paused(params_.control_priority);
  }
  std::int64_t payload_of(const Packet& packet) const { return packet.wire_bytes - data_overhead_; }

  NetworkContext& context_;
  const TransportParams& params_;
  NicListener& listener_;
  WorkerScratch* scratch_ = nullptr;
  EndpointId endpoint_;
  PortId port_;
  const LinkClass& link_;
  std::int64_t mtu_, data_overhead_;
  CongestionControlNeeds needs_;

  std::int64_t free_at_ps_ = 0;
  Chain<Packet> out_;
  Chain<Packet> control_;
  std::uint8_t paused_ = 0;
  std::uint32_t turn_ = 0;             // flow index to look at first
  std::vector<std::uint64_t> active_;  // bit per flow: has data and window
  std::deque<SendFlow> flows_;         // stable addresses
  std::deque<ReceiveFlow> receive_flows_;
  std::unordered_map<FlowKey, std::uint32_t> send_index_, receive_index_;  // never iterated
  FlowKey last_send_key_ = UINT64_MAX, last_receive_key_ = UINT64_MAX;
  std::uint32_t last_send_ = 0, last_receive_ = 0;
  std::int64_t next_timer_ps_ = INT64_MAX;
  std::uint64_t packets_ = 0, wire_bytes_ = 0;
  PauseClock pause_clock_;
};

}  // namespace plait
