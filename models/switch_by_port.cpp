// SPDX-License-Identifier: Apache-2.0
// A calm visit (models/switch_calm.cpp): the ports of a switch one by one.
//
// What is faster than on the plain path: the state of a port stays in registers, and a packet that
// leaves in the window in which it came is copied once, from where it arrived to where it goes.
//
// Half of the packets find a busy wire, and whether one does is as good as random: the processor
// foresees it no better than a coin, and a wrong guess costs as much as forty instructions. So most
// of those are treated like the others. A packet that comes at t while the wire is busy until f,
// t <= f, and nothing else waits, is the next to leave if nothing else comes up to and including f,
// and f lies in the window. It is sent at once, to start at f. On the plain path it would join its
// queue at t and leave it at f:
// - no other packet sees the queue meanwhile, so its length counts for the peak only;
// - it leaves an empty queue behind, so it is not marked, and its telemetry says so;
// - the only queue that waits is taken without a look at turns, and its deficit is 0 before and
//   after;
// - the buffer counts it in and out within the visit;
// - no packet that is alone in its queue is trimmed (may_be_calm_).
// A packet that finds the wire free, f < t, meets the same condition: nothing comes up to f.
#include <algorithm>

#include "models/port_bits.hpp"
#include "models/switch.hpp"

namespace plait {

// One egress port during a calm visit. Its queues are the stored ones followed by packets that
// still lie where they arrived, chained by index. Times are in picoseconds since the window's
// begin.
// @tparam kUsual  no priority is paused, and the link is linear.
template <bool kUsual>
class Switch::PortService {
 public:
  using Batch = ArrivalBatch<Packet>;

  PortService(Switch& owner, std::uint32_t out, const Window& window)
      : switch_(owner),
        scratch_(*owner.scratch_),
        batch_(owner.scratch_->batch),
        window_(window),
        port_(owner.ports_[out]),
        queues_(owner.queues_of(out)),
        link_(owner.context_.link_classes[port_.link_class]),
        out_(out),
        open_(~static_cast<unsigned>(port_.paused)),
        late_(scratch_.survey.late) {}

  /// Serves the port up to the end of the window. @param arrivals  of this port; then of the next.
  void serve(Batch::Groups& arrivals) {
    count_lossy(port_.waiting, false);
    Line line(port_, link_, window_.begin_ps, batch_.items());
    Batch::Groups next = arrivals;  // nobody else sees it, so it stays in registers
    const std::int64_t end = window_.end_ps - window_.begin_ps;
    std::int64_t at = next.offset_or(end);
    for (;;) {
      const bool waits = (line.waiting & open()) != 0;
      if (waits && line.free < at) {
        depart(line);
        continue;
      }
      if (at == end) break;
      const std::int64_t now = at;
      const std::uint32_t index = next.index();
      Packet& packet = *line.items[index];
      next.next();
      at = next.offset_or(end);
      if (!waits && leaves_next(line, now, at, packet)) {
        const std::uint32_t waited = line.free < now ? 0 : packet.wire_bytes;
        line.max_queue_bytes = std::max(line.max_queue_bytes, waited);
        send(line, packet, std::max(line.free, now));
      } else {
        wait(line, packet, index);
      }
    }
    arrivals = next;
    close(line);
  }

 private:
  // What nearly every packet changes. No pointer to it leaves serve(), so it stays in registers.
  struct Line {
    Line(EgressPort& port, const LinkClass& link, std::int64_t begin_ps, Packet* const* arrivals)
        : items(arrivals),
          ps_per_byte(link.ps_per_byte()),
          known_low(static_cast<std::uint32_t>(begin_ps + link.latency_ps())),
          free(port.free_at_ps - begin_ps),
          wire_bytes(port.wire_bytes),
          queue_bytes(port.queue_bytes),
          max_queue_bytes(port.max_queue_bytes),
          waiting(port.waiting),
          sent(port.out) {}
    Packet* const* items;  // of the batch
    std::int64_t ps_per_byte;
    std::uint32_t known_low;  // of what starts at the window's begin and has no length
    std::int64_t free;        // the wire is busy until here
    std::uint64_t wire_bytes;
    std::uint32_t queue_bytes, max_queue_bytes;
    std::uint32_t packets = 0;  // sent
    unsigned waiting;
    unsigned late = 0;  // bit: packets of this priority wait where they arrived
    ChainWriter<Packet> sent;
  };

