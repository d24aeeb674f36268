// SPDX-License-Identifier: Apache-2.0
#include "models/scale_up.hpp"

#include <algorithm>
#include <cmath>

#include "sim/check.hpp"

namespace plait {

namespace {

BitRate scaled(BitRate rate, double factor) {
  return BitRate::bps(std::llround(static_cast<double>(rate.bps()) * factor));
}

BitRate payload_rate(const ScaleUpParams& params) { return scaled(params.rate, params.efficiency); }

// Whole units, so many that the first one's credit is back before the last one has left.
Bytes full_rate_window(const ScaleUpParams& params) {
  const Duration unit = transmission_time(params.unit, payload_rate(params));
  const Duration loop = unit + params.latency * 2;
  return params.unit * ((loop.ps() + unit.ps() - 1) / unit.ps());
}

}  // namespace

ScaleUp::ScaleUp(const ScaleUpParams& params, std::uint32_t gpus, GpuId first)
    : latency_(params.latency),
      rate_(payload_rate(params)),
      switch_rate_(scaled(rate_, params.in_switch_efficiency)),
      unit_(params.unit),
      window_(params.window > Bytes{} ? params.window : full_rate_window(params)),
      first_(first),
      ways_(params.in_switch_reduction ? 2 * gpus + 1 : gpus),
      full_unit_time_(transmission_time(params.unit, rate_)),
      pairs_(static_cast<std::size_t>(gpus) * ways_),
      sources_(gpus),
      sinks_(gpus) {
  PLAIT_CHECK(params.kind != ScaleUpKind::kNone,
              "a host without a scale-up network has no ScaleUp");
}

Duration ScaleUp::unit_time(Bytes size, std::uint32_t way) const {
  if (way >= gpus()) return transmission_time(size, switch_rate_);
  return size == unit_ ? full_unit_time_ : transmission_time(size, rate_);
}

Duration ScaleUp::ideal(Bytes size) const {
  const Bytes total = on_wire(size);
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
  messages_[id] = {key, size, on_wire(size), token, kNone, kNone};
  enqueue(now, from, to, id);
}

void ScaleUp::enqueue(SimTime now, std::uint32_t from, std::uint32_t way, std::uint32_t id) {
  Pair& queue = pair(from, way);
  Source& source = sources_[from];
  const std::uint32_t before = queue.last;
  queue.last = id;
  if (queue.first != kNone) {  // then the source is awake or waits for this way's credits
    messages_[before].next = id;
    return;
  }
  queue.first = id;
  source.active.push_back(way);
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
      case EventKind::kAcked:
        acknowledge(event, sink);
        break;
      case EventKind::kCopied: {
        const Message& message = messages_[event.target];
        const GpuId to = works_[message.work].team[event.place];
        sink.switch_delivered(event.time, {message.key.from, to, message.key.stream}, message.size);
        break;
      }
    }
    drop_stale();
  }
}

void ScaleUp::acknowledge(const Event& event, ScaleUpSink& sink) {
  Message& message = messages_[event.target];
  const MessageKey key = message.key;
  const std::uint64_t token = message.token;
  const std::uint32_t work = message.work;
  message.next = free_message_;
  free_message_ = event.target;
  if (work == kNone) return sink.acked(event.time, key, token);
  if (--works_[work].open == 0) free_works_.push_back(work);
  sink.switch_acked(event.time, key, token);
}

// Sends one unit if some way has one and a credit; else sleeps until a credit returns.
void ScaleUp::serve(SimTime now, std::uint32_t source) {
  sources_[source].wake = SimTime::never();
  SimTime retry = SimTime::never();
  const std::uint32_t way = choose(now, source, retry);
  if (way != kNone) {
    transmit(now, source, way);
    retry = sources_[source].active.empty() ? SimTime::never() : sources_[source].free;
  }
  if (retry != SimTime::never()) wake_at(source, retry);
}

// Round robin over the active ways; `retry` is when the first blocked one may go on, as far as that
// is known: a reduction's credits are when the last of its team has sent its share.
std::uint32_t ScaleUp::choose(SimTime now, std::uint32_t source, SimTime& retry) {
  Source& from = sources_[source];
  for (std::size_t tried = 0; tried < from.active.size(); ++tried) {
    if (from.cursor >= from.active.size()) from.cursor = 0;
    const std::uint32_t way = from.active[from.cursor++];
    Pair& queue = pair(source, way);
    collect_credits(now, queue);
    const Bytes next = std::min(messages_[queue.first].unsent, unit_);
    if (queue.in_flight == Bytes{} || queue.in_flight + next <= window_) return way;
    if (queue.credit_head < queue.credits.size())
      retry = std::min(retry, queue.credits[queue.credit_head].returns);
  }
  return kNone;
}

// Books the unit through both ports at once. That is exact: the way to the switch takes every unit
// equally long, so units reach an ingress port in the order in which they leave their sources, and
// wakes are run in that order.
void ScaleUp::transmit(SimTime now, std::uint32_t source, std::uint32_t way) {
  Source& from = sources_[source];
  Pair& queue = pair(source, way);
  const std::uint32_t id = queue.first;
  Message& message = messages_[id];
  const Bytes size = std::min(message.unsent, unit_);
  const Duration time = unit_time(size, way);
  from.free = now + time;
  from.counters.bytes += size;
  from.counters.busy += time;
  queue.in_flight += size;
  message.unsent -= size;
  if (message.unsent == Bytes{}) {
    queue.first = message.next;
    if (queue.first == kNone) {
      --from.cursor;  // choose() has just stepped past this way
      from.active.erase(from.active.begin() + from.cursor);
    }
  }
  if (way < gpus())
    forward(now, source, way, id, size);
  else if (way < 2 * gpus())
    reduce(now, way, id, size);
  else
    copy(now, source, id, size);
}

// Lets the unit that leaves its source now into an ingress port. @return when it is there.
SimTime ScaleUp::take(SimTime now, std::uint32_t gpu, Bytes size, Duration time) {
  Destination& to = sinks_[gpu];
  to.free = std::max(now + latency_, to.free) + time;
  to.counters.bytes += size;
  to.counters.busy += time;
  return to.free;
}

void ScaleUp::forward(SimTime now, std::uint32_t source, std::uint32_t to, std::uint32_t id,
                      Bytes size) {
  const SimTime there = take(now, to, size, unit_time(size, to));
  const SimTime credit = there + latency_;
  pair(source, to).credits.push_back({credit, size});
  if (messages_[id].unsent > Bytes{}) return;
  schedule(there, EventKind::kDelivered, id);
  schedule(credit, EventKind::kAcked, id);
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

void ScaleUp::schedule(SimTime at, EventKind kind, std::uint32_t target, std::uint32_t place) {
  events_.push_back({at, next_sequence_++, target, kind, static_cast<std::uint16_t>(place)});
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
