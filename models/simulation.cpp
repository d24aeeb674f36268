// SPDX-License-Identifier: Apache-2.0
#include "models/simulation.hpp"

#include <algorithm>
#include <optional>

#include "models/entity_groups.hpp"
#include "models/path.hpp"
#include "models/simulation_impl.hpp"
#include "sim/error.hpp"

namespace plait {

std::vector<Entity*> Simulation::Impl::entities() {
  std::vector<Entity*> all;
  for (std::size_t n = 0; n < host_of.size(); ++n)
    all.push_back(host_of[n] ? static_cast<Entity*>(host_of[n].get()) : switch_of[n].get());
  if (!context.params.time_visits) return all;
  for (Entity*& entity : all) {
    timed_entities.push_back(std::make_unique<TimedEntity>(*entity));
    entity = timed_entities.back().get();
  }
  return all;
}

// Hosts and the switches of each tier are spread evenly, in contiguous runs that keep pods
// together.
std::vector<unsigned> Simulation::Impl::owners(unsigned workers) const {
  const FabricGraph& graph = context.graph;
  const auto class_of = [&](NodeId n) {
    return graph.node(n).kind == NodeKind::kHost ? 0U : graph.node(n).tier + 1;
  };
  std::vector<std::size_t> total, seen;
  for (std::size_t n = 0; n < graph.node_count(); ++n) {
    const unsigned c = class_of(NodeId(n));
    if (c >= total.size()) total.resize(c + 1);
    ++total[c];
  }
  seen.resize(total.size());
  std::vector<unsigned> owner;
  for (std::size_t n = 0; n < graph.node_count(); ++n) {
    const unsigned c = class_of(NodeId(n));
    owner.push_back(static_cast<unsigned>(seen[c]++ * workers / total[c]));
  }
  return owner;
}

EntityGroups Simulation::Impl::groups() const {
  if (context.params.plain_paths)
    return EntityGroups::single(context.graph.node_count(), context.lookahead());
  return entity_groups(context);
}

RunProgress Simulation::Impl::progress(const Window& window) const {
  RunProgress p;
  p.now = SimTime::ps(window.end_ps);
  for (const WorkerScratch& scratch : context.scratch) {
    p.packet_hops += scratch.packet_hops;
    p.events += scratch.events;
  }
  for (const auto& host : host_of) {
    if (!host) continue;
    p.ranks += host->placed();
    p.ranks_finished += host->finished();
  }
  return p;
}

bool Simulation::Impl::all_finished() const {
  return std::all_of(host_of.begin(), host_of.end(),
                     [](const auto& host) { return !host || host->finished() == host->placed(); });
}

bool Simulation::Impl::has_background() const {
  return std::any_of(host_of.begin(), host_of.end(),
                     [](const auto& host) { return host && host->has_background(); });
}

// Where the background is cut when the last rank has finished, at T: a time that depends on the
// model alone, not on windows, and that no entity has passed when the window of T is over.
SimTime Simulation::Impl::cut_time() const {
  SimTime last;
  for (const auto& host : host_of)
    if (host) last = std::max(last, host->finished_at());
  return last + entity_groups(context).spread();
}

void Simulation::Impl::balance_pools() {
  std::vector<FreeList<Chunk<Packet>>*> chunks;
  std::vector<FreeList<IntSlot>*> slots;
  for (WorkerScratch& scratch : context.scratch) {
    chunks.push_back(&scratch.pool.free_list());
    slots.push_back(&scratch.int_slots.free_list());
  }
  balance(chunks);
  balance(slots);
}

void Simulation::Impl::wake_for_faults(WindowEngine& engine) const {
  for (std::size_t n = 0; n < host_of.size(); ++n) {
    const std::span<const FaultStep> steps = context.faults->steps(NodeId(n));
    if (!steps.empty()) engine.wake(EntityId(n), SimTime::ps(steps.front().at_ps));
  }
}

bool Simulation::Impl::faults_to_come(SimTime now) const {
  for (std::size_t n = 0; n < host_of.size(); ++n) {
    const std::span<const FaultStep> steps = context.faults->steps(NodeId(n));
    if (!steps.empty() && steps.back().at_ps >= now.ps()) return true;
  }
  return false;
}

// After this time behind a pause nothing is on its way any more.
Duration Simulation::Impl::longest_flight() const {
  Duration longest;
  for (const LinkClass& link : context.link_classes)
    longest = std::max(
        longest, Duration::ps(link.known_ps(0, link.serialisation_ps(context.full_packet_wire()))));
  return longest;
}

// @return true if a cycle stands that nothing can break.
bool Simulation::Impl::look_for_cycles(SimTime now, Duration least_age) {
  pause_cycles.update(now, least_age, stuck_queues(context.graph, switch_of));
  return pause_cycles.any_stands() && !context.params.switches.pfc.watchdog.enabled &&
         !faults_to_come(now);
}

// The last event of a rank; of a run that did not finish, or that cut what ran in the background,
// how far it was simulated.
SimTime Simulation::Impl::end_time() const {
  if (end != RunEnd::kFinished || has_background()) return SimTime::ps(simulated_ps);
  SimTime last;
  for (const auto& host : host_of)
    if (host) last = std::max(last, host->last_event());
  return last;
}

// The last event of a rank, acknowledgement or end of a flow. Faults may be much later.
SimTime Simulation::Impl::last_progress() const {
  SimTime last;
  RunRecords records;
  records.links.resize(context.graph.port_count());
  for (const auto& host : host_of) {
    if (!host) continue;
    last = std::max(last, host->last_event());
    host->collect(SimTime::ps(simulated_ps), records);
  }
  for (const FlowRecord& flow : records.flows) {
    last = std::max(last, flow.last_acked);
    if (flow.failed != SimTime::never()) last = std::max(last, flow.failed);
  }
  return last;
}

Simulation::Simulation(const FabricGraph& graph, const RouteTable& routes,
                       const NetworkParams& params)
    : impl_(std::make_unique<Impl>(graph, routes, params)) {}

Simulation::~Simulation() = default;

void Simulation::place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) {
  if (impl_->context.params.time_visits) {
    auto timed = std::make_unique<TimedProcess>(std::move(process));
    impl_->timed_processes.push_back(timed.get());
    process = std::move(timed);
  }
  impl_->host(gpu).place(gpu, std::move(process), start);
  impl_->starts.emplace_back(gpu, start);
}

