// SPDX-License-Identifier: Apache-2.0
// The fast path of a visit: port by port instead of in order of arrival.
//
// Why it gives the same bytes. Ports meet only in the shared buffer, and the buffer acts on them
// only by a drop, a trim, a pause or a resume. is_calm() proves that none of these can happen in
// this visit, whatever leaves meanwhile:
// - No ingress is paused, so nothing can be resumed; no pause frame arrives, so `paused` of the
//   ports is constant; faults, losses, the watchdog and ties by order of posting are excluded.
// - At any arrival an ingress holds at most what it held before the visit and all that arrives
//   there in it, and S has grown by at most all arrivals. If even these bounds let a packet in
//   without a pause, so does the true state, because the rules are monotone in both
//   (SharedBuffer::stays_quiet). The same for lossy queues and port limits with what arrives for an
//   egress port. Mostly there is room for all arrivals behind any one ingress and for any one
//   egress port; then nobody has to know how they are spread (has_room_for_all).
// - Trimming above the threshold looks at the packet's own egress port and leaves less than these
//   bounds count, so the port decides it for itself (only lossy packets are trimmed, and those are
//   never paused); but not where loads have been drawn with the whole packet.
// - All routes are known before the first departure, those by load too (models/switch_routes.cpp).
// Then each port alone sees its arrivals and departures in the same order as on the plain path, and
// the buffer's counters at the end of the visit do not depend on the order of entering and leaving
// (S is a function of the counters). Random draws are numbered per port.
//
// What it saves: a port's state stays in registers, and a packet that leaves in the window in which
// it came is copied once, from where it arrived to where it goes.
#include <algorithm>
#include <array>

#include "models/port_bits.hpp"
#include "models/switch.hpp"

namespace plait {

// One egress port during such a visit. Its queues are the stored ones followed by packets that
// still lie where they arrived, chained by index.
class Switch::PortService {
 public:
  using Batch = ArrivalBatch<Packet>;

  PortService(Switch& owner, std::uint32_t out)
      : switch_(owner),
        scratch_(*owner.scratch_),
        batch_(owner.scratch_->batch),
        port_(owner.ports_[out]),
        queues_(owner.queues_of(out)),
        link_(owner.context_.link_classes[port_.link_class]),
        out_(out),
        telemetry_(owner.telemetry_),
        free_ps_(port_.free_at_ps),
        wire_bytes_(port_.wire_bytes),
        queue_bytes_(port_.queue_bytes),
        max_queue_bytes_(port_.max_queue_bytes),
        waiting_(port_.waiting),
        open_(~static_cast<unsigned>(port_.paused)),
        sent_(port_.out) {
    count_lossy(false);
  }

  /// Serves the port up to the end of the window. @param arrivals  of this port; then of the next.
  void serve(Batch::Groups& arrivals, const Window& window) {
    const std::int64_t begin_ps = window.begin_ps;
    Batch::Groups next = arrivals;  // nobody else sees it, so it stays in registers
    for (; next.more(); next.next()) {
      const std::int64_t now = begin_ps + next.offset();
      depart_before(now);
      arrive(now, next.index());
    }
    arrivals = next;
    depart_before(window.end_ps);
  }

  /// What still waits joins the stored queues, the port's state goes back to its place, and what
  /// was sent is published.
  void close(const Window& window, Worker& worker) {
    scratch_.packet_hops += packets_;
    port_.packets += packets_;
    for (unsigned late = late_; late != 0; late &= late - 1)
      store(static_cast<std::uint32_t>(__builtin_ctz(late)));
    write_back();
    if (waiting_ != 0) {
      set_bit(switch_.waiting_ports_, out_);
    } else {
      clear_bit(switch_.waiting_ports_, out_);
    }
    if (!port_.out.empty()) switch_.publish(window, worker, out_);
    count_lossy(true);
  }

