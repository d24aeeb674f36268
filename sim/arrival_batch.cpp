// SPDX-License-Identifier: Apache-2.0
#include "sim/arrival_batch.hpp"

namespace plait {

void insertion_sort(std::uint64_t* keys, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    const std::uint64_t key = keys[i];
    std::size_t j = i;
    for (; j > 0 && keys[j - 1] > key; --j) keys[j] = keys[j - 1];
    keys[j] = key;
  }
}

}  // namespace plait
