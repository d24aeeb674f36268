// SPDX-License-Identifier: Apache-2.0
// The egress port of a packet: one at a time on the plain path; for all arrivals at once, before
// any port is served, in a visit that may be calm (models/switch_calm.cpp).
//
// Where the next hop depends on the packets before it but on no queue, it is known once the
// arrivals are in order. A choice by load needs the queues as they are at the arrival:
//   load(t) = max(f - t, 0) + s(q), with all departures before t done,
// f the end of the packet on the wire, q the bytes that wait, s(q) their serialisation. It is known
// without any departure if
// - no priority of any port is paused and no pause frame waits or comes. Then a port never rests
//   while something waits, whatever the scheduler picks, and q is all that it has to send;
// - s is additive (LinkClass::ps_per_byte(); rounded times are not, then the plain path is taken).
// A departure takes its time from s(q) and adds it to f, so F = f + s(q) stays. Before an arrival
// at t of b bytes all departures before t are done: either q = 0 and the load is max(f - t, 0), or
// f >= t; both are max(F - t, 0). If f < t (then q = 0) the packet starts at once, else it waits;
// both make F = max(F, t) + s(b). Each F at the begin of the visit follows from the port's state,
// even if departures before the begin are still to be done. In a calm visit nothing else changes f
// or q: no drop, trim or pause. But whether it is calm is known only when the routes are. If it is
// not, all choices are taken back, and the plain path makes them anew.
//
// Where no port is both an only next hop and one of several, packets without a choice change no F
// that is looked at, so only those with one are put in order. Choices that read no loads depend on
// each other alone anyway.
#include <algorithm>

#include "models/switch.hpp"

namespace plait {

// Takes the arrivals of the window, and what needs each of them but not their order: fingerprint,
// routes, what is_calm() asks first. In a short loop the processor waits for the memory of many
// look-ups at once.
void Switch::gather(const Window& window, FetchQueue& ahead) {
  SetFingerprint fingerprint = fingerprint_;
  const RouteTable::Row routes = context_.routes.row(node_);
  const auto begin_low = static_cast<std::uint32_t>(window.begin_ps);
  std::int64_t bytes = 0;
  std::uint32_t kinds = 0;  // members `from` of all, or-ed
  bool unroutable = false, any_drawn = false;
  // Also where choices are drawn later: here the look-ups of many packets overlap.
  const bool draws_later = !routes_known_ && may_be_calm_ && !pins_;
  const bool looks_up = routes_known_ || draws_later;
  const auto survey_run = [&](std::span<Packet> packets, const ArrivalBatch<Packet>::Run& run) {
    const std::uint64_t place = digest_place(window.begin_ps, run.channel);
    SetFingerprint arrived;
    std::uint32_t run_bytes = 0, run_kinds = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      Packet& packet = packets[i];
      run.put(i, packet);
      arrived.add(digest(packet, place + (packet.arrival - begin_low)));
      run_kinds |= packet.from;
      run_bytes += packet.wire_bytes;
    }
    fingerprint.add(arrived);
    kinds |= run_kinds;
    bytes += run_bytes;
    if (telemetry_) [[unlikely]]
      for (const Packet& packet : packets)
        if (packet.kind() == PacketKind::kData)
          __builtin_prefetch(context_.annex.ticket(packet).slot(), 1);
    std::uint32_t* out = run.groups;
    if (!looks_up) [[unlikely]] {
      std::fill_n(out, packets.size(), kNoRoute);
      return;
    }
    // Pause frames, which name endpoint 0, get a route too that nobody asks for.
    for (const Packet& packet : packets) {
      const auto hops = routes.next_hops(packet.destination());
      if (hops.size() == 1) {
        *out++ = hops[0];
      } else if (hops.empty()) [[unlikely]] {
        unroutable = true;
        *out++ = kNoRoute;
      } else if (draws_later) {
        any_drawn = true;
        *out++ = kDrawn;
      } else {
        *out++ = hops[balancer_.ecmp(packet, hops.size())];
      }
    }
  };
  scratch_->batch.gather(context_.channels, first_port_, port_count_, window.parity,
                         window.begin_ps, window.end_ps - window.begin_ps, ahead, survey_run);
  fingerprint_ = fingerprint;
  scratch_->survey.bytes = bytes;
  scratch_->survey.any_drawn = any_drawn;
  scratch_->survey.odd = unroutable || Packet::any_pfc(kinds);
}

std::uint32_t Switch::route(std::int64_t now, const Packet& packet) {
  if (pins_) {
    const int port = pinned_.find(packet);
    if (port >= 0 && !faults_.avoids(static_cast<std::uint32_t>(port)))
      return static_cast<std::uint32_t>(port);
  }
  const auto hops = faults_.usable(faults_.routes().next_hops(node_, packet.destination()));
  if (hops.size() <= 1) return hops.empty() ? kNoRoute : hops[0];
  if (!balancer_.is_ecmp()) return balance(now, packet, hops);
  return hops[balancer_.ecmp(packet, hops.size())];
}

