// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file switch.hpp
/// Output-queued, shared-buffer, store-and-forward switch: dynamic-threshold admission, PFC with
/// headroom and watchdog, RED-style ECN marking at dequeue, packet trimming, strict and
/// deficit-round-robin scheduling, ECMP by flow hash. Equations, tie rules and deviations:
/// docs/models/switch.md. By topic: switch.cpp way of a packet, switch_routes.cpp its egress port,
/// switch_calm.cpp and switch_by_port.cpp the fast path, switch_admission.cpp memory and trimming,
/// switch_pfc.cpp pause frames and watchdog, switch_setup.cpp before and after the run.
///
/// How a visit keeps exact order without a queue of events: arrivals are taken in order of time,
/// and a port's departures are caught up lazily, when an arrival for that port (or the end of the
/// window) comes. Ports meet only in the shared buffer. As long as SharedBuffer::surely_quiet()
/// holds no decision can depend on departures of other ports; when it does not, all ports are first
/// caught up in order of time, and while any ingress is paused this is done at every arrival. Rules
/// that look at the egress port of the arrival only (port limits, the trimming threshold) need no
/// more, because that port is caught up before. The watchdog acts at its own times, before the
/// arrivals of that time, and has all ports caught up first.
///
/// Tie rules, as an event list in order of posting gives them (an arrival is posted when its
/// transmission starts, long before the departure it meets): arrivals at t are taken by (port,
/// sequence) and come before the departures at t, except that a packet for an idle port leaves at
/// once; departures of different ports at t by port number.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/ecn_rules.hpp"
#include "models/egress_port.hpp"
#include "models/load_balancer.hpp"
#include "models/loss.hpp"
#include "models/network_context.hpp"
#include "models/node_faults.hpp"
#include "models/pfc_watchdog.hpp"
#include "models/shared_buffer.hpp"
#include "sim/fingerprint.hpp"
#include "sim/window_engine.hpp"

namespace plait {

class alignas(FetchQueue::kLine) Switch final : public Entity {
 public:
  /// @param context must outlive the switch.
  Switch(NodeId node, NetworkContext& context);

  std::int64_t visit(const Window& window, Worker& worker) override;
  void prepare(const Window& window, unsigned visits_before, FetchQueue& ahead) const override;

  /// Only before the run.
  void pin(const PinnedPath& path, std::uint16_t port) {
    pins_ = true;
    pinned_.add(path, port);
  }

  std::uint64_t fingerprint() const { return fingerprint_.combine(EntityId(node_.index())); }
  /// Adds this switch's figures; paused time counts up to `end`.
  void collect(SimTime end, RunRecords& records) const;
  /// Frames lost by chance on links that lead here.
  std::uint64_t lost() const { return loss_.lost(); }
  const NodeFaults& faults() const { return faults_; }
  std::size_t memory_bytes() const;

  // State between windows, for models/pause_graph.hpp and reports.
  const SharedBuffer& buffer() const { return buffer_; }
  /// Bit set of the priorities that the peer of `port` has paused.
  std::uint8_t paused_priorities(std::uint32_t port) const { return ports_[port].paused; }
  /// @pre that priority is paused.
  SimTime paused_since(std::uint32_t port, std::uint32_t priority) const {
    return SimTime::ps(paused_since_[port * kPriorities + priority]);
  }
  /// The port on which `packet` always leaves; kVaries if that depends on more than the packet.
  static constexpr std::uint32_t kVaries = UINT32_MAX;
  std::uint32_t fixed_port(const Packet& packet) const;
  /// Visits the packets of one egress queue.
  template <class Visit>
  void for_each_waiting(std::uint32_t port, std::uint32_t priority, Visit&& visit) const {
    queues_[priority * port_count_ + port].packets.for_each(visit);
  }

 private:
  // models/switch_calm.cpp
  bool is_calm(const Window& window);
  bool has_room_for_all() const;
  bool ingresses_stay_quiet() const;
  bool egresses_stay_quiet() const;

  // models/switch_by_port.cpp
  template <bool kUsual>
  class PortService;
  void serve_by_port(const Window& window, Worker& worker);

  // models/switch_routes.cpp
  void gather(const Window& window, FetchQueue& ahead);
  bool draw_routes(const Window& window);
  void take_back_routes();
  bool note_loads();
  void draw_in_turn(const Window& window);
  void draw_by_load(const Window& window);
  template <class Choose, class Note>
  void draw_each(const Window& window, Choose&& choose, Note&& note);
  /// Egress port, or kNoRoute.
  std::uint32_t route(std::int64_t now, const Packet& packet);
  std::uint32_t balance(std::int64_t now, const Packet& packet,
                        std::span<const std::uint16_t> hops);
  std::uint32_t choose(std::int64_t now, const Packet& packet, std::span<const std::uint16_t> hops);
  std::int64_t load(std::int64_t now, std::uint32_t out, std::uint32_t priority);

  void serve_in_order(const Window& window, FetchQueue& ahead);
  void arrive(std::int64_t now, std::uint32_t in, Packet& packet, std::uint32_t out);
  void enqueue(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet);
  bool admit(std::int64_t now, std::uint32_t in, std::uint32_t out, const Packet& packet);
  bool admit_or_trim(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet);
  bool may_trim(const Packet& packet) const;
  bool is_above_trimming(const Packet& packet, std::uint32_t queue_bytes) const;
  bool trim(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet);
  void cut(Packet& packet) const;
  void pause_frame(std::int64_t now, std::uint32_t in, const Packet& packet);

