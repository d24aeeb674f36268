// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file flow_run.hpp
/// Bare flows between hosts over a fabric: what comparisons with packet simulators are made of.

#include <cstdint>
#include <vector>

#include "models/simulation.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait::validation {

/// One message on a queue pair of its own.
struct Flow {
  std::uint32_t from = 0, to = 0;  ///< Numbers of GPUs; with one GPU per host, of hosts.
  Bytes size{};
  SimTime start{};
};

struct FlowRun {
  /// From the start until the sender has the last acknowledgement, in the order of the flows.
  std::vector<Duration> completion;
  RunRecords records;
};

/// @param threads  of the simulation; changes nothing but the speed.
/// @throws UserError if a flow does not end within ten simulated seconds.
FlowRun run_flows(const FabricGraph& graph, const NetworkParams& params,
                  const std::vector<Flow>& flows, const std::vector<PinnedPath>& pinned = {},
                  unsigned threads = 1);

}  // namespace plait::validation
