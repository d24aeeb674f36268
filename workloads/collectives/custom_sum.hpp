// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file custom_sum.hpp
/// A chunk of data as a symbol, for the check that an algorithm computes its collective.

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace plait {

/// What a chunk of a buffer holds: input chunk `index` of some ranks, added up. No ranks: nothing.
class SymbolicSum {
 public:
  SymbolicSum() = default;
  SymbolicSum(std::uint32_t rank, std::uint32_t index) : index_(index) { add_rank(rank); }

  bool empty() const { return once_.empty(); }
  std::uint32_t index() const { return index_; }
  std::uint32_t first_rank() const {
    for (std::uint32_t rank = 0;; ++rank)
      if (has(once_, rank)) return rank;
  }
  void add_rank(std::uint32_t rank) {
    if (has(once_, rank)) set(twice_, rank);
    set(once_, rank);
  }
  /// @pre of one index.
  void add(const SymbolicSum& other) {
    for (std::size_t w = 0; w < other.once_.size(); ++w)
      for (std::uint32_t bit = 0; bit < 64; ++bit)
        if (((other.once_[w] >> bit) & 1) != 0) add_rank(static_cast<std::uint32_t>(64 * w) + bit);
    for (std::size_t w = 0; w < other.twice_.size(); ++w) {
      if (twice_.size() <= w) twice_.resize(w + 1);
      twice_[w] |= other.twice_[w];
    }
  }
  /// For the user.
  std::string text() const {
    if (empty()) return "nothing";
    constexpr std::size_t kMostShown = 8;
    std::string result;
    std::size_t shown = 0;
    for (std::uint32_t rank = 0; rank < 64 * once_.size(); ++rank) {
      if (!has(once_, rank)) continue;
      if (++shown > kMostShown) return result + " + ...";
      result += fmt::format("{}{}chunk {} of gpu {}", shown > 1 ? " + " : "",
                            has(twice_, rank) ? "more than once " : "", index_, rank);
    }
    return result;
  }
  friend bool operator==(const SymbolicSum&, const SymbolicSum&) = default;

 private:
  using Bits = std::vector<std::uint64_t>;  // by rank; no zeros at the end
  static bool has(const Bits& bits, std::uint32_t rank) {
    return rank / 64 < bits.size() && ((bits[rank / 64] >> (rank % 64)) & 1) != 0;
  }
  static void set(Bits& bits, std::uint32_t rank) {
    if (rank / 64 >= bits.size()) bits.resize(rank / 64 + 1);
    bits[rank / 64] |= std::uint64_t{1} << (rank % 64);
  }

  std::uint32_t index_ = 0;
  Bits once_, twice_;
};

}  // namespace plait
