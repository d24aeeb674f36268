// SPDX-License-Identifier: Apache-2.0
#include "models/switch.hpp"

#include <algorithm>

#include "models/port_bits.hpp"
#include "sim/hash.hpp"

namespace plait {

std::int64_t Switch::visit(const Window& window, Worker& worker) {
  scratch_ = &context_.scratch[worker.index()];
  routes_known_ = balancer_.is_ecmp() && !pins_ && !interrupted_;
  ArrivalBatch<Packet>& batch = scratch_->batch;
  gather(window, worker.ahead());
  scratch_->events += batch.size();
  worker.count(batch.size());
  if (is_calm(window)) {
    serve_by_port(window, worker);
  } else {
    serve_in_order(window, worker.ahead());
  }
  if (interrupted_) run_interrupts(window.end_ps - 1);
  serve_waiting(window.end_ps - 1);
  batch.release(scratch_->pool);
  for_each_bit(written_ports_, [&](std::uint32_t out) { publish(window, worker, out); });
  std::fill(written_ports_.begin(), written_ports_.end(), 0);
  const std::int64_t next = std::min(batch.next_arrival_ps(), next_departure());
  return interrupted_ ? std::min({next, watchdog_.due_ps(), faults_.wish_ps()}) : next;
}

void Switch::prepare(const Window& window, unsigned visits_before, FetchQueue& ahead) const {
  if (visits_before > 1) {
    context_.channels.name_slots(window.parity, first_port_, port_count_, ahead);
    ahead.add(ports_.data(), port_count_ * sizeof(EgressPort));
    for (unsigned bits = usual_priorities_; bits != 0; bits &= bits - 1) {
      const auto priority = static_cast<std::uint32_t>(__builtin_ctz(bits));
      ahead.add(&queues_[priority * port_count_], port_count_ * sizeof(EgressQueue));
      buffer_.name_ingresses(priority, ahead);
    }
    const auto routes = context_.routes.blocks(node_);
    ahead.add(routes.data(), routes.size_bytes());
    ahead.add(waiting_ports_.data());
    ahead.add(written_ports_.data());
    ahead.add(peers_.data(), port_count_ * sizeof(EntityId));
    const char* const first = reinterpret_cast<const char*>(this) + kFirstBytes;
    const char* const cold = reinterpret_cast<const char*>(&watchdog_);
    ahead.add(first, static_cast<std::size_t>(cold - first));
    return;
  }
  for (std::uint32_t p = 0; p < port_count_; ++p)
    context_.channels.name_items(window.parity, first_port_ + p, ahead);
  for_each_bit(waiting_ports_, [&](std::uint32_t p) {
    for (unsigned bits = ports_[p].waiting; bits != 0; bits &= bits - 1)
      queues_[__builtin_ctz(bits) * port_count_ + p].packets.name_ends(ahead);
  });
}

// The plain path.
void Switch::serve_in_order(const Window& window, FetchQueue& ahead) {
  constexpr unsigned kLinesPerArrival = 2;
  ArrivalBatch<Packet>& batch = scratch_->batch;
  batch.sort();
  if (posting_)
    batch.order_ties([this](const Packet& a, const Packet& b) {
      return context_.annex.lineage(a) < context_.annex.lineage(b);
    });
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ahead.step(kLinesPerArrival);
    const auto arrival = batch[i];
    const std::int64_t now = window.begin_ps + arrival.offset;
    if (interrupted_) run_interrupts(now);
    arrive(now, arrival.channel, *arrival.item, batch.group(batch.index(i)));
    if (telemetry_) drop_ticket(*arrival.item);  // if it still has one, it is lost
  }
}

// What happens to the switch by itself, up to and including `until`.
void Switch::run_interrupts(std::int64_t until) {
  if (faults_.next_ps() <= until) apply_faults(until);
  if (watchdog_.due_ps() <= until) run_watchdog(until);
}

