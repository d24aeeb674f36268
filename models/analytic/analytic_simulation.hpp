// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file analytic_simulation.hpp
/// A fabric without packets: every message and every collective call has a closed-form cost, and
/// nobody's traffic is in anybody else's way. One thread, one event queue. For screening many
/// points and for clusters too large for packets. Equations, sources, and what it leaves out:
/// docs/models/analytic.md.

#include <memory>

#include "models/network_simulation.hpp"
#include "models/simulation.hpp"
#include "topologies/fabric_graph.hpp"
#include "topologies/route_table.hpp"

namespace plait {

class AnalyticSimulation final : public NetworkSimulation {
 public:
  /// @param graph, routes  must outlive the simulation.
  /// @throws UserError on parameters that do not fit the fabric, and on faults: nothing here could
  /// feel them.
  AnalyticSimulation(const FabricGraph& graph, const RouteTable& routes,
                     const NetworkParams& params);
  ~AnalyticSimulation() override;
  AnalyticSimulation(const AnalyticSimulation&) = delete;
  AnalyticSimulation& operator=(const AnalyticSimulation&) = delete;

  void place(GpuId gpu, std::unique_ptr<RankProcess> process, SimTime start) override;
  /// Of the options: until, progress (called now and then). The rest is about packets and threads.
  RunEnd run(const RunOptions& options) override;
  RunRecords records() const override;
  std::size_t memory_bytes() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
