// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file distribution.hpp
/// The five quantiles that results give of everything that is spread.

#include <cstddef>
#include <utility>
#include <vector>

#include "sim/statistics.hpp"

namespace plait {

/// Nearest-rank quantiles, exact. All zero when count is 0.
template <class T>
struct Distribution {
  std::size_t count = 0;
  T p50{}, p90{}, p99{}, p999{}, max{};
};

template <class T>
Distribution<T> distribution(std::vector<T> values) {
  const Quantiles<T> sorted(std::move(values));
  if (sorted.empty()) return {};
  return {.count = sorted.count(),
          .p50 = sorted.at(0.5),
          .p90 = sorted.at(0.9),
          .p99 = sorted.at(0.99),
          .p999 = sorted.at(0.999),
          .max = sorted.max()};
}

}  // namespace plait
