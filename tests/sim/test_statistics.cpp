// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "sim/statistics.hpp"
#include "sim/units.hpp"

using namespace plait;

TEST_CASE("quantiles are nearest-rank", "[statistics]") {
  // The example of the definition: ranks ceil(q * 5) of {15, 20, 35, 40, 50}.
  const Quantiles<int> q({35, 15, 50, 20, 40});
  CHECK(q.at(0.05) == 15);  // ceil(0.25) = 1
  CHECK(q.at(0.30) == 20);  // ceil(1.5) = 2
  CHECK(q.at(0.40) == 20);  // ceil(2.0) = 2
  CHECK(q.at(0.50) == 35);  // ceil(2.5) = 3
  CHECK(q.at(1.00) == 50);
  CHECK(q.at(0.00) == 15);
  CHECK(q.min() == 15);
  CHECK(q.max() == 50);
  CHECK(q.count() == 5);
}

TEST_CASE("every whole percentile of 1..100 is that number", "[statistics]") {
  // Rank ceil(p/100 * 100) = p, although p / 100.0 * 100 is above p in binary for some p
  // (7, 14...).
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 1);
  const Quantiles<int> q(values);
  for (int percent = 1; percent <= 100; ++percent) CHECK(q.at(percent / 100.0) == percent);
  CHECK(q.at(0.999) == 100);  // ceil(99.9) = 100
}

TEST_CASE("quantiles work on durations and refuse nonsense", "[statistics]") {
  const Quantiles<Duration> q({Duration::us(3), Duration::us(1), Duration::us(2)});
  CHECK(q.at(0.5) == Duration::us(2));
  CHECK(Quantiles<int>({}).empty());
  CHECK_THROWS_AS(Quantiles<int>({}).at(0.5), InternalFault);
  CHECK_THROWS_AS(q.at(1.5), InternalFault);
  CHECK_THROWS_AS(q.at(std::nan("")), InternalFault);
}

TEST_CASE("a histogram is exact for small values", "[statistics]") {
  Histogram histogram;  // 7 bits: buckets of width 1 below 2^8
  for (std::uint64_t value = 0; value < 256; ++value) histogram.record(value);
  CHECK(histogram.count() == 256);
  CHECK(histogram.mean() == 127.5);  // (0 + 255) / 2
  for (std::uint64_t rank = 1; rank <= 256; ++rank)
    CHECK(histogram.quantile(static_cast<double>(rank) / 256) == rank - 1);
}

TEST_CASE("a histogram's quantiles keep the stated relative error", "[statistics][property]") {
  const unsigned bits = GENERATE(1U, 4U, 7U, 12U);
  RandomStream random(11, bits, 0);
  Histogram histogram(bits);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 5'000; ++i) {
    // Any magnitude from 1 bit to 64 bits.
    values.push_back(random.next_u64() >> random.below(64));
    histogram.record(values.back());
  }
  const Quantiles<std::uint64_t> exact(values);
  const double bound = std::ldexp(1.0, -static_cast<int>(bits) - 1);
  for (int i = 0; i <= 1000; ++i) {
    const double q = i / 1000.0;
    const auto truth = static_cast<double>(exact.at(q));
    CHECK(std::abs(static_cast<double>(histogram.quantile(q)) - truth) <= bound * truth);
  }
  CHECK(histogram.min() == exact.min());
  CHECK(histogram.max() == exact.max());
}

TEST_CASE("merged histograms equal one that saw everything", "[statistics]") {
  RandomStream random(12, 0, 0);
  Histogram whole, left, right;
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t value = random.next_u64() >> random.below(64);
    whole.record(value);
    (i % 3 == 0 ? left : right).record(value);
  }
  Histogram merged;
  merged.merge(right);
  merged.merge(left);
  merged.merge(Histogram());
  CHECK(merged.count() == whole.count());
  CHECK(merged.min() == whole.min());
  CHECK(merged.max() == whole.max());
  CHECK(merged.mean() == whole.mean());
  for (int i = 0; i <= 100; ++i) CHECK(merged.quantile(i / 100.0) == whole.quantile(i / 100.0));
}

TEST_CASE("a histogram holds the ends of its range", "[statistics]") {
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  Histogram histogram;
  histogram.record(largest, 3);
  histogram.record(0);
  histogram.record(5, 0);  // no times: no effect
  CHECK(histogram.count() == 4);
  CHECK(histogram.quantile(0) == 0);
  CHECK(histogram.max() == largest);
  CHECK(histogram.mean() == Approx(0.75 * std::ldexp(1.0, 64)));  // 3 * 2^64 / 4: no overflow
}

TEST_CASE("an empty histogram has no figures, and precisions do not mix", "[statistics]") {
  Histogram empty;
  CHECK(empty.empty());
  CHECK_THROWS_AS(empty.min(), InternalFault);
  CHECK_THROWS_AS(empty.max(), InternalFault);
  CHECK_THROWS_AS(empty.mean(), InternalFault);
  CHECK_THROWS_AS(empty.quantile(0.5), InternalFault);
  CHECK_THROWS_AS(empty.merge(Histogram(4)), InternalFault);
  CHECK_THROWS_AS(Histogram(0), InternalFault);
  CHECK_THROWS_AS(Histogram(17), InternalFault);
}
