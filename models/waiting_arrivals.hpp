// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file waiting_arrivals.hpp
/// FIFO queues, one per priority, of arrivals that still lie where they came: chained by their
/// numbers in the batch. Scratch space of a worker: empty whenever no port is being served.

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "models/switch_params.hpp"

namespace plait {

class WaitingArrivals {
 public:
  WaitingArrivals() { std::iota(last_.begin(), last_.end(), 0U); }

  /// Makes room for arrivals with numbers below `count`. @pre all queues are empty.
  void reserve(std::size_t count) {
    if (next_.size() < kPriorities + count) next_.resize(kPriorities + 2 * count);
  }
  // A queue begins at a place of its own, so that the first of a queue is not a special case: the
  // processor could not foresee it.
  void push(std::uint32_t priority, std::uint32_t arrival) {
    const std::uint32_t place = kPriorities + arrival;
    next_[last_[priority]] = place;
    last_[priority] = place;
  }
  /// @pre the queue is not empty; nor for pop().
  std::uint32_t front(std::uint32_t priority) const { return next_[priority] - kPriorities; }
  /// Drops the first. @return whether others are left.
  bool pop(std::uint32_t priority) {
    const std::uint32_t first = next_[priority];
    const bool left = first != last_[priority];
    if (left) {
      next_[priority] = next_[first];
    } else {
      last_[priority] = priority;
    }
    return left;
  }

 private:
  std::vector<std::uint32_t> next_;              // by place: of the one behind it; heads come first
  std::array<std::uint32_t, kPriorities> last_;  // place by priority; its head if it is empty
};

}  // namespace plait
