// SPDX-License-Identifier: Apache-2.0
#include "models/simulation.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "models/host.hpp"
#include "models/network_context.hpp"
#include "models/path.hpp"
#include "models/pause_graph.hpp"
#include "models/switch.hpp"
#include "sim/error.hpp"

namespace plait {

struct Simulation::Impl {
  Impl(const FabricGraph& graph, const RouteTable& routes, const NetworkParams& params)
      : context(graph, routes, params), host_of(graph.node_count()), switch_of(graph.node_count()) {
    for (std::size_t n = 0; n < graph.node_count(); ++n) {
      const NodeId node(n);
      if (graph.node(node).kind == NodeKind::kHost) {
        host_of[n] = std::make_unique<Host>(node, context);
      } else {
        switch_of[n] = std::make_unique<Switch>(node, context);
      }
    }
  }

  Host& host(GpuId gpu) { return *host_of[context.graph.gpu_host(gpu).index()]; }
  std::vector<Entity*> entities() const;
  std::vector<unsigned> owners(unsigned workers) const;
  std::vector<std::uint8_t> sides() const;
  RunProgress progress(const Window& window) const;
  bool all_finished() const;
  bool has_background() const;
  SimTime cut_time() const;
  void balance_pools();
  void wake_for_faults(WindowEngine& engine) const;
  bool faults_to_come(SimTime now) const;
  Duration longest_flight() const;
  bool look_for_cycles(SimTime now, Duration least_age);
  SimTime end_time() const;
  SimTime last_progress() const;
  void join_messages(RunRecords& records) const;
  void collect_faults(std::vector<FaultRecord>& faults) const;
  std::vector<PortId> path_of(const FlowRecord& flow) const;
  void add_paths(RunRecords& records) const;
  void add_totals(RunRecords& records) const;

