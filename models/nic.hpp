// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file nic.hpp
/// One NIC port of a host: RoCEv2 queue pairs with go-back-N or selective repeat, pacing by the
/// congestion control, CNP generation, round robin over queue pairs, obedience to PFC. Control
/// frames (ACK, NACK, CNP) have their own queue and go first. Source of the packet-level rules:
/// InfiniBand specification vol. 1 ch. 9 (reliable connection), RoCEv2 annex A17, IRN (Mittal et
/// al., SIGCOMM 2018) for selective repeat, NCCL for the striping of messages, and the HPCC
/// artefact's RDMA NIC for scheduling and pacing. Deviations: docs/models/roce.md.
///
/// nic.cpp sends, nic_receive.cpp receives (and goes back N), nic_selective.cpp repeats
/// selectively, nic_lanes.cpp has what concerns whole messages and connections.
///
/// Owned and driven by its host; time never goes back between calls. At one time timers, posted
/// messages and arrivals come before departures.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/busy_clock.hpp"
#include "models/host_services.hpp"
#include "models/network_context.hpp"
#include "models/node_faults.hpp"
#include "models/pause_clock.hpp"
#include "models/queue_pair.hpp"
#include "models/records.hpp"

namespace plait {

/// Told by the NIC; may call Nic::send.
class NicListener {
 public:
  virtual ~NicListener() = default;
  virtual void message_delivered(std::int64_t now, const MessageKey& key, Bytes size) = 0;
  virtual void message_acked(std::int64_t now, const MessageKey& key, std::uint64_t token) = 0;
};

class alignas(FetchQueue::kLine) Nic {
 public:
  /// @param faults         of the host; must outlive the NIC, as must
  /// @param next_timer_ps  which the NIC lowers to next_timer_ps() whenever that falls.
  Nic(NetworkContext& context, EndpointId endpoint, NicListener& listener, NodeFaults& faults,
      std::int64_t& next_timer_ps);

  EndpointId endpoint() const { return endpoint_; }

  /// Names what the next visit will need: the NIC, then flows, most likely the last ones.
  void name_self(FetchQueue& ahead) const { ahead.add(this, 4 * FetchQueue::kLine); }
  void name_flows(FetchQueue& ahead) const;
  /// For the visit under way: where packets come from and hops are counted.
  void begin_visit(WorkerScratch& scratch) { scratch_ = &scratch; }
  /// Publishes what was sent in this visit.
  void end_visit(const Window& window, Worker& worker);

  /// Sends everything that may start at or before `until`.
  void advance(std::int64_t until) {
    if (posting_ != nullptr) [[unlikely]]
      return run_events(until, nullptr);
    send_until(until);
  }
  void receive(std::int64_t now, const Packet& packet) {
    if (posting_ != nullptr) [[unlikely]]
      return receive_in_order(now, packet);
    take(now, packet);
  }
  void send(std::int64_t now, const MessageKey& key, EndpointId to, std::uint32_t queue_pair,
            Bytes size, std::uint64_t token);
  /// Handles retransmission timeouts due at or before `now`.
  void on_timer(std::int64_t now);

  /// The cable has failed or come back: what the switch has paused is forgotten.
  void on_link_change(std::int64_t now);
  /// Sends at another rate from now on.
  void set_link_class(std::uint16_t link_class);

  /// Next time at which advance() could send, given that nothing arrives; INT64_MAX = never.
  std::int64_t next_send_ps() const;
  /// Next time at which on_timer() must be called; INT64_MAX = never.
  std::int64_t next_timer_ps() const { return next_timer_ps_; }

  void collect(SimTime end, RunRecords& records) const;
  /// Delivery times, in order, of the messages of one queue pair from `from`; null if none came.
  const std::vector<std::int64_t>* deliveries(EndpointId from, std::uint32_t queue_pair) const;
  std::size_t memory_bytes() const;

 private:
  using FlowKey = std::uint64_t;  // remote endpoint, connection and lane
  static FlowKey flow_key(EndpointId remote, std::uint32_t queue_pair, std::uint32_t lane) {
    return static_cast<std::uint64_t>(lane) << 56 |
           static_cast<std::uint64_t>(remote.value()) << 32 | queue_pair;
  }
  static FlowKey flow_key(const Packet& packet) {
    return flow_key(packet.source(), packet.queue_pair, packet.lane());
  }

