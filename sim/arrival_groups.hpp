// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file arrival_groups.hpp
/// The arrivals of a batch group by group. Each is a key: from the upper bits down its group, its
/// offset in the window, and where it was gathered.

#include <algorithm>
#include <cstdint>
#include <span>

namespace plait {

class ArrivalGroups {
 public:
  static constexpr unsigned kIndexBits = 20;
  static constexpr std::uint32_t kMostArrivals = 1U << kIndexBits;

  /// @param keys  in order; behind them lies one above all groups.
  /// @param time_bits  of the offset.
  ArrivalGroups(std::span<const std::uint64_t> keys, unsigned time_bits)
      : key_(keys.data()), end_(key_ + keys.size()), time_bits_(time_bits) {}

  /// Some group is left.
  bool any() const { return key_ != end_; }
  /// Begins the group of the next arrival. @return its number.
  std::uint32_t open() {
    const std::uint64_t group = *key_ >> (kIndexBits + time_bits_);
    before_ = group << time_bits_;
    return static_cast<std::uint32_t>(group);
  }
  /// Of the next arrival of the group, in picoseconds since the window's begin; `end` if none is
  /// left. @pre open(); `end` is behind all arrivals, and not beyond the window's end.
  std::int64_t offset_or(std::int64_t end) const {
    // Arrivals of later groups lie at least 2^time_bits behind.
    return std::min(static_cast<std::int64_t>((*key_ >> kIndexBits) - before_), end);
  }
  /// Where it was gathered.
  std::uint32_t index() const { return static_cast<std::uint32_t>(*key_) & (kMostArrivals - 1); }
  void next() { ++key_; }

 private:
  const std::uint64_t* key_;
  const std::uint64_t* end_;
  std::uint64_t before_ = 0;
  unsigned time_bits_;
};

}  // namespace plait
