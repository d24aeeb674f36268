// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ns3_model.hpp
/// What the ns-3 RDMA simulators compute, in Plait's parameters: frames, clock, switch memory and
/// congestion control of a configuration file on a topology.

#include <cstdint>

#include "models/simulation.hpp"
#include "topologies/fabric_graph.hpp"
#include "validation/ns3_config.hpp"

namespace plait::validation {

/// Over all pairs of hosts: the longest round trip, one way of it with a full payload, and the
/// largest product of a round trip and the slowest link of its path. These are what that simulator
/// gives to every queue pair (its key GLOBAL_T).
struct Ns3Reach {
  Duration base_rtt{};
  Bytes bdp{};
  bool uniform = true;  ///< Every pair has the same.
};

/// Twice the cable delays, and per link the whole nanoseconds of `payload` without headers.
Ns3Reach ns3_reach(const FabricGraph& graph, Bytes payload);

/// Of the first host: that simulator takes it for all. @pre the graph has an endpoint.
BitRate nic_rate(const FabricGraph& graph);

/// @throws UserError naming what of the configuration does not fit the topology or Plait.
NetworkParams ns3_network(const Ns3Config& config, const FabricGraph& graph, std::uint64_t seed);

}  // namespace plait::validation