  // Whether the packet that arrives now is sent without joining a queue. Nothing else waits, or may
  // leave. @param next  when something else arrives, or the window ends.
  [[gnu::always_inline]] bool leaves_next(const Line& line, std::int64_t now, std::int64_t next,
                                          const Packet& packet) const {
    if (kUsual) return line.free < next;
    return line.free < now && (open_ >> packet.priority() & 1U) != 0;
  }
  [[gnu::always_inline]] void wait(Line& line, Packet& packet, std::uint32_t index) {
    if (switch_.trims_) [[unlikely]]
      trim(packet);
    const std::uint32_t priority = packet.priority();
    queues_[priority].bytes += packet.wire_bytes;
    line.queue_bytes += packet.wire_bytes;
    line.max_queue_bytes = std::max(line.max_queue_bytes, line.queue_bytes);
    late_.push(priority, index);
    line.late |= 1U << priority;
    line.waiting |= 1U << priority;
  }
  [[gnu::noinline, gnu::cold]] void trim(Packet& packet) {
    if (!switch_.is_above_trimming(packet, queues_[packet.priority()].bytes)) return;
    switch_.cut(packet);
    ++switch_.statistics_[out_].trims;
  }

  const Packet& front(std::uint32_t queue) const {
    Chain<Packet>& stored = queues_[queue].packets;
    return stored.empty() ? batch_.item(late_.front(queue)) : stored.front();
  }
  [[gnu::always_inline]] void depart(Line& line) {
    const auto number = static_cast<std::uint32_t>(switch_.scheduler_.pick(
        port_, line.waiting & open(), queues_, [this](unsigned q) { return front(q).wire_bytes; }));
    EgressQueue& queue = queues_[number];
    if (queue.packets.empty()) {
      depart_late(line, number, queue);
    } else {
      depart_stored(line, number, queue);
    }
  }
  [[gnu::always_inline]] void depart_stored(Line& line, std::uint32_t number, EgressQueue& queue) {
    Packet& packet = queue.packets.front();
    if (number != kPfcQueue) [[likely]]
      take_out(line, queue, packet);
    send(line, packet, line.free);
    if (switch_.buffer_.lossless(number))
      switch_.buffer_.leave_quiet(packet.arrival, number, packet.wire_bytes);
    queue.packets.pop(scratch_.pool);
    if (queue.packets.empty() && (line.late >> number & 1U) == 0) idle(line, number, queue);
  }
  [[gnu::always_inline]] void depart_late(Line& line, std::uint32_t number, EgressQueue& queue) {
    Packet& packet = *line.items[late_.front(number)];
    take_out(line, queue, packet);
    send(line, packet, line.free);
    if (late_.pop(number)) return;
    line.late &= ~(1U << number);
    idle(line, number, queue);
  }
  [[gnu::always_inline]] void take_out(Line& line, EgressQueue& queue, Packet& packet) {
    queue.bytes -= packet.wire_bytes;
    line.queue_bytes -= packet.wire_bytes;
    if (queue.bytes > switch_.least_marked_) switch_.mark(port_, out_, queue.bytes, packet);
  }
  [[gnu::always_inline]] static void idle(Line& line, std::uint32_t number, EgressQueue& queue) {
    queue.deficit = 0;  // an idle queue saves nothing up
    line.waiting &= ~(1U << number);
  }

