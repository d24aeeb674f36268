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
  /// For tests: switches catch up all ports at every arrival, where they need it or not. Must
  /// change nothing but the speed.
  bool always_catch_up = false;
};

/// A flow direction bound to one path: node names do not matter, only egress port numbers.
struct PinnedPath {
  EndpointId from, to;
  bool control = false;       ///< ACK/CNP direction of flows `to` -> `from`.
  std::vector<NodeId> nodes;  ///< Host, switches..., host.
  /// Packed QueuePairName of the only connection that this binds; none: all between the two.
  std::optional<std::uint32_t> queue_pair = {};
};

struct RunProgress {
  SimTime now{};
  std::uint64_t packet_hops = 0;
  std::uint64_t events = 0;  ///< Arrivals processed by entities.
  std::size_t ranks_finished = 0, ranks = 0;
};

struct RunOptions {
  unsigned threads = 1;              ///< >= 1; results do not depend on it.
  SimTime until = SimTime::never();  ///< Stop here even if ranks still run.
  /// Windows that follow one with fewer visits than this run on one thread.
  std::uint64_t parallel_from = 32;
  Duration max_window = Duration::max();  ///< For tests: shorter windows must change nothing.
  /// Called about every `progress_windows` windows on the calling thread; false stops the run.
  std::function<bool(const RunProgress&)> progress;
  std::uint64_t progress_windows = 1024;
  /// Simulated time between looks for cycles of pauses; one that has stood as long stops the run,
  /// unless a watchdog or a fault to come may break it. 0: only at the end.
  Duration deadlock_check = Duration::ms(1);
};

enum class RunEnd : std::uint8_t {
  kFinished,  ///< All ranks are done and the network is empty.
  kDeadlock,  ///< Ranks are not done, and nothing will ever happen again or pauses stand in a
              ///< cycle.
  kTimeLimit,
  kStopped,  ///< The progress callback said so.
};

class Simulation {
 public:
  /// @param graph, routes  must outlive the simulation.
  /// @throws UserError on parameters that do not fit the fabric.
  Simulation(const FabricGraph& graph, const RouteTable& routes, const NetworkParams& params);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Gives `gpu` a process. @pre each GPU at most once, before run().
  void place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start);
  /// The process on `gpu`, or null.
  RankProcess* process(GpuId gpu);
  /// Binds packets to paths; switches not named on a path keep ECMP. @throws UserError if two
  /// consecutive nodes have no common cable.
  void pin_paths(const std::vector<PinnedPath>& paths);

  RunEnd run(const RunOptions& options);

  /// Ranks and ops are left empty here: the ranks themselves know them.
  RunRecords records() const;

  /// Delivery time of `size` bytes from one GPU to another through empty queues.
  Duration ideal_delivery(GpuId from, GpuId to, Bytes size) const;

  /// Bytes of memory held by entities, channels and tables, for the benchmarks.
  std::size_t memory_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