std::uint32_t Switch::fixed_port(const Packet& packet) const {
  const int port = pinned_.find(packet);
  if (port >= 0) return static_cast<std::uint32_t>(port);
  const auto hops = context_.routes.next_hops(node_, packet.destination());
  if (hops.size() == 1) return hops[0];
  return balancer_.is_ecmp() ? hops[balancer_.ecmp(packet, hops.size())] : kVaries;
}

std::uint32_t Switch::balance(std::int64_t now, const Packet& packet,
                              std::span<const std::uint16_t> hops) {
  if (!balancer_.reads_loads()) return hops[choose(now, packet, hops)];
  if (buffer_.paused_count() != 0 || context_.params.plain_paths) serve_all(now - 1);
  const std::uint32_t priority = packet.priority();
  return hops[balancer_.choose_by_load(
      now, packet, hops, [&](std::uint32_t out) { return load(now, out, priority); })];
}

// For kinds that read no loads.
std::uint32_t Switch::choose(std::int64_t now, const Packet& packet,
                             std::span<const std::uint16_t> hops) {
  std::span<const std::uint64_t> thresholds;
  if (balancer_.is_weighted())
    thresholds = context_.route_weights[faults_.table()].thresholds(node_, packet.destination());
  if (thresholds.size() + 1 != hops.size()) thresholds = {};  // without a dead port: all alike
  return balancer_.choose(now, packet, hops, thresholds);
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

// Chooses for all that have several next hops, in order of arrival; to the batch's groups.
// note(now, packet, out) is called for every packet, but those that matter to no choice.
template <class Choose, class Note>
void Switch::draw_each(const Window& window, Choose&& choose, Note&& note) {
  ArrivalBatch<Packet>& batch = scratch_->batch;
  const RouteTable::Row routes = context_.routes.row(node_);
  const auto draw = [&](std::uint32_t index) {
    const Packet& packet = batch.item(index);
    const std::int64_t now = window.begin_ps + batch.offset(index);
    std::uint32_t out = batch.group(index);
    if (out == kDrawn) {
      const auto hops = routes.next_hops(packet.destination());
      out = hops[choose(now, packet, hops)];
      batch.set_group(index, out);
    }
    note(now, packet, out);
  };
  if (draws_apart_) {
    for (const std::uint64_t key : batch.sort_only(kDrawn)) draw(static_cast<std::uint32_t>(key));
    return;
  }
  batch.sort();
  const std::size_t count = batch.size();
  for (std::size_t i = 0; i < count; ++i) draw(batch.index(i));
}

// Returns whether routes are known now.
bool Switch::draw_routes(const Window& window) {
  const bool by_load = balancer_.reads_loads();
  if (pins_) return false;
  if (by_load) balancer_.begin(scratch_->survey.choices);
  if (scratch_->survey.any_drawn) {  // else all have one next hop, as in a core switch
    if (by_load && !note_loads()) return false;
    by_load ? draw_by_load(window) : draw_in_turn(window);
  }
  routes_known_ = true;
  return true;
}

void Switch::draw_in_turn(const Window& window) {
  draw_each(
      window,
      [this](std::int64_t now, const Packet& packet, auto hops) {
        return choose(now, packet, hops);
      },
      [](std::int64_t, const Packet&, std::uint32_t) {});
}

// Returns false if the loads of the visit cannot be known beforehand.
bool Switch::note_loads() {
  SwitchScratch& survey = scratch_->survey;
  survey.free_ps.resize(port_count_);
  survey.ps_per_byte.resize(port_count_);
  for (std::uint32_t p = 0; p < port_count_; ++p) {
    const EgressPort& port = ports_[p];
    const std::int64_t ps_per_byte = context_.link_classes[port.link_class].ps_per_byte();
    if (port.paused != 0 || (port.waiting >> kPfcQueue & 1U) != 0 || ps_per_byte == 0) return false;
    survey.ps_per_byte[p] = ps_per_byte;
    survey.free_ps[p] = port.free_at_ps + ps_per_byte * port.queue_bytes;
  }
  return true;
}

void Switch::draw_by_load(const Window& window) {
  SwitchScratch& survey = scratch_->survey;
  std::int64_t* const free_ps = survey.free_ps.data();
  const std::int64_t* const ps_per_byte = survey.ps_per_byte.data();
  draw_each(
      window,
      [&](std::int64_t now, const Packet& packet, auto hops) {
        const auto load_of = [=](std::uint32_t out) {
          return std::max<std::int64_t>(free_ps[out] - now, 0);
        };
        return balancer_.choose_by_load(now, packet, hops, load_of, &survey.choices);
      },
      [=](std::int64_t now, const Packet& packet, std::uint32_t out) {
        free_ps[out] = std::max(free_ps[out], now) + ps_per_byte[out] * packet.wire_bytes;
      });
}

// Of a visit that is not calm. Choices that read no loads hold on any path.
void Switch::take_back_routes() {
  if (!balancer_.reads_loads()) return;
  balancer_.take_back(scratch_->survey.choices);
  routes_known_ = false;
}

}  // namespace plait
