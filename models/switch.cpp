// SPDX-License-Identifier: Apache-2.0
#include "models/switch.hpp"

#include <algorithm>

#include "sim/hash.hpp"

namespace plait {

namespace {

template <class Visit>
void for_each_bit(const std::vector<std::uint64_t>& words, Visit&& visit) {
  for (std::size_t w = 0; w < words.size(); ++w)
    for (std::uint64_t bits = words[w]; bits != 0; bits &= bits - 1)
      visit(static_cast<std::uint32_t>(w * 64) + static_cast<std::uint32_t>(__builtin_ctzll(bits)));
}

void set_bit(std::vector<std::uint64_t>& words, std::uint32_t i) {
  words[i >> 6] |= std::uint64_t{1} << (i & 63U);
}
void clear_bit(std::vector<std::uint64_t>& words, std::uint32_t i) {
  words[i >> 6] &= ~(std::uint64_t{1} << (i & 63U));
}

}  // namespace

std::int64_t Switch::visit(const Window& window, Worker& worker) {
  scratch_ = &context_.scratch[worker.index()];
  ArrivalBatch<Packet>& batch = scratch_->batch;
  batch.gather(context_.channels, first_port_, port_count_, window.parity, window.begin_ps,
               window.end_ps - window.begin_ps);
  scratch_->events += batch.size();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto arrival = batch[i];
    arrive(window.begin_ps + arrival.offset, arrival.channel, *arrival.item);
  }
  serve_waiting(window.end_ps - 1);
  batch.release(scratch_->pool);
  publish(window, worker);
  return std::min(batch.next_arrival_ps(), next_departure());
}

void Switch::arrive(std::int64_t now, std::uint32_t in, Packet& packet) {
  fingerprint_.add(digest(packet, now, in));
  if (packet.is_pfc()) [[unlikely]]
    return pause_frame(now, in, packet);
  if (loss_.possible() && loss_.draw(in)) [[unlikely]]
    return;
  const std::uint32_t out = route(now, packet);
  EgressPort& port = ports_[out];
  if (buffer_.paused_count() != 0 || context_.params.always_catch_up) [[unlikely]] {
    serve_all(now - 1);
  } else if (port.waiting != 0) {
    serve(out, now - 1);
  }
  // A packet for an idle port leaves at once. It would be counted in the buffer for no time, so it
  // is not counted; it must not have been able to cause a pause or a drop in that instant.
  const std::uint32_t priority = packet.priority();
  if (port.free_at_ps < now && port.waiting == 0 && (port.paused >> priority & 1U) == 0 &&
      (!buffer_.lossless(priority) || buffer_.surely_quiet(in, priority, packet.wire_bytes))) {
    return transmit(port, out, packet, now);
  }
  enqueue(now, in, out, packet);
}

void Switch::enqueue(std::int64_t now, std::uint32_t in, std::uint32_t out, Packet& packet) {
  const std::uint32_t priority = packet.priority();
  if (!admit(now, in, out, packet)) {
    ++statistics_[out].drops;
    return;
  }
  EgressPort& port = ports_[out];
  EgressQueue& queue = queues_of(out)[priority];
  queue.bytes += packet.wire_bytes;
  port.queue_bytes += packet.wire_bytes;
  Packet& stored = queue.packets.append(scratch_->pool, packet);
  stored.arrival = in;
  if (telemetry_) int_stack(stored) = int_stack(packet);
  port.waiting |= static_cast<std::uint16_t>(1U << priority);
  set_bit(waiting_ports_, out);
  if (port.free_at_ps < now) {  // idle until now: behind a pause, or let in by the exact rule
    port.free_at_ps = now;
    serve(out, now);
  }
  port.max_queue_bytes = std::max(port.max_queue_bytes, port.queue_bytes);
}

