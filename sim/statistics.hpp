// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file statistics.hpp
/// Quantiles, exact from kept values or approximate from a histogram. Both use the nearest-rank
/// definition: the q-quantile of n values is the smallest value that at least q * n of them do not
/// exceed. It is always a value that occurred, never an interpolation; q = 0 gives the minimum and
/// q = 1 the maximum.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "sim/check.hpp"

namespace plait {

/// Position from 0 of the q-quantile among `count` sorted values. @pre count > 0, 0 <= q <= 1.
std::uint64_t nearest_rank(double q, std::uint64_t count);

/// Exact quantiles of a set of values: sorts once, then each question is one look-up.
template <class T>
class Quantiles {
 public:
  explicit Quantiles(std::vector<T> values) : sorted_(std::move(values)) {
    std::sort(sorted_.begin(), sorted_.end());
  }

  std::size_t count() const { return sorted_.size(); }
  bool empty() const { return sorted_.empty(); }
  /// @pre not empty.
  T at(double q) const { return sorted_[nearest_rank(q, sorted_.size())]; }
  T min() const { return at(0); }
  T max() const { return at(1); }

 private:
  std::vector<T> sorted_;
};

/// Counts of non-negative integers in log-linear buckets (the layout of HdrHistogram): exact below
/// 2^precision_bits, above that 2^precision_bits equal buckets per power of two. Memory grows with
/// the largest value: 8 bytes * 2^precision_bits per power of two, at most 59 KB with 7 bits.
/// Every figure is independent of the order of record() and merge().
class Histogram {
 public:
  /// @param precision_bits  In [1, 16]. A quantile is off by at most 2^-(precision_bits + 1) of
  ///                        the exact one: 0.4 % with 7 bits.
  explicit Histogram(unsigned precision_bits = 7);

  void record(std::uint64_t value, std::uint64_t times = 1);
  /// @pre same precision.
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Exact. @pre not empty (also for max, mean, quantile).
  std::uint64_t min() const;
  std::uint64_t max() const;
  double mean() const;  ///< Exact but for the final division.
  /// Middle of the bucket that holds the nearest-rank quantile, and never outside [min, max].
  std::uint64_t quantile(double q) const;

 private:
  __extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): -Wpedantic

  std::size_t bucket_of(std::uint64_t value) const;
  std::uint64_t middle_of(std::size_t bucket) const;

  unsigned precision_bits_;
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
  Wide sum_ = 0;
};

}  // namespace plait
