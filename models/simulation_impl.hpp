// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file simulation_impl.hpp
/// Inside of Simulation, for its own files: simulation.cpp builds and runs, simulation_records.cpp
/// collects what came out.

#include <memory>
#include <utility>
#include <vector>

#include "models/host.hpp"
#include "models/network_context.hpp"
#include "models/pause_graph.hpp"
#include "models/simulation.hpp"
#include "models/switch.hpp"
#include "models/visit_timer.hpp"

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
  std::vector<Entity*> entities();
  std::vector<unsigned> owners(unsigned workers) const;
  EntityGroups groups() const;
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
  std::vector<std::unique_ptr<Host>> host_of;                // by node; null for switches
  std::vector<std::unique_ptr<Switch>> switch_of;            // by node; null for hosts
  std::vector<std::unique_ptr<TimedEntity>> timed_entities;  // by node, if visits are timed
  std::vector<const TimedProcess*> timed_processes;
  std::vector<std::pair<GpuId, SimTime>> starts;
  std::uint64_t windows = 0;
  std::int64_t next_cycle_check_ps = INT64_MAX;
  PauseCycleLog pause_cycles;
  std::int64_t simulated_ps = 0;  // end of the last window, or the time limit
  RunEnd end = RunEnd::kFinished;
  bool ran = false;
};

}  // namespace plait