bool Switch::admit(std::int64_t now, std::uint32_t in, std::uint32_t out, const Packet& packet) {
  const std::uint32_t priority = packet.priority();
  const std::uint32_t bytes = packet.wire_bytes;
  if (!buffer_.lossless(priority)) {
    const EgressQueue& queue = queues_of(out)[priority];
    if (!buffer_.lossy_fits(queue.bytes, bytes)) {
      serve_all(now - 1);
      if (!buffer_.lossy_fits(queue.bytes, bytes)) return false;
    }
    buffer_.enter_lossy(bytes);
    return true;
  }
  if (buffer_.surely_quiet(in, priority, bytes)) {
    buffer_.enter_quiet(in, priority, bytes);
    return true;
  }
  serve_all(now - 1);
  const SharedBuffer::Verdict verdict = buffer_.enter(in, priority, bytes);
  if (verdict == SharedBuffer::Verdict::kAdmittedPause)
    send_pfc(PacketKind::kPause, in, priority, now);
  return verdict != SharedBuffer::Verdict::kDropped;
}

// The peer at `in` pauses or resumes what leaves through `in`.
void Switch::pause_frame(std::int64_t now, std::uint32_t in, const Packet& packet) {
  if (buffer_.paused_count() != 0) {
    serve_all(now - 1);
  } else {
    serve(in, now - 1);
  }
  EgressPort& port = ports_[in];
  const bool was_paused = port.paused != 0;
  const auto bit = static_cast<std::uint8_t>(1U << packet.priority());
  if (packet.kind() == PacketKind::kPause) {
    port.paused |= bit;
  } else {
    port.paused &= static_cast<std::uint8_t>(~bit);
    if (port.free_at_ps < now) {
      port.free_at_ps = now;
      serve(in, now);
    }
  }
  statistics_[in].pause_clock.on_change(now, was_paused, port.paused != 0);
}

std::uint32_t Switch::route(std::int64_t now, const Packet& packet) {
  if (!pinned_.empty()) {
    const int port = pinned_.find(packet);
    if (port >= 0) return static_cast<std::uint32_t>(port);
  }
  const auto hops = context_.routes.next_hops(node_, packet.destination());
  if (hops.size() == 1) return hops[0];
  if (!balancer_.is_ecmp()) return balance(now, packet, hops);
  return hops[balancer_.ecmp(packet, hops.size())];
}

std::uint32_t Switch::balance(std::int64_t now, const Packet& packet,
                              std::span<const std::uint16_t> hops) {
  if (!balancer_.reads_loads()) {
    std::span<const std::uint64_t> thresholds;
    if (balancer_.is_weighted())
      thresholds = context_.route_weights->thresholds(node_, packet.destination());
    return hops[balancer_.choose(now, packet, hops, thresholds)];
  }
  if (buffer_.paused_count() != 0 || context_.params.always_catch_up) serve_all(now - 1);
  const std::uint32_t priority = packet.priority();
  return hops[balancer_.choose_by_load(
      now, packet, hops, [&](std::uint32_t out) { return load(now, out, priority); })];
}

// How long until a port could start one more packet. Loads are compared as they are at `now`, not
// as of the last catching-up.
std::int64_t Switch::load(std::int64_t now, std::uint32_t out, std::uint32_t priority) {
  EgressPort& port = ports_[out];
  if (port.waiting != 0) serve(out, now - 1);
  const LinkClass& link = context_.link_classes[port.link_class];
  const std::int64_t load = std::max<std::int64_t>(port.free_at_ps - now, 0) +
                            (port.queue_bytes == 0 ? 0 : link.serialisation_ps(port.queue_bytes));
  return (port.paused >> priority & 1U) == 0 ? load : LoadBalancer::kHeldBack + load;
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
    std::int64_t earliest = INT64_MAX;
    std::uint32_t out = 0;
    for_each_bit(waiting_ports_, [&](std::uint32_t p) {
      const EgressPort& port = ports_[p];
      const bool may_send = (port.waiting & ~static_cast<unsigned>(port.paused)) != 0;
      if (may_send && port.free_at_ps < earliest) {
        earliest = port.free_at_ps;
        out = p;
      }
    });
    if (earliest > until) return;
    depart(out, scheduler_.pick(ports_[out], queues_of(out)), earliest);
  }
}

