// SPDX-License-Identifier: Apache-2.0
#include "models/host.hpp"

#include <algorithm>

#include "sim/error.hpp"
#include "sim/hash.hpp"

namespace plait {

std::size_t Host::KeyHash::operator()(const MessageKey& key) const {
  return hash64(static_cast<std::uint64_t>(key.from.value()) << 32 | key.to.value(), key.stream);
}

Host::Host(NodeId node, NetworkContext& context)
    : nics_(context.graph.node(node).ports),
      context_(context),
      node_(node),
      first_port_(context.graph.node(node).first_port),
      first_gpu_(context.graph.first_gpu(node)),
      gpus_(context.graph.node(node).gpus),
      faults_(context, node),
      loss_(context.faults->loss(0), hash64(context.params.seed, node.value()), 0,
            context.graph.node(node).ports, faults_.active()),
      processes_(gpus_),
      done_(gpus_) {
  const FabricNode& info = context.graph.node(node);
  if (gpus_ > kMaxGpusPerHost)
    throw UserError("host " + info.name + " has " + std::to_string(gpus_) + " GPUs; at most " +
                    std::to_string(kMaxGpusPerHost) + " are supported");
  for (std::uint32_t p = 0; p < info.ports; ++p)
    nics_.emplace_back(context, context.graph.endpoint(PortId(first_port_ + p)),
                       static_cast<NicListener&>(*this), faults_, next_nic_timer_ps_);
  if (gpus_ > 1 && context.params.scale_up.kind != ScaleUpKind::kNone)
    scale_up_ = std::make_unique<ScaleUp>(context.params.scale_up, gpus_, first_gpu_);
  faulty_ = faults_.active();
  loses_ = loss_.possible();
}

void Host::place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) {
  PLAIT_CHECK(processes_[local(gpu)] == nullptr, "two processes on one GPU");
  const bool background = process->background();
  const bool has_background = process->has_background();
  processes_[local(gpu)] = std::move(process);
  set_timer({start.ps(), timer_sequence_++, 0, local(gpu), TimerKind::kStart});
  // One that nobody waits for counts as done from the beginning.
  done_[local(gpu)] = background;
  has_background_ |= has_background;
  placed_ += !background;
}

// ---- services to ranks

void Host::send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) {
  PLAIT_CHECK_LT(key.stream, kMaxStreams);
  const NodeId to_host = context_.graph.gpu_host(key.to);
  if (to_host == node_) {
    if (!scale_up_)
      throw UserError("host " + context_.graph.node(node_).name +
                      " has no scale-up network between its GPUs; set fabric.scale_up.kind");
    if (context_.params.record_messages) {
      MessageRecord record;
      record.from = key.from;
      record.to = key.to;
      record.stream = key.stream;
      record.size = size;
      record.posted = now;
      local_flow(key).messages.push_back(record);
    }
    return scale_up_->send(now, key, local(key.from), local(key.to), size, token);
  }
  const FabricNode& info = context_.graph.node(to_host);
  if (info.ports == 0 || nics_.empty())
    throw UserError("no NIC between host " + context_.graph.node(node_).name + " and host " +
                    info.name);
  const PortId own = context_.graph.endpoint_port(context_.endpoint_of(key.from));
  Nic& nic = nics_[own.value() - first_port_];
  nic.advance(now.ps() - 1);
  nic.send(now.ps(), key, context_.endpoint_of(key.to), context_.queue_pair(key).pack(), size,
           token);
}

// Not among the message records: what is delivered is not what somebody sent.
void Host::send_in_switch(SimTime now, const SwitchTransfer& transfer) {
  PLAIT_CHECK(scale_up_ != nullptr, "only hosts with a switch have algorithms that use it");
  scale_up_->send_in_switch(now, transfer);
}

void Host::call_at(SimTime at, GpuId gpu, std::uint64_t token) {
  set_timer({at.ps(), timer_sequence_++, token, local(gpu), TimerKind::kCall});
}

void Host::set_timer(const Timer& timer) {
  timers_.push(timer);
  next_timer_ps_ = std::min(next_timer_ps_, timer.at_ps);
}

Host::LocalFlow& Host::local_flow(const MessageKey& key) {
  const auto [it, is_new] =
      local_index_.try_emplace(key, static_cast<std::uint32_t>(local_flows_.size()));
  if (is_new) local_flows_.emplace_back();
  return local_flows_[it->second];
}

// ---- the visit

std::int64_t Host::visit(const Window& window, Worker& worker) {
  WorkerScratch& scratch = context_.scratch[worker.index()];
  together_ = context_.posting_order ||
              context_.params.transport.rto.ps() < window.end_ps - window.begin_ps;
  for (Nic& nic : nics_) nic.begin_visit(scratch);
  ArrivalBatch<Packet>& batch = scratch.batch;
  batch.gather(context_.channels, first_port_, static_cast<std::uint32_t>(nics_.size()),
               window.parity, window.begin_ps, window.end_ps - window.begin_ps, worker.ahead());
  batch.sort();
  scratch.events += batch.size();
  worker.count(batch.size());
  if (context_.telemetry)
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Packet& packet = *batch[i].item;
      if (packet.kind() != PacketKind::kData)
        __builtin_prefetch(context_.annex.ticket(packet).slot());
    }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    worker.ahead().step(4);
    const auto arrival = batch[i];
    const std::int64_t now = window.begin_ps + arrival.offset;
    const Packet& packet = *arrival.item;
    if (faulty_ && faults_.next_ps() <= now) [[unlikely]]
      apply_faults(now);
    run_local(now);
    advance_for(arrival.channel, now - 1);
    fingerprint_.add(digest(packet, digest_place(now, arrival.channel)));
    if (!loses_ || !lost_on_arrival(arrival.channel, packet)) [[likely]]
      nics_[arrival.channel].receive(now, packet);
    // Of what was lost here or was not answered.
    if (context_.telemetry) scratch.int_slots.give(context_.annex.ticket(packet));
  }
  if (faulty_ && faults_.next_ps() < window.end_ps) [[unlikely]]
    apply_faults(window.end_ps - 1);
  run_local(window.end_ps - 1);
  advance_nics(window.end_ps - 1);
  const std::int64_t next_arrival = batch.next_arrival_ps();
  batch.release(scratch.pool);
  for (Nic& nic : nics_) nic.end_visit(window, worker);
  return next_wish(next_arrival);
}

