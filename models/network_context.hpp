// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file network_context.hpp
/// What all entities of one simulation share: constant tables, the channels, and scratch space per
/// worker. Entity id == node id. Channel id == id of the port that receives.

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "models/ecn_rules.hpp"
#include "models/fault_plan.hpp"
#include "models/link.hpp"
#include "models/load_balancer.hpp"
#include "models/packet.hpp"
#include "models/packet_annex.hpp"
#include "models/simulation.hpp"
#include "models/waiting_arrivals.hpp"
#include "sim/arrival_batch.hpp"
#include "sim/channel.hpp"
#include "sim/window_engine.hpp"
#include "topologies/fabric_graph.hpp"
#include "topologies/route_table.hpp"
#include "topologies/route_weights.hpp"

namespace plait {

/// What a switch notes of the arrivals of one visit.
struct SwitchScratch {
  WaitingArrivals late;               ///< Of the port under service.
  std::int64_t bytes = 0;             ///< Of all.
  bool odd = false;                   ///< A pause frame, or a packet without a route.
  bool any_drawn = false;             ///< A packet with several next hops, to be drawn.
  std::vector<std::int64_t> by_port;  ///< Bytes by ingress or egress port, where asked for.
  /// By egress port, while routes are drawn by load: when all that has come for it will be on its
  /// way, and what more takes.
  std::vector<std::int64_t> free_ps, ps_per_byte;
  LoadBalancer::Trial choices;
};

/// Belongs to one worker; a visit may use it freely.
struct alignas(128) WorkerScratch {
  explicit WorkerScratch(std::size_t annex_bytes) : pool(annex_bytes) {}
  ChunkPool<Packet> pool;
  IntPool int_slots;
  ArrivalBatch<Packet> batch;
  SwitchScratch survey;
  std::uint64_t packet_hops = 0;
  std::uint64_t events = 0;
  std::uint64_t calm_visits = 0;
};

/// Egress ports fixed by a pinned path file, for one switch.
class PinnedRoutes {
 public:
  void add(const PinnedPath& path, std::uint16_t port) {
    const std::uint64_t ends = key(path.from.value(), path.to.value(), path.control);
    ports_[ends][path.queue_pair ? std::uint64_t{*path.queue_pair} : kEvery] = port;
  }
  /// The pinned port, or -1.
  int find(const Packet& packet) const {
    const bool data = packet.kind() == PacketKind::kData || packet.kind() == PacketKind::kTrimmed;
    const auto ends =
        ports_.find(key(packet.source().value(), packet.destination().value(), !data));
    if (ends == ports_.end()) return -1;
    auto it = ends->second.find(packet.queue_pair);
    if (it == ends->second.end()) it = ends->second.find(kEvery);
    return it == ends->second.end() ? -1 : it->second;
  }

 private:
  static constexpr std::uint64_t kEvery = UINT64_MAX;  // queue pairs have 32 bits

  static std::uint64_t key(std::uint64_t from, std::uint64_t to, bool control) {
    return from << 32 | to << 1 | static_cast<std::uint64_t>(control);
  }
  // By ends, then by queue pair; looked up only, never iterated.
  std::unordered_map<std::uint64_t, std::unordered_map<std::uint64_t, std::uint16_t>> ports_;
};

/// The host's port that serves a GPU: GPU g of n uses NIC g * nics / n. @pre the host has one.
inline PortId nic_port(const FabricGraph& graph, GpuId gpu) {
  const NodeId host = graph.gpu_host(gpu);
  const FabricNode& node = graph.node(host);
  const std::uint32_t local = gpu.value() - graph.first_gpu(host).value();
  return graph.port(host, local * node.ports / node.gpus);
}

struct NetworkContext {
  NetworkContext(const FabricGraph& fabric, const RouteTable& route_table,
                 const NetworkParams& network);

  const FabricGraph& graph;
  const RouteTable& routes;
  const NetworkParams params;
  std::vector<RouteWeights> route_weights;  ///< By table of the fault plan; weighted ECMP only.
  std::vector<LinkClass> link_classes;
  std::vector<std::uint16_t> link_class_of;     ///< By egress port, as cabled.
  std::vector<MarkThresholds> mark_thresholds;  ///< By link class, as cabled, and priority.
  std::unique_ptr<const FaultPlan> faults;      ///< Not null.
  bool telemetry = false;                       ///< Data and ACKs carry an IntTicket.
  bool posting_order = false;                   ///< Packets carry a Lineage.
  PacketAnnex annex;
  ChannelStore<Packet> channels;
  std::vector<WorkerScratch> scratch;  ///< By worker.
  bool short_flowlets = false;  ///< Flowlets may overtake those before (models/flowlet_gap.hpp).
  IntScale int_scale;

  /// @pre the host of the GPU has a NIC.
  EndpointId endpoint_of(GpuId gpu) const { return graph.endpoint(nic_port(graph, gpu)); }
  /// Name on the wire of the connection between two GPUs.
  QueuePairName queue_pair(const MessageKey& key) const {
    return {key.from.value() - graph.first_gpu(graph.gpu_host(key.from)).value(),
            key.to.value() - graph.first_gpu(graph.gpu_host(key.to)).value(), key.stream};
  }
  const LinkClass& link_class(PortId egress) const {
    return link_classes[link_class_of[egress.index()]];
  }
  /// Window where no cable bounds it: hosts without neighbours.
  static constexpr Duration kMaxLookahead = Duration::us(100);
  /// Least time from the start of a transmission to its effect on another entity.
  Duration lookahead() const;
  /// Wire size of a frame of `bytes`.
  std::uint32_t wire(Bytes bytes) const {
    return static_cast<std::uint32_t>((bytes + params.transport.gap).count());
  }
  /// Wire size of a data frame less its payload, of an ACK or NACK, and of a CNP.
  std::uint32_t data_overhead() const {
    return wire(params.transport.header + encapsulation() + telemetry_header());
  }
  std::uint32_t ack_wire() const {
    return wire(params.transport.ack + encapsulation() + telemetry_header());
  }
  std::uint32_t cnp_wire() const { return wire(params.transport.cnp + encapsulation()); }
  std::uint32_t full_packet_wire() const {
    return data_overhead() + static_cast<std::uint32_t>(params.transport.mtu.count());
  }
  /// Packets sent later than a missing one that must be acknowledged before it counts as lost.
  std::uint32_t reorder_threshold() const;

 private:
  std::unique_ptr<const FaultPlan> make_faults(std::uint32_t largest_frame);
  void set_int_scale();
  Bytes encapsulation() const { return encapsulation_bytes(params.transport.encapsulation); }
  Bytes telemetry_header() const { return telemetry ? params.transport.int_header : Bytes(0); }
};

}  // namespace plait