RankProcess* Simulation::process(GpuId gpu) {
  RankProcess* process = impl_->host(gpu).process(gpu);
  if (process == nullptr || !impl_->context.params.time_visits) return process;
  return static_cast<TimedProcess*>(process)->inner();
}

void Simulation::pin_paths(const std::vector<PinnedPath>& paths) {
  const FabricGraph& graph = impl_->context.graph;
  for (const PinnedPath& path : paths) {
    for (std::size_t i = 1; i + 1 < path.nodes.size(); ++i) {
      const NodeId here = path.nodes[i], next = path.nodes[i + 1];
      std::uint32_t number = 0;
      while (number < graph.node(here).ports &&
             graph.port_node(graph.peer(graph.port(here, number))) != next)
        ++number;
      if (number == graph.node(here).ports || !impl_->switch_of[here.index()])
        throw UserError("a pinned path goes from " + graph.node(here).name + " to " +
                        graph.node(next).name + ", which no cable joins");
      impl_->switch_of[here.index()]->pin(path, static_cast<std::uint16_t>(number));
    }
  }
}

RunEnd Simulation::run(const RunOptions& options) {
  PLAIT_CHECK(!impl_->ran, "a simulation runs once");
  PLAIT_CHECK_LE(1U, options.threads);
  impl_->ran = true;
  for (unsigned worker = 0; worker < options.threads; ++worker)
    impl_->context.scratch.emplace_back(impl_->context.annex.bytes());
  WindowEngine::Options engine_options;
  engine_options.workers = options.threads;
  engine_options.parallel_from = options.parallel_from;
  engine_options.fetch_ahead = impl_->context.graph.port_count() >= options.fetch_from_ports;
  EntityGroups groups = impl_->groups();
  groups.limit(options.max_window);
  WindowEngine engine(impl_->entities(), impl_->owners(options.threads), groups, engine_options);
  for (const auto& [gpu, start] : impl_->starts)
    engine.wake(EntityId(impl_->context.graph.gpu_host(gpu).index()), start);
  impl_->wake_for_faults(engine);

  bool deadlock = false;
  const bool has_background = impl_->has_background();
  std::optional<SimTime> cut;
  if (options.deadlock_check > Duration()) impl_->next_cycle_check_ps = options.deadlock_check.ps();
  const auto executor = make_executor(options.threads);
  const auto end = engine.run(*executor, options.until, [&](const Window& window) {
    impl_->simulated_ps = window.end_ps;
    constexpr std::uint64_t kBalanceWindows = 64;
    if (++impl_->windows % kBalanceWindows == 0 && engine.is_shared()) impl_->balance_pools();
    if (window.end_ps >= impl_->next_cycle_check_ps) [[unlikely]] {
      const std::int64_t period = options.deadlock_check.ps();
      impl_->next_cycle_check_ps = (window.end_ps / period + 1) * period;
      deadlock = impl_->look_for_cycles(SimTime::ps(window.end_ps), options.deadlock_check);
      if (deadlock) return false;
    }
    if (has_background && !cut && impl_->all_finished()) {
      cut = impl_->cut_time();
      engine.stop_at(*cut);
    }
    return !options.progress || impl_->windows % options.progress_windows != 0 ||
           options.progress(impl_->progress(window));
  });
  if (impl_->all_finished()) {  // what is left may be a timer that nobody waits for
    impl_->end = RunEnd::kFinished;
    if (cut) impl_->simulated_ps = std::min(*cut, options.until).ps();
  } else if (deadlock || end == WindowEngine::End::kIdle) {
    impl_->end = RunEnd::kDeadlock;
  } else {
    impl_->end = end == WindowEngine::End::kStopped ? RunEnd::kStopped : RunEnd::kTimeLimit;
    if (impl_->end == RunEnd::kTimeLimit) impl_->simulated_ps = options.until.ps();
  }
  if (!deadlock && impl_->end != RunEnd::kStopped)
    impl_->look_for_cycles(impl_->end_time(), impl_->longest_flight());
  // Where nothing more happens, the run is over when it last came on, not with a timer or a fault
  // to which nobody listens. A ring of pauses has the time of the look that found it.
  if (impl_->end == RunEnd::kDeadlock && !impl_->pause_cycles.any_stands())
    impl_->simulated_ps = impl_->last_progress().ps();
  return impl_->end;
}

