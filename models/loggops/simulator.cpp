// SPDX-License-Identifier: Apache-2.0
#include "models/loggops/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/check.hpp"

namespace plait {

namespace {

bool matches(RankId source, std::uint32_t tag, RankId asked_source, std::uint32_t asked_tag) {
  return (!asked_source.valid() || asked_source == source) &&
         (asked_tag == Op::kAnyTag || asked_tag == tag);
}

std::string peer_text(RankId peer) {
  return peer.valid() ? fmt::format("rank {}", peer.value()) : "any rank";
}

std::string tag_text(std::uint32_t tag) {
  return tag == Op::kAnyTag ? "any tag" : fmt::format("tag {}", tag);
}

}  // namespace

LogGopsSimulator::LogGopsSimulator(const Workload& workload, const LogGopsParams& params,
                                   const GpuParams& gpu, SimTime start)
    : workload_(workload), params_(params), gpu_(gpu), plans_(make_plans(workload)), now_(start) {
  // CPUs are numbered alike on all ranks: a receipt is charged to the number that the send names.
  std::size_t nics = 1;
  for (const auto& graph : workload.graphs)
    for (const Op& op : graph->ops()) {
      cpu_index_.try_emplace({op.device, op.stream}, 0);
      nics = std::max(nics, std::size_t{op.nic} + 1);
    }
  std::size_t next = 0;
  for (auto& [key, index] : cpu_index_) index = next++;
  ranks_.resize(workload.graphs.size());
  for (std::uint32_t r = 0; r < ranks_.size(); ++r) {
    Rank& rank = ranks_[r];
    const std::size_t count = plan(r).graph().size();
    rank.cpu.assign(std::max<std::size_t>(next, 1), start);
    rank.nic_send.assign(nics, start);
    rank.nic_receive.assign(nics, start);
    rank.ready.assign(count, start);
    rank.start.assign(count, SimTime::never());
    rank.end.assign(count, SimTime::never());
    rank.missing.resize(count);
    ops_ += count;
    for (std::size_t i = 0; i < count; ++i) {
      rank.missing[i] = plan(r).predecessors(OpId(i));
      if (rank.missing[i] == 0) rank.freed.emplace_back(i);
    }
    enter_freed(r);
  }
}

bool LogGopsSimulator::run(SimTime until, const std::function<bool()>& keep_going) {
  constexpr std::uint64_t kEventsBetweenLooks = 1U << 16;
  while (!events_.empty() && events_.top().time <= until) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    handle(event);
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const std::uint32_t rank : touched_) enter_freed(rank);
    touched_.clear();
    if (++events_done_ % kEventsBetweenLooks == 0 && keep_going && !keep_going()) return false;
  }
  return true;
}

// LogGOPSim enters what one event has made ready sends first, then receives, then computes.
void LogGopsSimulator::enter_freed(std::uint32_t r) {
  Rank& rank = ranks_[r];
  const auto kind_of = [&](OpId id) {
    switch (op(r, id).kind) {
      case OpKind::kSend:
        return Kind::kSend;
      case OpKind::kRecv:
        return Kind::kRecv;
      case OpKind::kCompute:
        return Kind::kCompute;
      case OpKind::kCollective:
        break;
    }
    PLAIT_CHECK(false, "collectives are expanded before");
    return Kind::kCompute;
  };
  std::stable_sort(rank.freed.begin(), rank.freed.end(),
                   [&](OpId a, OpId b) { return kind_of(a) < kind_of(b); });
  for (const OpId id : rank.freed) {
    const Kind kind = kind_of(id);
    SimTime at = std::max(rank.ready[id.index()], rank.cpu[cpu_of(op(r, id))]);
    if (kind == Kind::kSend) at = std::max(at, rank.nic_send[op(r, id).nic]);
    events_.push({at, next_order_++, kind, r, RankId(r), id});
  }
  rank.freed.clear();
}

void LogGopsSimulator::put_off(Event event, SimTime until) {
  event.time = until;
  events_.push(event);
}

void LogGopsSimulator::handle(const Event& event) {
  switch (event.kind) {
    case Kind::kCompute:
      return handle_compute(event);
    case Kind::kSend:
      return handle_send(event);
    case Kind::kRecv:
      return handle_receive(event);
    case Kind::kMessage:
      return handle_message(event);
  }
}

Duration LogGopsSimulator::per_byte(Duration of_each, Bytes size) const {
  return of_each * std::max<std::int64_t>(size.count() - 1, 0);
}

void LogGopsSimulator::handle_compute(const Event& event) {
  const Op& what = op(event.rank, event.op);
  SimTime& cpu = ranks_[event.rank].cpu[cpu_of(what)];
  if (cpu > event.time) return put_off(event, cpu);
  cpu = event.time + compute_time(what, gpu_);
  mark_started(event.rank, event.op, event.time);
  mark_done(event.rank, event.op, cpu);
}

void LogGopsSimulator::handle_send(const Event& event) {
  const Op& what = op(event.rank, event.op);
  Rank& rank = ranks_[event.rank];
  SimTime& cpu = rank.cpu[cpu_of(what)];
  SimTime& nic = rank.nic_send[what.nic];
  if (std::max(cpu, nic) > event.time) return put_off(event, std::max(cpu, nic));
  cpu = event.time + params_.overhead + per_byte(params_.overhead_per_byte, what.size);
  nic = event.time + params_.gap + per_byte(params_.gap_per_byte, what.size);
  mark_started(event.rank, event.op, event.time);
  const RankId to = workload_.peer(RankId(event.rank), what.peer);
  // The first byte: those that follow are charged to the receiver.
  events_.push({event.time + params_.overhead + params_.latency, next_order_++, Kind::kMessage,
                to.value(), RankId(event.rank), event.op});
  ++messages_;
  if (what.size <= params_.rendezvous_above) mark_done(event.rank, event.op, cpu);
}

