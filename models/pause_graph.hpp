// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file pause_graph.hpp
/// Which paused queues of one instant wait for each other for ever: deadlocks of priority flow
/// control. Definitions, and why a cycle found here never resolves by itself:
/// docs/models/pathologies.md, section 1. The condition is that of Dally and Seitz (IEEE ToC 1987)
/// with buffers of ingress ports in place of channels: Hu et al., "Deadlocks in Datacenter
/// Networks: Why Do They Form, and How to Avoid Them", HotNets 2016.

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "models/records.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait {

class Switch;

/// One priority of an egress port that the peer has paused.
struct PausedQueue {
  PortId egress;
  std::uint8_t priority = 0;
  SimTime since{};
};

/// Vertices are paused queues between switches; an edge leads from A -> B to B -> C if B holds
/// packets from A in its paused queue towards C, so that A waits for C.
class PauseGraph {
 public:
  std::uint32_t add(const PausedQueue& queue);
  void add_wait(std::uint32_t from, std::uint32_t to) { waits_[from].push_back(to); }

  bool empty() const { return queues_.empty(); }
  bool contains(const PausedQueue& queue) const;

  /// One shortest cycle of each strongly connected component, from its lowest port on. `since` is
  /// when its last pause began.
  /// @param known  components that have a queue of one of these are left out.
  std::vector<PauseCycle> cycles(const std::vector<const PauseCycle*>& known = {}) const;

 private:
  std::vector<std::uint32_t> components() const;
  std::vector<std::uint32_t> shortest_cycle(std::uint32_t start) const;

  std::vector<PausedQueue> queues_;
  std::vector<std::vector<std::uint32_t>> waits_;
  std::map<std::pair<PortId, std::uint8_t>, std::uint32_t> index_;
};

using SwitchesByNode = std::vector<std::unique_ptr<Switch>>;

/// The paused queues that stay so whatever else happens in the fabric: the greatest set in which
/// each is paused by a switch that holds too many bytes from it in queues of the set. Empty as long
/// as some way out exists. Between windows only.
PauseGraph stuck_queues(const FabricGraph& graph, const SwitchesByNode& switches);

/// The cycles of a run, seen at successive checks.
class PauseCycleLog {
 public:
  /// Notes new cycles that are at least `least_age` old and those that have dissolved.
  void update(SimTime now, Duration least_age, const PauseGraph& stuck);
  bool any_stands() const;
  const std::vector<PauseCycle>& cycles() const { return cycles_; }

 private:
  std::vector<PauseCycle> cycles_;
};

}  // namespace plait
