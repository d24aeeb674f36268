// SPDX-License-Identifier: Apache-2.0
#include "sim/key_sort.hpp"

namespace plait {

void insertion_sort(std::uint64_t* keys, std::size_t count) {
  if (count == 0) return;
  std::uint64_t last = keys[0];  // of those in order, the largest
  for (std::size_t i = 1; i < count; ++i) {
    const std::uint64_t key = keys[i];
    if (key >= last) [[likely]] {
      last = key;
      continue;
    }
    std::size_t j = i;
    do {
      keys[j] = keys[j - 1];
      --j;
    } while (j > 0 && keys[j - 1] > key);
    keys[j] = key;
  }
}

}  // namespace plait