  struct Departure {
    std::int64_t at_ps = INT64_MAX;
    std::uint32_t out = 0;
  };
  /// The next one of any port.
  Departure earliest() const;
  /// With order of posting: catches up all that comes before the event `packet` at `now`.
  void catch_up_before(std::int64_t now, const Packet& packet);
  bool is_idle(std::uint32_t out, std::int64_t now) const {
    return ports_[out].free_at_ps < now ||
           (posting_ != nullptr && posting_->ports[out].ends_before(now, posting_->event));
  }

  /// Catches up departures of one port that start at or before `until`.
  void serve(std::uint32_t out, std::int64_t until);
  /// Catches up all ports in order of time.
  void serve_all(std::int64_t until);
  void serve_waiting(std::int64_t until);
  void depart(std::uint32_t out, int queue, std::int64_t start);
  void transmit(EgressPort& port, std::uint32_t out, const Packet& packet, std::int64_t start);
  void write_annex(std::uint32_t out, const Packet& packet, Packet& sent, std::int64_t start);
  void stamp(const EgressPort& port, const Packet& packet, Packet& sent, std::int64_t now) const;
  void drop_ticket(const Packet& packet) const;
  void mark(EgressPort& port, std::uint32_t out, std::uint32_t queue_bytes, Packet& packet);
  void send_pfc(PacketKind kind, std::uint32_t port, std::uint32_t priority, std::int64_t now);

  void release(std::int64_t now, std::uint32_t out, std::uint8_t bit);
  /// Takes all steps of the watchdog due at or before `until`, each after what came before it.
  void run_watchdog(std::int64_t until);
  void on_stuck(std::int64_t now, std::uint32_t out, std::uint32_t priority);
  void drop_queue(std::int64_t now, std::uint32_t out, std::uint32_t priority);
  bool lost_on_arrival(std::uint32_t in, const Packet& packet);
  void apply_faults(std::int64_t until);
  void on_fault(std::int64_t now, const FaultStep& step);
  void on_link_change(std::int64_t now, std::uint32_t port, bool up);
  void flush();

  const MarkThresholds& marking(const EgressPort& port, std::uint32_t priority) const {
    return context_.mark_thresholds[std::size_t{port.cabled_class} * kPriorities + priority];
  }
  void run_interrupts(std::int64_t until);
  void publish(const Window& window, Worker& worker, std::uint32_t out) {
    context_.channels.publish(window.parity, ports_[out].channel, ports_[out].out);
    worker.activate(peers_[out]);
  }
  std::int64_t next_departure() const;

  // Tags of the counters of random draws, so that no two purposes share a number; the load balancer
  // has 3 and 4.
  static constexpr std::uint64_t kMarkPurpose = 1, kLossPurpose = 2;
  static constexpr std::uint32_t kNoRoute = UINT32_MAX;
  static constexpr std::uint32_t kDrawn = UINT32_MAX - 1;  // one of several, not known yet

  EgressQueues queues_of(std::uint32_t port) { return {&queues_[port], port_count_}; }

  struct PostingState {
    std::vector<PortClock> ports;
    Lineage event;  // the one that happens now
  };

  // What nearly every visit reads comes first, together: nine cache lines that are fetched ahead,
  // of which the first three lead to the rest.
  NetworkContext& context_;
  NodeId node_;
  std::uint32_t first_port_;
  std::uint32_t port_count_;
  std::uint32_t least_marked_ = UINT32_MAX;  // no shorter queue is marked in any port
  bool telemetry_;
  bool trims_;
  bool plain_wire_;                // no faults, no annex
  bool plain_admission_;           // SharedBuffer::surely_quiet() alone lets a lossless packet in
  bool routes_known_ = false;      // of the visit's arrivals, as their groups
  bool may_be_calm_ = false;       // nothing of the configuration forbids it
  bool interrupted_;               // by faults or by the watchdog
  bool loses_;                     // frames that arrive, by chance
  bool pins_ = false;              // some routes are pinned
  bool draws_apart_;               // packets without a choice do not matter to one
  std::uint8_t usual_priorities_;  // of packets; bit by priority
  std::vector<EgressPort> ports_;
  std::vector<EgressQueue> queues_;           // see queues_of()
  std::vector<std::uint64_t> waiting_ports_;  // bit: some queue is not empty
  std::vector<std::uint64_t> written_ports_;  // bit: `out` is not empty
  std::vector<EntityId> peers_;               // by port
  SharedBuffer buffer_;
  WorkerScratch* scratch_ = nullptr;       // of the visit under way
  std::unique_ptr<PostingState> posting_;  // null: ties are ordered by the model's rules
  std::int64_t most_queued_;               // no port may have more in a calm visit
  SetFingerprint fingerprint_;
  std::uint64_t seed_;
  EgressScheduler scheduler_;
  LoadBalancer balancer_;

  PfcWatchdog watchdog_;
  NodeFaults faults_;
  LinkLoss loss_;
  PinnedRoutes pinned_;
  std::int64_t lossy_port_limit_;
  std::uint32_t trimmed_wire_;   // bytes of a trimmed packet
  std::int64_t trim_threshold_;  // INT64_MAX: only what would be dropped
  std::vector<PortStatistics> statistics_;
  std::vector<std::int64_t> paused_since_;  // by port and priority; empty until the first pause
  std::vector<PauseRecord> pauses_;         // only with record_pauses
};

}  // namespace plait
