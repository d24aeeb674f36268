// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file op_plan.hpp
/// What a rank needs to walk an op graph and what does not change while it does: who follows whom
/// (dependencies and in-order streams together) and the number of each collective call in its
/// group. Computed once per graph and shared by all ranks that share the graph.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/spill.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

class OpPlan {
 public:
  static constexpr std::uint32_t kNoCall = UINT32_MAX;

  /// @pre `graph` is in topological order, as OpGraphBuilder makes it.
  explicit OpPlan(std::shared_ptr<const OpGraph> graph);

  const OpGraph& graph() const { return *graph_; }
  /// Ops that wait for the end of `id`, ascending; may name an op twice.
  std::span<const OpId> successors(OpId id) const { return after_end_.of(id); }
  /// The same for the start of `id`.
  std::span<const OpId> start_successors(OpId id) const { return after_start_.of(id); }
  /// How many entries of successor lists name `id`.
  std::uint32_t predecessors(OpId id) const { return predecessors_[id.index()]; }

  /// Groups of which the graph calls collectives, ascending.
  std::span<const GroupId> groups() const { return groups_; }
  /// Index of `group` in groups(), or kNoCall.
  std::uint32_t slot(GroupId group) const;
  /// Collective calls of groups()[slot] in the order of the graph, in which every member makes
  /// them.
  std::span<const OpId> calls(std::uint32_t slot) const { return calls_[slot]; }
  /// Number of the call within its group, from 0; kNoCall for other ops.
  std::uint32_t call_number(OpId id) const { return call_number_[id.index()]; }

 private:
  struct Successors {
    SpillVector<std::uint32_t> first;  // into ops, by op, and one more
    SpillVector<OpId> ops;

    std::span<const OpId> of(OpId id) const {
      return {ops.data() + first[id.index()], first[id.index() + 1] - first[id.index()]};
    }
  };

  void link();
  template <class EachEdge>
  Successors collect(const EachEdge& each_edge);
  void number_calls();

  std::shared_ptr<const OpGraph> graph_;
  Successors after_end_, after_start_;
  SpillVector<std::uint32_t> predecessors_, call_number_;
  std::vector<GroupId> groups_;
  std::vector<SpillVector<OpId>> calls_;  // by slot
};

/// One plan per graph, by rank; ranks with the same graph share a plan.
std::vector<std::shared_ptr<const OpPlan>> make_plans(const Workload& workload);

}  // namespace plait