// `out` is the egress port, if routes are known.
void Switch::arrive(std::int64_t now, std::uint32_t in, Packet& packet, std::uint32_t out) {
  if (packet.is_pfc()) [[unlikely]]
    return pause_frame(now, in, packet);
  if (loses_ && lost_on_arrival(in, packet)) [[unlikely]]
    return;
  if (!routes_known_) [[unlikely]]
    out = route(now, packet);
  if (out == kNoRoute) [[unlikely]]
    return faults_.count_unroutable();
  EgressPort& port = ports_[out];
  const std::uint32_t priority = packet.priority();
  if (interrupted_ && watchdog_.dropping() && watchdog_.drops(out, priority)) [[unlikely]] {
    ++statistics_[out].watchdog_drops;
    return;
  }
  if (posting_ != nullptr) [[unlikely]] {
    catch_up_before(now, packet);
  } else if (buffer_.paused_count() != 0 || context_.params.plain_paths) [[unlikely]] {
    serve_all(now - 1);
  } else if (port.waiting != 0) {
    serve(out, now - 1);
  }
  // A packet for an idle port leaves at once. It would be counted in the buffer for no time, so it
  // is not counted; it must not have been able to cause a pause or a drop in that instant.
  if (is_idle(out, now) && port.waiting == 0 && (port.paused >> priority & 1U) == 0 &&
      (!buffer_.lossless(priority) || buffer_.surely_quiet(in, priority, packet.wire_bytes))) {
    return transmit(port, out, packet, now);
  }
  enqueue(now, in, out, packet);
}

void Switch::serve(std::uint32_t out, std::int64_t until) {
  EgressPort& port = ports_[out];
  while (port.free_at_ps <= until) {
    const int queue = scheduler_.pick(port, queues_of(out));
    if (queue < 0) return;
    depart(out, queue, port.free_at_ps);
  }
}

void Switch::serve_all(std::int64_t until) {
  for (;;) {
    const Departure next = earliest();
    if (next.at_ps > until) return;
    if (posting_ != nullptr) posting_->event = posting_->ports[next.out].ends;
    depart(next.out, scheduler_.pick(ports_[next.out], queues_of(next.out)), next.at_ps);
  }
}

Switch::Departure Switch::earliest() const {
  Departure first;
  for_each_bit(waiting_ports_, [&](std::uint32_t p) {
    const EgressPort& port = ports_[p];
    if ((port.waiting & ~static_cast<unsigned>(port.paused)) == 0) return;
    if (port.free_at_ps < first.at_ps ||
        (posting_ != nullptr && port.free_at_ps == first.at_ps &&
         posting_->ports[p].ends < posting_->ports[first.out].ends))
      first = {port.free_at_ps, p};
  });
  return first;
}

void Switch::catch_up_before(std::int64_t now, const Packet& packet) {
  const Lineage& event = context_.annex.lineage(packet);
  for (;;) {
    const Departure next = earliest();
    if (next.at_ps > now) break;
    const Lineage& ends = posting_->ports[next.out].ends;
    if (next.at_ps == now && !(ends < event)) break;
    posting_->event = ends;
    depart(next.out, scheduler_.pick(ports_[next.out], queues_of(next.out)), next.at_ps);
  }
  posting_->event = event;
}

void Switch::serve_waiting(std::int64_t until) {
  if (buffer_.paused_count() != 0 || posting_ != nullptr) return serve_all(until);
  for_each_bit(waiting_ports_, [&](std::uint32_t p) { serve(p, until); });
}

