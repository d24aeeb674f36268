// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file route_weights.hpp
/// Weights of the equal-cost next hops of a RouteTable, for weighted ECMP: how much can get through
/// behind each hop. Zhou et al., "WCMP: Weighted Cost Multipathing for Improved Fairness in Data
/// Centers", EuroSys 2014, without its reduction to small tables: shares are exact to 2^-32.
///
/// C(s) is what switch s can carry towards an edge switch d; C(d) has no bound. For the next hops
/// of s, grouped by the switch p they lead to, R_p the sum of their rates: a hop of rate r has
/// weight r * min(1, C(p) / R_p), and C(s) is the sum of the weights.

#include <cstdint>
#include <span>
#include <vector>

#include "topologies/route_table.hpp"

namespace plait {

class RouteWeights {
 public:
  /// A function of the graph and the routes alone: compute it again when they change.
  /// @param rates  by egress port, where they differ from the graph's (zero: carries nothing);
  ///               empty: the graph's.
  RouteWeights(const FabricGraph& graph, const RouteTable& routes,
               std::span<const BitRate> rates = {});

  /// For n next hops n - 1 thresholds, ascending: hop i stands for the 32-bit numbers from
  /// threshold i - 1 (or 0) to below threshold i (or 2^32). Empty: all weigh the same.
  std::span<const std::uint64_t> thresholds(NodeId sw, EndpointId to) const {
    const std::uint32_t set = set_of_cell_[routes_.cell(sw, to)];
    return {values_.data() + begin_[set], begin_[set + 1] - begin_[set]};
  }

  std::size_t memory_bytes() const;

 private:
  class Builder;
  const RouteTable& routes_;
  std::vector<std::uint32_t> set_of_cell_;
  std::vector<std::size_t> begin_;  // by set, into values_; set 0 is empty
  std::vector<std::uint64_t> values_;
};

}  // namespace plait