  NetworkContext context;
  std::vector<std::unique_ptr<Host>> host_of;      // by node; null for switches
  std::vector<std::unique_ptr<Switch>> switch_of;  // by node; null for hosts
  std::vector<std::pair<GpuId, SimTime>> starts;
  std::uint64_t windows = 0;
  std::int64_t next_cycle_check_ps = INT64_MAX;
  PauseCycleLog pause_cycles;
  std::int64_t simulated_ps = 0;  // end of the last window, or the time limit
  RunEnd end = RunEnd::kFinished;
  bool ran = false;
};

std::vector<Entity*> Simulation::Impl::entities() const {
  std::vector<Entity*> all;
  for (std::size_t n = 0; n < host_of.size(); ++n)
    all.push_back(host_of[n] ? static_cast<Entity*>(host_of[n].get()) : switch_of[n].get());
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

// Two sides so that every cable joins one to the other; empty if some cycle of cables is odd.
std::vector<std::uint8_t> Simulation::Impl::sides() const {
  constexpr std::uint8_t kUnknown = 2;
  const FabricGraph& graph = context.graph;
  std::vector<std::uint8_t> side(graph.node_count(), kUnknown);
  std::vector<NodeId> reached;
  for (std::size_t start = 0; start < side.size(); ++start) {
    if (side[start] != kUnknown) continue;
    side[start] = 0;
    reached.emplace_back(start);
    while (!reached.empty()) {
      const NodeId node = reached.back();
      reached.pop_back();
      for (std::uint32_t p = 0; p < graph.node(node).ports; ++p) {
        const NodeId peer = graph.port_node(graph.peer(graph.port(node, p)));
        if (side[peer.index()] == side[node.index()]) return {};
        if (side[peer.index()] != kUnknown) continue;
        side[peer.index()] = side[node.index()] ^ 1U;
        reached.push_back(peer);
      }
    }
  }
  return side;
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
// model alone, not on windows. The window of that rank ends at most two lookaheads behind T, and
// no entity is further than it.
SimTime Simulation::Impl::cut_time() const {
  SimTime last;
  for (const auto& host : host_of)
    if (host) last = std::max(last, host->finished_at());
  return last + 2 * context.lookahead();
}

void Simulation::Impl::balance_pools() {
  std::vector<ChunkPool<Packet>*> pools;
  for (WorkerScratch& scratch : context.scratch) pools.push_back(&scratch.pool);
  balance(pools);
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

// The receiver knows when a message arrived, the sender all the rest: the k-th message of a queue
// pair on one side is the k-th on the other.
void Simulation::Impl::join_messages(RunRecords& records) const {
  const FabricGraph& graph = context.graph;
  MessageKey current;
  const std::vector<std::int64_t>* deliveries = nullptr;
  std::size_t index = 0;
  for (MessageRecord& message : records.messages) {
    const NodeId to = graph.gpu_host(message.to);
    if (graph.gpu_host(message.from) == to) continue;
    const MessageKey key{message.from, message.to, message.stream};
    if (key != current) {
      current = key;
      index = 0;
      const EndpointId endpoint = context.endpoint_of(key.to);
      deliveries = host_of[to.index()]
                       ->nic(graph.port_number(graph.endpoint_port(endpoint)))
                       .deliveries(context.endpoint_of(key.from), context.queue_pair(key).pack());
    }
    if (deliveries != nullptr && index < deliveries->size())
      message.delivered = SimTime::ps((*deliveries)[index++]);
  }
}

void Simulation::Impl::collect_faults(std::vector<FaultRecord>& faults) const {
  faults.resize(context.params.faults.size());
  for (const auto& host : host_of)
    if (host) host->faults().collect(faults);
  for (const auto& sw : switch_of)
    if (sw) sw->faults().collect(faults);
}

// Empty if packets of the flow take several paths.
std::vector<PortId> Simulation::Impl::path_of(const FlowRecord& flow) const {
  const FabricGraph& graph = context.graph;
  const EndpointId from = context.endpoint_of(flow.from), to = context.endpoint_of(flow.to);
  Packet packet = Packet::make(PacketKind::kData, from, to, 0, 0);
  packet.queue_pair = context.queue_pair({flow.from, flow.to, flow.stream}).pack();
  packet.entropy = flow.entropy;
  packet.set_lane(flow.lane);
  std::vector<PortId> path{graph.endpoint_port(from)};
  for (;;) {
    const NodeId node = graph.port_node(graph.peer(path.back()));
    if (switch_of[node.index()] == nullptr) return path;
    const std::uint32_t port = switch_of[node.index()]->fixed_port(packet);
    if (port == Switch::kVaries || path.size() > graph.node_count()) return {};
    path.push_back(graph.port(node, port));
  }
}

void Simulation::Impl::add_paths(RunRecords& records) const {
  const bool any_paused =
      std::any_of(records.links.begin(), records.links.end(),
                  [](const LinkRecord& link) { return link.paused > Duration(); });
  const bool moves = context.params.transport.entropy.kind != EntropyKind::kFixed ||
                     !context.params.faults.empty();
  if (!any_paused || moves) return;
  FlowPaths& paths = records.flow_paths;
  paths.begin.push_back(0);
  for (const FlowRecord& flow : records.flows) {
    const std::vector<PortId> path = path_of(flow);
    paths.links.insert(paths.links.end(), path.begin(), path.end());
    paths.begin.push_back(static_cast<std::uint32_t>(paths.links.size()));
  }
}

void Simulation::Impl::add_totals(RunRecords& records) const {
  RunTotals& totals = records.totals;
  for (const auto& host : host_of) {
    if (!host) continue;
    totals.fingerprint += host->fingerprint();
    totals.lost_on_links += host->lost();
    totals.lost_to_faults += host->faults().lost();
  }
  for (const auto& sw : switch_of) {
    if (!sw) continue;
    totals.fingerprint += sw->fingerprint();
    totals.lost_on_links += sw->lost();
    totals.lost_to_faults += sw->faults().lost();
    totals.unroutable += sw->faults().unroutable();
  }
  for (const WorkerScratch& scratch : context.scratch) {
    totals.packet_hops += scratch.packet_hops;
    totals.calm_visits += scratch.calm_visits;
  }
  totals.windows = windows;
  totals.end = end_time();
  for (const LinkRecord& link : records.links) {
    totals.pfc_pauses += link.pauses_sent;
    totals.ecn_marks += link.ecn_marks;
    totals.drops += link.drops;
    totals.lossless_drops += link.lossless_drops;
    totals.trims += link.trims;
    totals.watchdog_triggers += link.watchdog_triggers;
    totals.watchdog_drops += link.watchdog_drops;
  }
  for (const FlowRecord& flow : records.flows) {
    totals.retransmitted += flow.retransmitted;
    totals.timeouts += flow.timeouts;
  }
}

Simulation::Simulation(const FabricGraph& graph, const RouteTable& routes,
                       const NetworkParams& params)
    : impl_(std::make_unique<Impl>(graph, routes, params)) {}

Simulation::~Simulation() = default;

void Simulation::place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) {
  impl_->host(gpu).place(gpu, std::move(process), start);
  impl_->starts.emplace_back(gpu, start);
}

RankProcess* Simulation::process(GpuId gpu) { return impl_->host(gpu).process(gpu); }

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
      impl_->switch_of[here.index()]->pinned_routes().add(path, static_cast<std::uint16_t>(number));
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
  engine_options.lookahead = std::min(impl_->context.lookahead(), options.max_window);
  engine_options.workers = options.threads;
  engine_options.parallel_from = options.parallel_from;
  WindowEngine engine(
      impl_->entities(), impl_->owners(options.threads), engine_options,
      impl_->context.params.plain_paths ? std::vector<std::uint8_t>() : impl_->sides());
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
    if (++impl_->windows % kBalanceWindows == 0 && options.threads > 1) impl_->balance_pools();
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

RunRecords Simulation::records() const {
  RunRecords records;
  records.links.resize(impl_->context.graph.port_count());
  const SimTime end = impl_->end_time();
  for (const auto& host : impl_->host_of)
    if (host) host->collect(end, records);
  for (const auto& sw : impl_->switch_of)
    if (sw) sw->collect(end, records);
  std::stable_sort(records.pauses.begin(), records.pauses.end(),
                   [](const PauseRecord& a, const PauseRecord& b) {
                     return std::tie(a.time, a.node, a.port) < std::tie(b.time, b.node, b.port);
                   });
  impl_->collect_faults(records.faults);
  records.pause_cycles = impl_->pause_cycles.cycles();
  impl_->join_messages(records);
  std::map<std::tuple<GpuId, GpuId, Bytes>, Duration> ideal;  // most messages are alike
  for (MessageRecord& message : records.messages) {
    const auto [it, is_new] = ideal.try_emplace({message.from, message.to, message.size});
    if (is_new) it->second = ideal_delivery(message.from, message.to, message.size);
    message.ideal = it->second;
  }
  std::stable_sort(records.messages.begin(), records.messages.end(),
                   [](const MessageRecord& a, const MessageRecord& b) {
                     return std::tie(a.posted, a.from, a.to, a.stream) <
                            std::tie(b.posted, b.from, b.to, b.stream);
                   });
  std::sort(
      records.flows.begin(), records.flows.end(), [](const FlowRecord& a, const FlowRecord& b) {
        return std::tie(a.from, a.to, a.stream, a.lane) < std::tie(b.from, b.to, b.stream, b.lane);
      });
  impl_->add_paths(records);
  impl_->add_totals(records);
  return records;
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
  for (const WorkerScratch& scratch : context.scratch) sum += scratch.pool.memory_bytes();
  for (const auto& host : impl_->host_of)
    if (host) sum += host->memory_bytes();
  for (const auto& sw : impl_->switch_of)
    if (sw) sum += sw->memory_bytes();
  return sum;
}

}  // namespace plait