  // Messages and connections.
  SendFlow& send_flow(const MessageKey& key, EndpointId to, std::uint32_t queue_pair,
                      std::uint32_t lane);
  void post(std::int64_t now, SendFlow& flow, std::uint32_t packets, std::int64_t size, bool final);
  /// Most packets concern the flow of the one before.
  SendFlow* find_send_flow(const Packet& packet) {
    const FlowKey key = flow_key(packet);
    return key == answered_key_ ? answered_ : look_up_send_flow(key);
  }
  SendFlow* look_up_send_flow(FlowKey key);
  ReceiveFlow& receive_flow(const Packet& packet) {
    const FlowKey key = flow_key(packet);
    if (key != receiving_key_) look_up_receive_flow(key, packet);
    return *receiving_;
  }
  void look_up_receive_flow(FlowKey key, const Packet& packet);
  std::uint32_t add_receive_flow(const Packet& packet);
  void complete_parts(std::int64_t now, SendFlow& flow);
  void complete_part(std::int64_t now, const Packet& packet, ReceiveFlow& flow, bool final);
  void deliver(std::int64_t now, ReceiveConnection& connection);

  void take(std::int64_t now, const Packet& packet) {
    const PacketKind kind = packet.kind();
    if (kind == PacketKind::kData) return on_data(now, packet);
    if (kind == PacketKind::kAck) return on_ack(now, packet);
    take_other(now, packet);
  }
  void take_other(std::int64_t now, const Packet& packet);
  void receive_in_order(std::int64_t now, const Packet& packet);
  void set_deadline(SendFlow& flow, std::int64_t now) {
    flow.deadline_ps = now + flow.rto_ps;
    next_timer_ps_ = std::min(next_timer_ps_, flow.deadline_ps);
    host_timer_ps_ = std::min(host_timer_ps_, flow.deadline_ps);
  }
  void on_data(std::int64_t now, const Packet& packet);
  void on_trimmed(std::int64_t now, const Packet& packet);
  void note_mark(std::int64_t now, const Packet& packet, ReceiveFlow& flow);
  void on_gap(std::int64_t now, const Packet& packet, ReceiveFlow& flow);
  void acknowledge(std::int64_t now, const Packet& packet, ReceiveFlow& flow, PacketKind kind,
                   std::uint32_t psn);
  void on_ack(std::int64_t now, const Packet& packet);
  void tell_ack(std::int64_t now, SendFlow& flow, const Packet& packet, std::int64_t newly,
                std::uint32_t answered_psn);
  static Duration round_trip(std::int64_t now, const SendFlow& flow, std::uint32_t answered_psn);
  void on_pfc(std::int64_t now, const Packet& packet);
  std::int64_t advance_oldest(std::int64_t now, SendFlow& flow, std::uint32_t psn);
  void go_back(std::int64_t now, SendFlow& flow);
  void on_progress(SendFlow& flow) const {
    flow.retries = 0;
    flow.rto_ps = params().rto.ps();
  }
  void time_out(std::int64_t now, SendFlow& flow);
  void give_up(std::int64_t now, SendFlow& flow);

  // Selective repeat.
  void on_data_selective(std::int64_t now, const Packet& packet, ReceiveFlow& flow);
  void on_ack_selective(std::int64_t now, const Packet& packet, SendFlow& flow);
  void repeat_all(std::int64_t now, SendFlow& flow);
  static const MessagePart& part_of(const SendFlow& flow, std::uint32_t psn);

  /// A flow is active while it has data to send and room in its window.
  void update_active(std::int64_t now, SendFlow& flow) {
    if ((has_data(flow) && has_room(flow, now)) != is_active(flow)) toggle_active(now, flow);
  }
  void toggle_active(std::int64_t now, SendFlow& flow);
  bool has_data(const SendFlow& flow) const {
    const bool has_new = flow.next_psn != flow.end_psn;
    if (!selective_) [[likely]]
      return has_new;
    return flow.window->has_lost() ||
           (has_new &&
            flow.next_psn - flow.oldest_psn < static_cast<std::uint32_t>(params().reorder_window));
  }
  bool has_room(const SendFlow& flow, std::int64_t now) const {
    return flow.outstanding() < flow.congestion_control->window(SimTime::ps(now)).count();
  }
  bool is_active(const SendFlow& flow) const {
    return (active(flow.index >> 6) >> (flow.index & 63U) & 1U) != 0;
  }
  /// Bit per flow of 64: has data and window.
  std::uint64_t& active(std::uint32_t word) {
    return word == 0 ? first_active_ : more_active_[word - 1];
  }
  std::uint64_t active(std::uint32_t word) const {
    return word == 0 ? first_active_ : more_active_[word - 1];
  }
  /// Most look-ups ask for the flow that sent last.
  const SendFlow& flow(std::uint32_t index) const {
    return sent_last_ != nullptr && sent_last_->index == index ? *sent_last_ : flows_[index];
  }
  SendFlow& flow(std::uint32_t index) {
    return const_cast<SendFlow&>(std::as_const(*this).flow(index));
  }