void Host::prepare(const Window& window, unsigned visits_before, FetchQueue& ahead) const {
  for (std::uint32_t n = 0; n < nics_.size(); ++n) {
    if (visits_before > 1) {
      context_.channels.name_slots(window.parity, first_port_ + n, 1, ahead);
      nics_[n].name_self(ahead);
    } else {
      context_.channels.name_items(window.parity, first_port_ + n, ahead);
      nics_[n].name_flows(ahead);
    }
  }
}

void Host::run_due(std::int64_t until) {
  for (;;) {
    const std::int64_t now = next_local_ps();
    if (now > until) return;
    if (together_) advance_nics(now - 1);
    if (next_nic_timer_ps_ <= now) run_nic_timers(now);
    while (next_timer_ps_ <= now) {
      const Timer timer = timers_.top();
      timers_.pop();
      next_timer_ps_ = timers_.empty() ? INT64_MAX : timers_.top().at_ps;
      run_timer(timer);
    }
    if (scale_up_ && scale_up_->next_time().ps() <= now)
      scale_up_->advance(SimTime::ps(now), *this);
  }
}

void Host::run_nic_timers(std::int64_t now) {
  next_nic_timer_ps_ = INT64_MAX;
  for (Nic& nic : nics_) {
    if (nic.next_timer_ps() <= now) {
      nic.advance(now - 1);
      nic.on_timer(now);
    }
    next_nic_timer_ps_ = std::min(next_nic_timer_ps_, nic.next_timer_ps());
  }
}

void Host::run_timer(const Timer& timer) {
  const SimTime now = SimTime::ps(timer.at_ps);
  RankProcess& process = *processes_[timer.gpu];
  if (timer.kind == TimerKind::kStart) {
    process.on_start(now, *this);
  } else {
    process.on_timer(now, timer.token);
  }
  note(timer.at_ps, timer.gpu);
}

void Host::advance_nics(std::int64_t until) {
  for (Nic& nic : nics_) nic.advance(until);
}

std::int64_t Host::next_wish(std::int64_t next_arrival) const {
  std::int64_t next = std::min(next_arrival, next_local_ps());
  if (faulty_) next = std::min(next, faults_.wish_ps());
  for (const Nic& nic : nics_) next = std::min(next, nic.next_send_ps());
  return next;
}

// Something happened to the rank on `gpu`: it goes into the fingerprint, and may have been its end.
void Host::note(std::int64_t now, std::uint32_t gpu) {
  fingerprint_.add(static_cast<std::uint64_t>(now) << 7 ^ gpu);
  last_event_ps_ = now;
  if (done_[gpu] || !processes_[gpu]->finished()) return;
  done_[gpu] = true;
  ++finished_;
  finished_at_ps_ = now;
}

void Host::message_delivered(std::int64_t now, const MessageKey& key, Bytes size) {
  const std::uint32_t gpu = local(key.to);
  if (processes_[gpu] == nullptr) return;
  processes_[gpu]->on_delivered(SimTime::ps(now), key, size);
  note(now, gpu);
}

void Host::message_acked(std::int64_t now, const MessageKey& key, std::uint64_t token) {
  const std::uint32_t gpu = local(key.from);
  processes_[gpu]->on_sent(SimTime::ps(now), token);
  note(now, gpu);
}

void Host::delivered(SimTime now, const MessageKey& key, Bytes size) {
  if (context_.params.record_messages) {
    LocalFlow& flow = local_flow(key);
    flow.messages[flow.delivered++].delivered = now;
  }
  message_delivered(now.ps(), key, size);
}

void Host::acked(SimTime now, const MessageKey& key, std::uint64_t token) {
  if (context_.params.record_messages) {
    LocalFlow& flow = local_flow(key);
    flow.messages[flow.acked++].acked = now;
  }
  message_acked(now.ps(), key, token);
}

void Host::collect(SimTime end, RunRecords& records) const {
  for (const Nic& nic : nics_) nic.collect(end, records);
  for (std::uint32_t n = 0; n < nics_.size(); ++n)
    records.links[first_port_ + n].lost_to_faults = faults_.lost_at(n);
  for (const LocalFlow& flow : local_flows_)
    records.messages.insert(records.messages.end(), flow.messages.begin(), flow.messages.end());
}

std::size_t Host::memory_bytes() const {
  std::size_t sum = sizeof(*this);
  for (const Nic& nic : nics_) sum += nic.memory_bytes();
  return sum;
}

}  // namespace plait