 private:
  // Departures before `now` are done, so if the wire is free, nothing that waits may leave.
  [[gnu::always_inline]] void arrive(std::int64_t now, std::uint32_t index) {
    Packet& packet = batch_.item(index);
    std::uint32_t priority = packet.priority();
    if (free_ps_ < now) {
      if ((open_ >> priority & 1U) != 0) return send(packet, now);
      free_ps_ = now;
    }
    if (switch_.trims_ && switch_.is_above_trimming(packet, queues_[priority].bytes)) [[unlikely]] {
      switch_.cut(packet);
      ++switch_.statistics_[out_].trims;
      priority = packet.priority();
    }
    queues_[priority].bytes += packet.wire_bytes;
    queue_bytes_ += packet.wire_bytes;
    max_queue_bytes_ = std::max(max_queue_bytes_, queue_bytes_);
    chain(priority, index);
    waiting_ |= 1U << priority;
  }
  void chain(std::uint32_t priority, std::uint32_t index) {
    if ((late_ >> priority & 1U) == 0) {
      late_ |= 1U << priority;
      first_[priority] = index;
    } else {
      scratch_.survey.next[last_[priority]] = index;
    }
    last_[priority] = index;
  }
  const Packet& front(std::uint32_t queue) const {
    Chain<Packet>& stored = queues_[queue].packets;
    return stored.empty() ? batch_.item(first_[queue]) : stored.front();
  }

  [[gnu::always_inline]] void depart_before(std::int64_t now) {
    while (free_ps_ < now && (waiting_ & open_) != 0) depart();
  }
  [[gnu::always_inline]] void depart() {
    const auto number = static_cast<std::uint32_t>(switch_.scheduler_.pick(
        port_, waiting_ & open_, queues_, [this](unsigned q) { return front(q).wire_bytes; }));
    EgressQueue& queue = queues_[number];
    if (queue.packets.empty()) {
      depart_late(number, queue);
    } else {
      depart_stored(number, queue);
    }
  }
  void depart_stored(std::uint32_t number, EgressQueue& queue) {
    Packet& packet = queue.packets.front();
    if (number != kPfcQueue) [[likely]]
      take_out(queue, packet);
    send(packet, free_ps_);
    if (switch_.buffer_.lossless(number))
      switch_.buffer_.leave_quiet(packet.arrival, number, packet.wire_bytes);
    queue.packets.pop(scratch_.pool);
    if (queue.packets.empty() && (late_ >> number & 1U) == 0) idle(number, queue);
  }
  void depart_late(std::uint32_t number, EgressQueue& queue) {
    const std::uint32_t index = first_[number];
    Packet& packet = batch_.item(index);
    take_out(queue, packet);
    send(packet, free_ps_);
    if (index != last_[number]) {
      first_[number] = scratch_.survey.next[index];
      return;
    }
    late_ &= ~(1U << number);
    idle(number, queue);
  }
  void take_out(EgressQueue& queue, Packet& packet) {
    queue.bytes -= packet.wire_bytes;
    queue_bytes_ -= packet.wire_bytes;
    if (queue.bytes > switch_.least_marked_) switch_.mark(port_, out_, queue.bytes, packet);
  }
  void idle(std::uint32_t number, EgressQueue& queue) {
    queue.deficit = 0;  // an idle queue saves nothing up
    waiting_ &= ~(1U << number);
  }

  [[gnu::always_inline]] void send(const Packet& packet, std::int64_t start) {
    const std::int64_t end = start + link_.serialisation_ps(packet.wire_bytes);
    const std::int64_t known = link_.known_ps(start, end);
    Packet& sent = sent_.append(scratch_.pool, packet);
    sent.arrival = static_cast<std::uint32_t>(known);
    free_ps_ = end;
    if (telemetry_) [[unlikely]] {
      port_.wire_bytes = wire_bytes_;
      port_.queue_bytes = queue_bytes_;
      switch_.stamp(port_, packet, sent, start);
    }
    ++packets_;
    wire_bytes_ += packet.wire_bytes;
  }

  void store(std::uint32_t priority) {
    for (std::uint32_t index = first_[priority];; index = scratch_.survey.next[index]) {
      const Packet& packet = batch_.item(index);
      const std::uint32_t in = batch_.channel(index);
      Packet& stored = queues_[priority].packets.append(scratch_.pool, packet);
      stored.arrival = in;
      if (telemetry_)
        switch_.context_.annex.ticket(stored) = switch_.context_.annex.take_ticket(packet);
      if (switch_.buffer_.lossless(priority))
        switch_.buffer_.enter_quiet(in, priority, packet.wire_bytes);
      if (index == last_[priority]) return;
    }
  }

  void write_back() {
    port_.free_at_ps = free_ps_;
    port_.wire_bytes = wire_bytes_;
    port_.queue_bytes = queue_bytes_;
    port_.max_queue_bytes = max_queue_bytes_;
    port_.waiting = static_cast<std::uint16_t>(waiting_);
    port_.out = sent_.finish();
  }

