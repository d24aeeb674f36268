// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file spill_sort.hpp
/// std::stable_sort takes half of what it sorts from the heap; this one takes its helpers from
/// where SpillVector does.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "sim/spill.hpp"

namespace plait {

/// Sorts by `less`; equal items keep their order.
template <class T, class Less>
void spill_stable_sort(SpillVector<T>& items, const Less& less) {
  if (std::is_sorted(items.begin(), items.end(), less)) return;  // what is recorded often is
  SpillVector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (less(items[a], items[b])) return true;
    return !less(items[b], items[a]) && a < b;
  });
  SpillVector<T> sorted;
  sorted.reserve(items.size());
  for (const std::size_t i : order) sorted.push_back(std::move(items[i]));
  items = std::move(sorted);
}

}  // namespace plait
