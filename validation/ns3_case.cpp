// SPDX-License-Identifier: Apache-2.0
#include "validation/ns3_case.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "models/packet.hpp"
#include "sim/error.hpp"
#include "study/build.hpp"
#include "topologies/route_table.hpp"
#include "topologies/topology_file.hpp"
#include "validation/ns3_model.hpp"

namespace plait::validation {

namespace {

FabricGraph read_topology(const std::string& file) {
  FabricParts parts;
  parts.host = {1, 1};
  return build(TopologyFileParams{file, TopologyFormat::kNs3}, parts);
}

// The file names hosts by their node ids; with one GPU each, GPUs and endpoints count hosts alone.
std::uint32_t host_number(const FabricGraph& graph, std::uint32_t id, const std::string& file) {
  if (id >= graph.node_count() || graph.node(NodeId(id)).kind != NodeKind::kHost)
    throw UserError({file}, fmt::format("{} is not the id of a host of the topology", id));
  return graph.first_gpu(NodeId(id)).value();
}

// Flows of the same two hosts are told apart by their running number, as run_flows() numbers them.
void bind_to_flows(std::vector<PinnedPath>& paths, const std::vector<Flow>& flows) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> streams;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const std::uint32_t stream = streams[{flows[i].from, flows[i].to}]++;
    for (const std::size_t path : {2 * i, 2 * i + 1})
      paths[path].queue_pair = QueuePairName{0, 0, stream}.pack();
  }
}

bool single_paths(const FabricGraph& graph, const std::vector<Flow>& flows) {
  const RouteTable routes(graph);
  for (const Flow& flow : flows)
    for (const NodeId node : graph.switches())
      if (routes.next_hops(node, EndpointId(flow.to)).size() > 1 ||
          routes.next_hops(node, EndpointId(flow.from)).size() > 1)
        return false;
  return true;
}

}  // namespace

Ns3Case::Ns3Case(const Ns3Files& files)
    : config_(read_ns3_config(files.config)),
      graph_(read_topology(files.topology)),
      reference_(read_flow_table(files.flows)) {
  for (const NodeId host : graph_.hosts())
    if (graph_.node(host).ports != 1)
      throw UserError({files.topology},
                      fmt::format("{} has {} links; hosts must have one", graph_.node(host).name,
                                  graph_.node(host).ports));
  for (Flow& flow : reference_.flows) {
    flow.from = host_number(graph_, flow.from, files.flows);
    flow.to = host_number(graph_, flow.to, files.flows);
  }
  if (!files.pauses.empty()) pauses_ = read_pause_log(files.pauses);
  if (reference_.has_paths) {
    pinned_ = read_pinned_paths(files.flows, graph_);
    bind_to_flows(pinned_, reference_.flows);
  } else if (!single_paths(graph_, reference_.flows)) {
    throw UserError({files.flows},
                    "the topology has several paths, and which one a flow took depends on that "
                    "program's memory allocator: columns data_path and ack_path are needed");
  }
}

NetworkParams Ns3Case::network(std::uint64_t seed) const {
  return ns3_network(config_, graph_, seed);
}

FlowRun Ns3Case::run(std::uint64_t seed, unsigned threads) const {
  NetworkParams params = network(seed);
  params.record_pauses = pauses_.has_value();
  return run_flows(graph_, params, reference_.flows, pinned_, threads);
}

std::optional<PauseComparison> Ns3Case::compare_pauses(const FlowRun& ours) const {
  if (!pauses_) return std::nullopt;
  return validation::compare_pauses(*pauses_, pause_events(ours.records.pauses));
}

std::vector<std::vector<NodeId>> Ns3Case::data_paths() const {
  std::vector<std::vector<NodeId>> paths;
  for (std::size_t i = 0; i < pinned_.size(); i += 2) paths.push_back(pinned_[i].nodes);
  if (!paths.empty()) return paths;
  const RouteTable routes(graph_);
  for (const Flow& flow : reference_.flows) {
    const EndpointId to(flow.to);
    std::vector<NodeId> path{graph_.gpu_host(GpuId(flow.from))};
    PortId port = graph_.endpoint_port(EndpointId(flow.from));
    for (;;) {
      path.push_back(graph_.port_node(graph_.peer(port)));
      if (graph_.node(path.back()).kind == NodeKind::kHost) break;
      port = graph_.port(path.back(), routes.next_hops(path.back(), to)[0]);
    }
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<Tie> Ns3Case::ties() const {
  return first_packet_ties(graph_, network(), reference_.flows, data_paths());
}

}  // namespace plait::validation
