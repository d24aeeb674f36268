// SPDX-License-Identifier: Apache-2.0
#include "sim/statistics.hpp"

#include <bit>
#include <cmath>

namespace plait {

std::uint64_t nearest_rank(double q, std::uint64_t count) {
  PLAIT_CHECK(q >= 0 && q <= 1, "q = " + std::to_string(q));
  PLAIT_CHECK_LT(std::uint64_t{0}, count);
  // 0.07 * 100 is 7.000000000000001 in binary: the slack keeps such a product at rank 7, not 8.
  const double rank = std::ceil(q * static_cast<double>(count) * (1 - 1e-12));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, count) - 1;
}

Histogram::Histogram(unsigned precision_bits) : precision_bits_(precision_bits) {
  PLAIT_CHECK(precision_bits >= 1 && precision_bits <= 16, std::to_string(precision_bits));
}

// Values below 2^p have a bucket each. A value with its top bit at p + s (s >= 0) lies in the group
// s + 1 of 2^p buckets, at the p bits that follow its top bit.
std::size_t Histogram::bucket_of(std::uint64_t value) const {
  const std::uint64_t linear = std::uint64_t{1} << precision_bits_;
  if (value < linear) return value;
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - precision_bits_;
  return (std::size_t{shift} << precision_bits_) + (value >> shift);
}

std::uint64_t Histogram::middle_of(std::size_t bucket) const {
  const std::uint64_t linear = std::uint64_t{1} << precision_bits_;
  if (bucket < linear) return bucket;
  const std::size_t shift = (bucket >> precision_bits_) - 1;
  const std::uint64_t low = (bucket - (shift << precision_bits_)) << shift;
  return low + ((std::uint64_t{1} << shift) >> 1);
}

void Histogram::record(std::uint64_t value, std::uint64_t times) {
  if (times == 0) return;
  const std::size_t bucket = bucket_of(value);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  buckets_[bucket] += times;
  count_ += times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<Wide>(value) * times;
}

void Histogram::merge(const Histogram& other) {
  PLAIT_CHECK_EQ(precision_bits_, other.precision_bits_);
  if (buckets_.size() < other.buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

std::uint64_t Histogram::min() const {
  PLAIT_CHECK_LT(std::uint64_t{0}, count_);
  return min_;
}

std::uint64_t Histogram::max() const {
  PLAIT_CHECK_LT(std::uint64_t{0}, count_);
  return max_;
}

double Histogram::mean() const {
  PLAIT_CHECK_LT(std::uint64_t{0}, count_);
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t Histogram::quantile(double q) const {
  const std::uint64_t rank = nearest_rank(q, count_);
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while ((seen += buckets_[bucket]) <= rank) ++bucket;
  return std::clamp(middle_of(bucket), min_, max_);
}

}  // namespace plait