void Switch::depart(std::uint32_t out, int queue_number, std::int64_t start) {
  EgressPort& port = ports_[out];
  EgressQueue& queue = queues_of(out)[queue_number];
  Packet& packet = queue.packets.front();
  const std::uint32_t in = packet.arrival;
  const std::uint32_t bytes = packet.wire_bytes;
  const std::uint32_t priority = packet.priority();
  const bool counted = queue_number != static_cast<int>(kPfcQueue);
  const std::uint32_t queue_bytes = queue.bytes - bytes;
  if (counted) {
    queue.bytes = queue_bytes;
    port.queue_bytes -= bytes;
    if (queue_bytes > least_marked_) mark(port, out, queue_bytes, packet);
  }
  transmit(port, out, packet, start);
  queue.packets.pop(scratch_->pool);
  if (queue.empty()) {
    queue.deficit = 0;  // an idle queue saves nothing up
    port.waiting &= static_cast<std::uint16_t>(~(1U << queue_number));
    if (port.waiting == 0) clear_bit(waiting_ports_, out);
  }
  if (counted && buffer_.leave(in, priority, bytes, queue_bytes)) [[unlikely]]
    send_pfc(PacketKind::kResume, in, priority, start);
}

void Switch::transmit(EgressPort& port, std::uint32_t out, const Packet& packet,
                      std::int64_t start) {
  const LinkClass& link = context_.link_classes[port.link_class];
  const std::int64_t end = start + link.serialisation_ps(packet.wire_bytes);
  const std::int64_t known = link.known_ps(start, end);
  port.free_at_ps = end;
  ++scratch_->packet_hops;
  if (plain_wire_ || !faults_.active() || !faults_.loses(out, packet, start, end, known))
      [[likely]] {
    if (port.out.empty()) set_bit(written_ports_, out);
    Packet& sent = port.out.append(scratch_->pool, packet);
    sent.arrival = static_cast<std::uint32_t>(known);
    if (!plain_wire_) [[unlikely]]
      write_annex(out, packet, sent, start);
  } else if (telemetry_) {
    drop_ticket(packet);
  }
  ++port.packets;
  port.wire_bytes += packet.wire_bytes;
}

void Switch::write_annex(std::uint32_t out, const Packet& packet, Packet& sent,
                         std::int64_t start) {
  const EgressPort& port = ports_[out];
  if (telemetry_) stamp(port, packet, sent, start);
  if (posting_ == nullptr) return;
  posting_->ports[out].start(posting_->event, start, port.free_at_ps);
  context_.annex.lineage(sent) = posting_->ports[out].ends;
}

// Hands over the ticket of a packet that starts now. Data get a record: bytes sent before them on
// this port, bytes they leave behind.
void Switch::stamp(const EgressPort& port, const Packet& packet, Packet& sent,
                   std::int64_t now) const {
  IntTicket ticket = context_.annex.take_ticket(packet);
  if (packet.kind() == PacketKind::kData)
    ticket.record(IntHop(now, port.wire_bytes, port.queue_bytes, context_.int_scale.unit),
                  port.link_class, node_.value());
  context_.annex.ticket(sent) = ticket;
}

void Switch::drop_ticket(const Packet& packet) const {
  scratch_->int_slots.give(context_.annex.ticket(packet));
}

// RED-style: the length of the queue that the packet leaves behind decides.
void Switch::mark(EgressPort& port, std::uint32_t out, std::uint32_t queue_bytes, Packet& packet) {
  const std::uint32_t priority = packet.priority();
  const MarkThresholds& k = marking(port, priority);
  if (queue_bytes <= k.k_min || packet.kind() != PacketKind::kData) [[likely]]
    return;
  if (queue_bytes <= k.k_max) {
    const double share =
        static_cast<double>(queue_bytes - k.k_min) / static_cast<double>(k.k_max - k.k_min);
    const std::uint64_t counter =
        (kMarkPurpose << 60) | (std::uint64_t{out} << 32) | port.mark_draws++;
    const double draw = static_cast<double>(hash64(seed_, counter) >> 11) * 0x1p-53;
    if (draw >= k.p_max * share) return;
  }
  packet.set(kFlagMarked);
  ++statistics_[out].marks;
}

std::int64_t Switch::next_departure() const {
  std::int64_t next = INT64_MAX;
  for_each_bit(waiting_ports_, [&](std::uint32_t p) {
    const EgressPort& port = ports_[p];
    if ((port.waiting & ~static_cast<unsigned>(port.paused)) != 0)
      next = std::min(next, port.free_at_ps);
  });
  return next;
}

}  // namespace plait
