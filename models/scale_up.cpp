// SPDX-License-Identifier: Apache-2.0
#include "models/scale_up.hpp"

#include <algorithm>
#include <cmath>

#include "sim/check.hpp"

namespace plait {

namespace {

constexpr Bytes kHeader{128};  // what an empty message puts on the link; docs/models/scale_up.md

BitRate payload_rate(const ScaleUpParams& params) {
  return BitRate::bps(std::llround(static_cast<double>(params.rate.bps()) * params.efficiency));
}

// Whole units, so many that the first one's credit is back before the last one has left.
Bytes full_rate_window(const ScaleUpParams& params) {
  const Duration unit = transmission_time(params.unit, payload_rate(params));
  const Duration loop = unit + params.latency * 2;
  return params.unit * ((loop.ps() + unit.ps() - 1) / unit.ps());
}

}  // namespace

ScaleUp::ScaleUp(const ScaleUpParams& params, std::uint32_t gpus)
    : latency_(params.latency),
      rate_(payload_rate(params)),
      unit_(params.unit),
      window_(params.window > Bytes{} ? params.window : full_rate_window(params)),
      full_unit_time_(transmission_time(params.unit, rate_)),
      pairs_(static_cast<std::size_t>(gpus) * gpus),
      sources_(gpus),
      sinks_(gpus) {
  PLAIT_CHECK(params.kind != ScaleUpKind::kNone,
              "a host without a scale-up network has no ScaleUp");
}

Duration ScaleUp::unit_time(Bytes size) const {
  return size == unit_ ? full_unit_time_ : transmission_time(size, rate_);
}

Duration ScaleUp::ideal(Bytes size) const {
  const Bytes total = std::max(size, kHeader);
  const std::int64_t whole = total.count() / unit_.count();
  const Bytes rest = total - unit_ * whole;
  return latency_ + full_unit_time_ * whole + transmission_time(rest, rate_);
}

void ScaleUp::send(SimTime now, const MessageKey& key, std::uint32_t from, std::uint32_t to,
                   Bytes size, std::uint64_t token) {
  PLAIT_CHECK_LE(now_, now);
  PLAIT_CHECK_LT(from, sources_.size());
  PLAIT_CHECK_LT(to, sinks_.size());
  now_ = now;
  const std::uint32_t id = new_message();
  messages_[id] = {key, size, size > Bytes{} ? size : kHeader, token, kNone};
  Pair& queue = pair(from, to);
  Source& source = sources_[from];
  const std::uint32_t before = queue.last;
  queue.last = id;
  if (queue.first != kNone) {  // then the source is awake or waits for this pair's credits
    messages_[before].next = id;
    return;
  }
  queue.first = id;
  source.active.push_back(to);
  wake_at(from, std::max(now, source.free));
}

void ScaleUp::advance(SimTime until, ScaleUpSink& sink) {
  while (!events_.empty() && events_.front().time <= until) {
    const Event event = events_.front();
    pop();
    now_ = event.time;
    switch (event.kind) {
      case EventKind::kWake:
        if (sources_[event.target].wake == event.time) serve(event.time, event.target);
        break;
      case EventKind::kDelivered: {
        const Message& message = messages_[event.target];
        sink.delivered(event.time, MessageKey(message.key), message.size);
        break;
      }
      case EventKind::kAcked: {
        Message& message = messages_[event.target];
        const MessageKey key = message.key;
        const std::uint64_t token = message.token;
        message.next = free_message_;
        free_message_ = event.target;
        sink.acked(event.time, key, token);
        break;
      }
    }
    drop_stale();
  }
}

// Sends one unit if some destination has one and a credit; else sleeps until a credit returns.
void ScaleUp::serve(SimTime now, std::uint32_t source) {
  sources_[source].wake = SimTime::never();
  SimTime retry = SimTime::never();
  const std::uint32_t destination = choose(now, source, retry);
  if (destination != kNone) {
    transmit(now, source, destination);
    retry = sources_[source].active.empty() ? SimTime::never() : sources_[source].free;
  }
  if (retry != SimTime::never()) wake_at(source, retry);
}

// Round robin over the active destinations; `retry` is when the first blocked one may go on.
std::uint32_t ScaleUp::choose(SimTime now, std::uint32_t source, SimTime& retry) {
  Source& from = sources_[source];
  for (std::size_t tried = 0; tried < from.active.size(); ++tried) {
    if (from.cursor >= from.active.size()) from.cursor = 0;
    const std::uint32_t destination = from.active[from.cursor++];
    Pair& queue = pair(source, destination);
    collect_credits(now, queue);
    const Bytes next = std::min(messages_[queue.first].unsent, unit_);
    if (queue.in_flight == Bytes{} || queue.in_flight + next <= window_) return destination;
    retry = std::min(retry, queue.credits[queue.credit_head].returns);
  }
  return kNone;
}

// Books the unit through both ports at once. That is exact: the way to the switch takes every unit
// equally long, so units reach an ingress port in the order in which they leave their sources, and
// wakes are run in that order.
void ScaleUp::transmit(SimTime now, std::uint32_t source, std::uint32_t destination) {
  Source& from = sources_[source];
  Destination& to = sinks_[destination];
  Pair& queue = pair(source, destination);
  const std::uint32_t id = queue.first;
  Message& message = messages_[id];
  const Bytes size = std::min(message.unsent, unit_);
  const Duration time = unit_time(size);
  from.free = now + time;
  to.free = std::max(now + latency_, to.free) + time;
  const SimTime credit = to.free + latency_;
  for (PortCounters* port : {&from.counters, &to.counters}) {
    port->bytes += size;
    port->busy += time;
  }
  queue.in_flight += size;
  queue.credits.push_back({credit, size});
  message.unsent -= size;
  if (message.unsent > Bytes{}) return;
  schedule(to.free, EventKind::kDelivered, id);
  schedule(credit, EventKind::kAcked, id);
  queue.first = message.next;
  if (queue.first != kNone) return;
  --from.cursor;  // choose() has just stepped past this destination
  from.active.erase(from.active.begin() + from.cursor);
}

void ScaleUp::collect_credits(SimTime now, Pair& pair) {
  std::vector<Credit>& credits = pair.credits;
  while (pair.credit_head < credits.size() && credits[pair.credit_head].returns <= now)
    pair.in_flight -= credits[pair.credit_head++].size;
  constexpr std::size_t kCompactAt = 32;
  if (pair.credit_head < kCompactAt || pair.credit_head * 2 < credits.size()) return;
  credits.erase(credits.begin(), credits.begin() + static_cast<std::ptrdiff_t>(pair.credit_head));
  pair.credit_head = 0;
}

void ScaleUp::wake_at(std::uint32_t source, SimTime at) {
  if (at >= sources_[source].wake) return;
  sources_[source].wake = at;
  schedule(at, EventKind::kWake, source);
}

namespace {
constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
};
}  // namespace

void ScaleUp::schedule(SimTime at, EventKind kind, std::uint32_t target) {
  events_.push_back({at, next_sequence_++, target, kind});
  std::push_heap(events_.begin(), events_.end(), kLater);
}

void ScaleUp::pop() {
  std::pop_heap(events_.begin(), events_.end(), kLater);
  events_.pop_back();
}

// A wake that send() has replaced by an earlier one must not show in next_time().
void ScaleUp::drop_stale() {
  while (!events_.empty() && events_.front().kind == EventKind::kWake &&
         sources_[events_.front().target].wake != events_.front().time)
    pop();
}

std::uint32_t ScaleUp::new_message() {
  if (free_message_ == kNone) {
    messages_.emplace_back();
    return static_cast<std::uint32_t>(messages_.size() - 1);
  }
  const std::uint32_t id = free_message_;
  free_message_ = messages_[id].next;
  return id;
}

}  // namespace plait