  [[gnu::always_inline]] void send(Line& line, const Packet& packet, std::int64_t start) {
    const std::uint32_t bytes = packet.wire_bytes;
    const std::int64_t end =
        start + (kUsual ? line.ps_per_byte * bytes : link_.serialisation_ps(bytes));
    Packet& sent = line.sent.append(scratch_.pool, packet);
    sent.arrival = kUsual
                       ? line.known_low + static_cast<std::uint32_t>(end)
                       : static_cast<std::uint32_t>(window_.begin_ps + link_.known_ps(start, end));
    line.free = end;
    if (switch_.telemetry_) [[unlikely]] {
      port_.wire_bytes = line.wire_bytes;
      port_.queue_bytes = line.queue_bytes;
      switch_.stamp(port_, packet, sent, window_.begin_ps + start);
    }
    ++line.packets;
    line.wire_bytes += bytes;
  }
  unsigned open() const { return kUsual ? ~0U : open_; }

  // What still waits joins the stored queues, and the port's state goes back to its place.
  [[gnu::always_inline]] void close(Line& line) {
    scratch_.packet_hops += line.packets;
    port_.packets += line.packets;
    port_.free_at_ps = window_.begin_ps + line.free;
    port_.wire_bytes = line.wire_bytes;
    port_.queue_bytes = line.queue_bytes;
    port_.max_queue_bytes = line.max_queue_bytes;
    port_.waiting = static_cast<std::uint16_t>(line.waiting);
    line.sent.finish();
    for (unsigned late = line.late; late != 0; late &= late - 1)
      store(static_cast<std::uint32_t>(__builtin_ctz(late)));
    count_lossy(line.waiting, true);
  }
  void store(std::uint32_t priority) {
    do {
      const std::uint32_t index = late_.front(priority);
      const Packet& packet = batch_.item(index);
      const std::uint32_t in = batch_.channel(index);
      Packet& stored = queues_[priority].packets.append(scratch_.pool, packet);
      stored.arrival = in;
      if (switch_.telemetry_)
        switch_.context_.annex.ticket(stored) = switch_.context_.annex.take_ticket(packet);
      if (switch_.buffer_.lossless(priority))
        switch_.buffer_.enter_quiet(in, priority, packet.wire_bytes);
    } while (late_.pop(priority));
  }

  // Lossy queues are counted by their length: out of S at the begin, into it at the end.
  void count_lossy(unsigned waiting, bool in) {
    for (unsigned bits = waiting & switch_.buffer_.lossy(); bits != 0; bits &= bits - 1) {
      const auto q = static_cast<std::uint32_t>(__builtin_ctz(bits));
      switch_.buffer_.resize_lossy(in ? 0 : queues_[q].bytes, in ? queues_[q].bytes : 0);
    }
  }

  Switch& switch_;
  WorkerScratch& scratch_;
  ArrivalBatch<Packet>& batch_;
  const Window& window_;
  EgressPort& port_;
  EgressQueues queues_;
  const LinkClass& link_;
  std::uint32_t out_;
  unsigned open_;
  WaitingArrivals& late_;
};

void Switch::serve_by_port(const Window& window, Worker& worker) {
  constexpr unsigned kLinesPerPort = 6;
  ++scratch_->calm_visits;
  ArrivalBatch<Packet>& batch = scratch_->batch;
  scratch_->survey.late.reserve(batch.size());
  batch.sort_by_group(port_count_);
  for (auto arrivals = batch.groups(); arrivals.any();) {
    worker.ahead().step(kLinesPerPort);
    const std::uint32_t out = arrivals.open();
    const bool is_linear = context_.link_classes[ports_[out].link_class].is_linear();
    if (is_linear && ports_[out].paused == 0) {
      PortService<true>(*this, out, window).serve(arrivals);
    } else {
      PortService<false>(*this, out, window).serve(arrivals);
    }
    if (ports_[out].waiting != 0) {
      set_bit(waiting_ports_, out);
    } else {
      clear_bit(waiting_ports_, out);
    }
    if (!ports_[out].out.empty()) publish(window, worker, out);
  }
}

}  // namespace plait