void LogGopsSimulator::handle_receive(const Event& event) {
  Rank& rank = ranks_[event.rank];
  const Op& what = op(event.rank, event.op);
  mark_started(event.rank, event.op, event.time);
  const RankId source =
      what.peer.valid() ? workload_.peer(RankId(event.rank), what.peer) : RankId();
  const auto found =
      std::find_if(rank.unexpected.begin(), rank.unexpected.end(), [&](const Posted& message) {
        return matches(message.source, message.tag, source, what.tag);
      });
  if (found == rank.unexpected.end()) {
    rank.receives.push_back({source, what.tag, event.op});
    return;
  }
  finish_rendezvous(event.time, found->source, found->op);
  rank.unexpected.erase(found);
  mark_done(event.rank, event.op, event.time);
}

// The host handles a message when it comes, whether it has asked for it or not, and is busy until
// its last byte.
void LogGopsSimulator::handle_message(const Event& event) {
  const Op& send = op(event.sender.value(), event.op);
  Rank& rank = ranks_[event.rank];
  SimTime& cpu = rank.cpu[cpu_of(send)];
  SimTime& nic = rank.nic_receive[send.nic];
  if (std::max(cpu, nic) > event.time) return put_off(event, std::max(cpu, nic));
  const Duration bytes = per_byte(params_.gap_per_byte, send.size);
  cpu = event.time + params_.overhead +
        std::max(bytes, per_byte(params_.overhead_per_byte, send.size));
  nic = event.time + params_.gap + bytes;
  const auto found =
      std::find_if(rank.receives.begin(), rank.receives.end(), [&](const Posted& receive) {
        return matches(event.sender, send.tag, receive.source, receive.tag);
      });
  if (found == rank.receives.end()) {
    rank.unexpected.push_back({event.sender, send.tag, event.op});
    return;
  }
  const OpId receive = found->op;
  rank.receives.erase(found);
  finish_rendezvous(event.time, event.sender, event.op);
  mark_done(event.rank, receive, cpu);
}

// LogGOPSim frees the sender at once, without the time that word of the match would take, and lets
// neither its CPU nor its NIC begin anything earlier.
void LogGopsSimulator::finish_rendezvous(SimTime now, RankId sender, OpId send) {
  const Op& what = op(sender.value(), send);
  if (what.size <= params_.rendezvous_above) return;
  Rank& rank = ranks_[sender.index()];
  SimTime& cpu = rank.cpu[cpu_of(what)];
  SimTime& nic = rank.nic_send[what.nic];
  cpu = std::max(cpu, now);
  nic = std::max(nic, now);
  mark_done(sender.value(), send, now);
}

void LogGopsSimulator::mark_started(std::uint32_t rank, OpId op, SimTime at) {
  ranks_[rank].start[op.index()] = at;
  free_followers(rank, plan(rank).start_successors(op), at);
}

void LogGopsSimulator::mark_done(std::uint32_t rank, OpId op, SimTime at) {
  ranks_[rank].end[op.index()] = at;
  ++ops_done_;
  free_followers(rank, plan(rank).successors(op), at);
}

void LogGopsSimulator::free_followers(std::uint32_t r, std::span<const OpId> followers,
                                      SimTime at) {
  Rank& rank = ranks_[r];
  for (const OpId after : followers) {
    SimTime& ready = rank.ready[after.index()];
    ready = std::max(ready, at);
    if (--rank.missing[after.index()] == 0) rank.freed.push_back(after);
  }
  touched_.push_back(r);
}

bool LogGopsSimulator::finished(RankId rank) const {
  const SpillVector<SimTime>& ends = ranks_[rank.index()].end;
  return std::find(ends.begin(), ends.end(), SimTime::never()) == ends.end();
}

SimTime LogGopsSimulator::finish(RankId rank) const {
  const std::vector<SimTime>& cpu = ranks_[rank.index()].cpu;
  return *std::max_element(cpu.begin(), cpu.end());
}

std::string LogGopsSimulator::stuck_report() const {
  constexpr std::size_t kMaxLines = 12;
  std::string text;
  std::size_t stuck = 0;
  for (std::uint32_t r = 0; r < ranks_.size(); ++r) {
    const OpGraph& graph = plan(r).graph();
    for (std::size_t i = 0; i < graph.size(); ++i) {
      if (ranks_[r].start[i] == SimTime::never() || ranks_[r].end[i] != SimTime::never()) continue;
      if (++stuck > kMaxLines) continue;
      const Op what = graph.op(OpId(i));
      const RankId peer = what.peer.valid() ? workload_.peer(RankId(r), what.peer) : RankId();
      text += fmt::format(
          "\n  rank {}, op '{}' (id {}): {} {}, {}, {}", r, graph.name(OpId(i)),
          graph.source_id(OpId(i)),
          what.kind == OpKind::kSend ? "waits for a receive at" : "waits for a message from",
          peer_text(peer), tag_text(what.tag), to_string(what.size));
    }
  }
  if (stuck > kMaxLines) text += fmt::format("\n  and {} more ops", stuck - kMaxLines);
  return text;
}

}  // namespace plait