  // Lossy queues are counted by their length: out of S at the begin, into it at the end.
  void count_lossy(bool in) {
    for (unsigned bits = waiting_ & switch_.buffer_.lossy(); bits != 0; bits &= bits - 1) {
      const auto q = static_cast<std::uint32_t>(__builtin_ctz(bits));
      switch_.buffer_.resize_lossy(in ? 0 : queues_[q].bytes, in ? queues_[q].bytes : 0);
    }
  }

  Switch& switch_;
  WorkerScratch& scratch_;
  ArrivalBatch<Packet>& batch_;
  EgressPort& port_;
  EgressQueues queues_;
  const LinkClass& link_;
  std::uint32_t out_;
  bool telemetry_;
  std::uint32_t packets_ = 0;  // sent
  std::int64_t free_ps_;
  std::uint64_t wire_bytes_;
  std::uint32_t queue_bytes_, max_queue_bytes_;
  unsigned waiting_, open_;  // bit by priority: has packets; is not paused
  unsigned late_ = 0;        // bit: packets of this priority wait where they arrived
  ChainWriter<Packet> sent_;
  std::array<std::uint32_t, kPriorities> first_, last_;  // by priority, where `late_` says
};

// Leaves the routes of a calm visit in the batch's groups.
bool Switch::is_calm(const Window& window) {
  constexpr std::size_t kFew = 8;  // arrivals for which the plain path is as fast
  const SwitchScratch& survey = scratch_->survey;
  const ArrivalBatch<Packet>& batch = scratch_->batch;
  if (!may_be_calm_ || survey.odd || batch.size() < kFew || buffer_.paused_count() != 0 ||
      !batch.fits_groups(port_count_))
    return false;
  const bool room_for_all = has_room_for_all();
  if (!room_for_all && !ingresses_stay_quiet()) return false;
  if (!routes_known_ && !draw_routes(window)) return false;
  if (room_for_all || egresses_stay_quiet()) return true;
  take_back_routes();
  return false;
}

// Whether all arrivals could come through any one port and go to any one.
bool Switch::has_room_for_all() const {
  const std::int64_t bytes = scratch_->survey.bytes;
  return buffer_.most_held() + bytes <= most_queued_ && buffer_.all_stay_quiet(bytes);
}

bool Switch::ingresses_stay_quiet() const {
  SwitchScratch& survey = scratch_->survey;
  const ArrivalBatch<Packet>& batch = scratch_->batch;
  std::vector<std::int64_t>& from = survey.by_port;
  from.assign(port_count_, 0);
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    const Packet& packet = batch.item(i);
    if (buffer_.lossless(packet.priority())) from[batch.channel(i)] += packet.wire_bytes;
  }
  for (std::uint32_t p = 0; p < port_count_; ++p)
    if (from[p] != 0 && !buffer_.stays_quiet(p, from[p], survey.bytes)) return false;
  return true;
}

bool Switch::egresses_stay_quiet() const {
  SwitchScratch& survey = scratch_->survey;
  const ArrivalBatch<Packet>& batch = scratch_->batch;
  std::vector<std::int64_t>& to = survey.by_port;
  to.assign(port_count_, 0);
  for (std::uint32_t i = 0; i < batch.size(); ++i) to[batch.group(i)] += batch.item(i).wire_bytes;
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    if (to[p] == 0) continue;
    // All queues of the port together bound each of them.
    const std::int64_t queued = ports_[p].queue_bytes + to[p];
    if (queued > most_queued_ || !buffer_.lossy_stays_below(queued, survey.bytes)) return false;
  }
  return true;
}

void Switch::serve_by_port(const Window& window, Worker& worker) {
  constexpr unsigned kLinesPerPort = 6;
  ++scratch_->calm_visits;
  ArrivalBatch<Packet>& batch = scratch_->batch;
  std::vector<std::uint32_t>& next = scratch_->survey.next;
  if (next.size() < batch.size()) next.resize(2 * batch.size());
  batch.sort_by_group(port_count_);
  for (auto arrivals = batch.groups(); arrivals.any();) {
    worker.ahead().step(kLinesPerPort);
    PortService port(*this, arrivals.open());
    port.serve(arrivals, window);
    port.close(window, worker);
  }
}

}  // namespace plait