  struct Turn {
    std::uint32_t flow = 0;
    std::int64_t at_ps = INT64_MAX;
  };
  /// With order of posting: own events before `before` at `until`, or all up to `until`.
  void run_events(std::int64_t until, const Lineage* before);
  /// Sends if the wire is free, else or if nothing may be sent, arms the wake-up.
  void attempt(std::int64_t now);
  void arm_wake(std::int64_t now);
  void move_wake(std::int64_t now, std::int64_t at_ps);
  std::int64_t next_event_ps() const;

  void send_until(std::int64_t until);
  /// The next active flow, in round-robin order after the last one served, whose pacing allows a
  /// start at `from`; if there is none, the one with the earliest start.
  Turn choose(std::int64_t from) const {
    if (flow_count_ != 1) return choose_among(from);
    return first_active_ == 0 ? Turn() : Turn{0, std::max(from, flow(0).next_send_ps)};
  }
  Turn choose_among(std::int64_t from) const;
  void send_data(SendFlow& flow, std::int64_t start);
  void count_sent(SendFlow& flow, std::uint32_t psn, std::int64_t payload, std::int64_t start);
  bool must_ask(SendFlow& flow, std::int64_t start);
  void send_control(std::int64_t now, PacketKind kind, const Packet& to, std::uint32_t psn,
                    bool echo);
  void send_waiting_control(std::int64_t start);
  void transmit(const Packet& packet, std::int64_t start, IntTicket ticket);
  [[gnu::noinline, gnu::cold]] void write_lineage(Packet& sent, std::int64_t start);
  std::int64_t gap_ps(std::uint32_t wire_bytes, BitRate rate) const {
    return rounded_transmission_ps(wire_bytes, rate, context_.params.wire.clock.ps());
  }
  const TransportParams& params() const { return context_.params.transport; }
  bool paused(std::int64_t priority) const { return (paused_ >> priority & 1U) != 0; }
  bool control_held() const {
    return params().control_obeys_pause && paused(params().control_priority);
  }
  std::int64_t payload_of(const Packet& packet) const { return packet.wire_bytes - data_overhead_; }

  struct PostingState {
    explicit PostingState(std::uint32_t endpoint) : event(endpoint) {}
    PortClock wire;
    std::int64_t wake_ps = INT64_MAX;
    Lineage wake;   // of the event that looks for a packet at wake_ps
    Lineage event;  // the one that happens now
  };

  // What every visit reads comes first, together: four cache lines.
  std::int64_t free_at_ps_ = 0;
  std::int64_t next_timer_ps_ = INT64_MAX;
  OutChain<Packet> out_;
  Chain<Packet> control_;
  std::uint32_t turn_ = 0;  // flow index to look at first
  std::uint8_t paused_ = 0;
  const bool selective_;
  CongestionControlNeeds needs_;
  SendFlow* sent_last_ = nullptr;

  std::uint64_t first_active_ = 0;  // see active()
  WorkerScratch* scratch_ = nullptr;
  NetworkContext& context_;
  const LinkClass& link_;                  // as cabled
  const LinkClass* wire_;                  // as it is now
  std::unique_ptr<PostingState> posting_;  // null: ties are ordered by the model's rules
  NodeFaults& faults_;

  FlowKey answered_key_ = UINT64_MAX, receiving_key_ = UINT64_MAX;
  SendFlow* answered_ = nullptr;      // by answered_key_
  ReceiveFlow* receiving_ = nullptr;  // by receiving_key_
  std::uint64_t packets_ = 0, wire_bytes_ = 0;
  std::int32_t mtu_, data_overhead_;
  std::uint32_t ack_wire_, cnp_wire_;

  std::uint32_t flow_count_ = 0;
  EndpointId endpoint_;
  PortId port_;
  PortId peer_;
  EntityId peer_entity_;
  std::uint32_t number_;  // of the port at its host
  const std::uint32_t lanes_;
  const bool faulty_;  // the host, ever
  NicListener& listener_;
  std::int64_t& host_timer_ps_;
  // Of selective repeat: where the windows were touched last. Only fetched, never read, so one that
  // has grown or gone since does no harm.
  const SentWindow* answered_window_ = nullptr;
  const void* answered_place_ = nullptr;
  const void* arrived_place_ = nullptr;

  std::vector<std::uint64_t> more_active_;
  std::deque<SendFlow> flows_;  // stable addresses
  std::deque<ReceiveFlow> receive_flows_;
  std::deque<SendConnection> connections_;
  std::deque<ReceiveConnection> receive_connections_;
  std::unordered_map<FlowKey, std::uint32_t> send_index_, receive_index_;  // never iterated
  PauseClock pause_clock_;
  std::vector<PauseRecord> pauses_;  // only with record_pauses
  BusyClock busy_;
};

}  // namespace plait
