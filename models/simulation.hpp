// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file simulation.hpp
/// A fabric simulated packet by packet: owns one entity per host and per switch and the engine that
/// drives them. Several simulations may live in one process. Use: construct, place ranks, run once,
/// take records.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "models/faults.hpp"
#include "models/host_services.hpp"
#include "models/network_simulation.hpp"
#include "models/records.hpp"
#include "models/scale_up.hpp"
#include "models/switch_params.hpp"
#include "models/transport_params.hpp"
#include "topologies/fabric_graph.hpp"
#include "topologies/route_table.hpp"

namespace plait {

struct NetworkParams {
  WireParams wire;
  SwitchParams switches;
  TransportParams transport;
  ScaleUpParams scale_up;
  RoutingParams routing;
  std::vector<FaultEvent> faults;
  std::uint64_t seed = 1;       ///< Of ECMP hashing, marking and loss.
  bool record_messages = true;  ///< Keep one MessageRecord per message.
  bool record_pauses = false;   ///< Keep one PauseRecord per PFC frame received.
  /// For tests: no fast path. Windows of all nodes in step, and switches that take every arrival in
  /// order and catch up all ports at each, where they need it or not. Must change nothing but the
  /// speed.
  bool plain_paths = false;
  bool time_visits = false;  ///< For visit_times(); changes nothing but the speed.
};

/// A flow direction bound to one path: node names do not matter, only egress port numbers.
struct PinnedPath {
  EndpointId from, to;
  bool control = false;       ///< ACK/CNP direction of flows `to` -> `from`.
  std::vector<NodeId> nodes;  ///< Host, switches..., host.
  /// Packed QueuePairName of the only connection that this binds; none: all between the two.
  std::optional<std::uint32_t> queue_pair = {};
};

class Simulation final : public NetworkSimulation {
 public:
  /// @param graph, routes  must outlive the simulation.
  /// @throws UserError on parameters that do not fit the fabric.
  Simulation(const FabricGraph& graph, const RouteTable& routes, const NetworkParams& params);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) override;
  /// The process on `gpu`, or null.
  RankProcess* process(GpuId gpu);
  /// Binds packets to paths; switches not named on a path keep ECMP. @throws UserError if two
  /// consecutive nodes have no common cable.
  void pin_paths(const std::vector<PinnedPath>& paths);

  RunEnd run(const RunOptions& options) override;
  RunRecords records() const override;

  /// Delivery time of `size` bytes from one GPU to another through empty queues.
  Duration ideal_delivery(GpuId from, GpuId to, Bytes size) const;

  std::size_t memory_bytes() const override;
  /// Packets under way that carry telemetry: none once nothing is under way. For tests.
  std::size_t telemetry_in_use() const;
  VisitTimes visit_times() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