void Switch::serve_waiting(std::int64_t until) {
  if (buffer_.paused_count() != 0) return serve_all(until);
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
  if (counted) {
    queue.bytes -= bytes;
    port.queue_bytes -= bytes;
    if (ecn_enabled_) mark(port, out, queue.bytes, packet);
  }
  transmit(port, out, packet, start);
  queue.packets.pop(scratch_->pool);
  if (queue.empty()) {
    queue.deficit = 0;  // an idle queue saves nothing up
    port.waiting &= static_cast<std::uint16_t>(~(1U << queue_number));
    if (port.waiting == 0) clear_bit(waiting_ports_, out);
  }
  if (counted && buffer_.leave(in, priority, bytes)) [[unlikely]]
    send_pfc(PacketKind::kResume, in, priority, start);
}

void Switch::transmit(EgressPort& port, std::uint32_t out, const Packet& packet,
                      std::int64_t start) {
  const LinkClass& link = context_.link_classes[port.link_class];
  const std::int64_t end = start + link.serialisation_ps(packet.wire_bytes);
  port.free_at_ps = end;
  if (port.out.empty()) set_bit(written_ports_, out);
  Packet& sent = port.out.append(scratch_->pool, packet);
  sent.arrival = static_cast<std::uint32_t>(link.known_ps(start, end));
  if (telemetry_) stamp(port, packet, sent, start);
  ++port.packets;
  port.wire_bytes += packet.wire_bytes;
  ++scratch_->packet_hops;
}

// Telemetry of a data packet that starts now: bytes sent before it, bytes it leaves behind.
void Switch::stamp(const EgressPort& port, const Packet& packet, Packet& sent,
                   std::int64_t now) const {
  if (packet.is_pfc()) return;
  IntStack& stack = int_stack(sent);
  stack = int_stack(packet);
  if (packet.kind() != PacketKind::kData) return;
  if (stack.hops < IntStack::kMaxHops) {
    stack.link_class[stack.hops] = static_cast<std::uint8_t>(port.link_class);
    stack.hop[stack.hops] = IntHop(now, port.wire_bytes, port.queue_bytes, context_.int_scale.unit);
  }
  ++stack.hops;
}

// RED-style: the length of the queue that the packet leaves behind decides.
void Switch::mark(EgressPort& port, std::uint32_t out, std::uint32_t queue_bytes, Packet& packet) {
  const MarkThresholds& k = thresholds_[out];
  if (queue_bytes <= k.k_min || packet.kind() != PacketKind::kData) [[likely]]
    return;
  if (queue_bytes <= k.k_max) {
    const double share =
        static_cast<double>(queue_bytes - k.k_min) / static_cast<double>(k.k_max - k.k_min);
    const std::uint64_t counter =
        (kMarkPurpose << 60) | (std::uint64_t{out} << 32) | port.mark_draws++;
    const double draw = static_cast<double>(hash64(seed_, counter) >> 11) * 0x1p-53;
    if (draw >= context_.params.switches.ecn.p_max * share) return;
  }
  packet.set(kFlagMarked);
  ++statistics_[out].marks;
}

void Switch::send_pfc(PacketKind kind, std::uint32_t port_number, std::uint32_t priority,
                      std::int64_t now) {
  Packet frame = Packet::make(kind, EndpointId(0), EndpointId(0), priority,
                              context_.wire(context_.params.switches.pfc.frame));
  EgressPort& port = ports_[port_number];
  if (kind == PacketKind::kPause) ++statistics_[port_number].pauses_sent;
  queues_of(port_number)[kPfcQueue].packets.append(scratch_->pool, frame);
  port.waiting |= static_cast<std::uint16_t>(1U << kPfcQueue);
  set_bit(waiting_ports_, port_number);
  if (port.free_at_ps < now) {
    port.free_at_ps = now;
    serve(port_number, now);
  }
}

void Switch::publish(const Window& window, Worker& worker) {
  for_each_bit(written_ports_, [&](std::uint32_t p) {
    context_.channels.publish(window.parity, ports_[p].channel, ports_[p].out);
    worker.activate(peers_[p]);
  });
  std::fill(written_ports_.begin(), written_ports_.end(), 0);
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
