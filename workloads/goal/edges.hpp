// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file edges.hpp
/// Dependencies of one rank's GOAL ops, which both forms give in any order.

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sim/spill.hpp"

namespace plait {

class GoalEdges {
 public:
  /// The op at `position` waits for the one with this id.
  void add(std::uint32_t position, std::uint64_t id) { edges_.emplace_back(position, id); }
  /// Comes between the last add() and the first take().
  void sort() { std::sort(edges_.begin(), edges_.end()); }
  /// All ids that the op waits for, until the next take(). @pre positions ascend.
  std::span<const std::uint64_t> take(std::uint32_t position) {
    ids_.clear();
    for (; next_ < edges_.size() && edges_[next_].first == position; ++next_)
      ids_.push_back(edges_[next_].second);
    return ids_;
  }
  void clear() {
    edges_.clear();
    next_ = 0;
  }

 private:
  SpillVector<std::pair<std::uint32_t, std::uint64_t>> edges_;
  std::size_t next_ = 0;
  std::vector<std::uint64_t> ids_;
};

}  // namespace plait
