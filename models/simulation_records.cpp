// SPDX-License-Identifier: Apache-2.0
// What a simulation gives out after its run: messages joined from both ends, paths, totals.
#include <algorithm>
#include <map>
#include <tuple>

#include "models/simulation_impl.hpp"
#include "sim/spill_sort.hpp"

namespace plait {

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
  spill_stable_sort(records.messages, [](const MessageRecord& a, const MessageRecord& b) {
    return std::tie(a.posted, a.from, a.to, a.stream) < std::tie(b.posted, b.from, b.to, b.stream);
  });
  std::sort(
      records.flows.begin(), records.flows.end(), [](const FlowRecord& a, const FlowRecord& b) {
        return std::tie(a.from, a.to, a.stream, a.lane) < std::tie(b.from, b.to, b.stream, b.lane);
      });
  impl_->add_paths(records);
  impl_->add_totals(records);
  return records;
}

VisitTimes Simulation::visit_times() const {
  VisitTimes times;
  for (std::size_t n = 0; n < impl_->timed_entities.size(); ++n)
    (impl_->host_of[n] ? times.hosts_s : times.switches_s) += impl_->timed_entities[n]->seconds();
  for (const TimedProcess* process : impl_->timed_processes)
    times.processes_s += process->seconds();
  times.hosts_s -= times.processes_s;
  return times;
}

}  // namespace plait