Duration Simulation::ideal_delivery(GpuId from, GpuId to, Bytes size) const {
  const NetworkContext& context = impl_->context;
  const FabricGraph& graph = context.graph;
  const NodeId from_host = graph.gpu_host(from), to_host = graph.gpu_host(to);
  if (from_host == to_host)
    return ScaleUp(context.params.scale_up, graph.node(from_host).gpus).ideal(size);
  const Path path(context, context.endpoint_of(from), context.endpoint_of(to));
  const std::int64_t mtu = context.params.transport.mtu.count();
  const std::int64_t packets = std::max<std::int64_t>(1, (size.count() + mtu - 1) / mtu);
  const auto last = static_cast<std::uint32_t>(size.count() - (packets - 1) * mtu);
  return path.delivery(static_cast<std::uint64_t>(packets), context.full_packet_wire(),
                       context.data_overhead() + last);
}

std::size_t Simulation::memory_bytes() const {
  const NetworkContext& context = impl_->context;
  std::size_t sum = context.channels.memory_bytes() + context.routes.memory_bytes();
  for (const WorkerScratch& scratch : context.scratch)
    sum += scratch.pool.memory_bytes() + scratch.int_slots.memory_bytes();
  for (const auto& host : impl_->host_of)
    if (host) sum += host->memory_bytes();
  for (const auto& sw : impl_->switch_of)
    if (sw) sum += sw->memory_bytes();
  return sum;
}

std::size_t Simulation::telemetry_in_use() const {
  std::size_t slots = 0, free = 0;
  for (const WorkerScratch& scratch : impl_->context.scratch) {
    slots += scratch.int_slots.slots();
    free += scratch.int_slots.free_list().size();
  }
  return slots - free;
}

}  // namespace plait
