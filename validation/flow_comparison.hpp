// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file flow_comparison.hpp
/// Completion times of the same flows in two simulators, in whole nanoseconds.

#include <cstdint>
#include <string>
#include <vector>

#include "models/simulation.hpp"
#include "topologies/fabric_graph.hpp"
#include "validation/flow_run.hpp"

namespace plait::validation {

struct FlowComparison {
  std::vector<std::int64_t> theirs_ns, ours_ns;  ///< By flow.
  std::size_t equal = 0;                         ///< Flows without any difference.
  std::size_t worst = 0;                         ///< Index of the largest difference.
  double mean_theirs = 0, mean_ours = 0;
  /// Largest relative difference when both are sorted: what is left when flows only swapped places.
  double sorted_worst = 0;

  std::int64_t difference(std::size_t flow) const { return ours_ns[flow] - theirs_ns[flow]; }
  bool exact() const { return equal == theirs_ns.size(); }
};

FlowComparison compare_flows(const std::vector<Duration>& theirs,
                             const std::vector<Duration>& ours);

/// Flows whose first packets reach a switch in the same nanosecond and want the same egress. Which
/// of them goes first no rule of the protocol says; simulators order them by accident of their
/// event queues, and everything after may differ.
struct Tie {
  NodeId node;        ///< The switch.
  NodeId next;        ///< Where both want to go.
  std::int64_t ns;    ///< When.
  std::size_t flows;  ///< How many.
};

/// On empty links. @param paths  of the data, by flow.
std::vector<Tie> first_packet_ties(const FabricGraph& graph, const NetworkParams& params,
                                   const std::vector<Flow>& flows,
                                   const std::vector<std::vector<NodeId>>& paths);

/// "switch 17 to 0 at 1083 ns: 16 flows", the largest of them.
std::string describe_ties(const FabricGraph& graph, const std::vector<Tie>& ties);

}  // namespace plait::validation
