// SPDX-License-Identifier: Apache-2.0
#include "sim/arrival_batch.hpp"

#include <array>

namespace plait {

namespace {

void insertion_sort(std::uint64_t* keys, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    const std::uint64_t key = keys[i];
    std::size_t j = i;
    for (; j > 0 && keys[j - 1] > key; --j) keys[j] = keys[j - 1];
    keys[j] = key;
  }
}

}  // namespace

void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
               std::vector<std::uint64_t>& scratch) {
  constexpr std::size_t kFew = 24;
  constexpr unsigned kMaxBucketBits = 10;
  if (count <= kFew) return insertion_sort(keys.data(), count);
  // About one bucket a key.
  const auto count_bits = static_cast<unsigned>(64 - __builtin_clzll(count));
  const unsigned wanted_bits = std::min(count_bits, kMaxBucketBits);
  const unsigned bucket_bits = std::min(wanted_bits, key_bits);
  const unsigned shift = key_bits - bucket_bits;
  std::array<std::uint32_t, (1U << kMaxBucketBits) + 1> start;
  std::fill_n(start.begin(), (std::size_t{1} << bucket_bits) + 1, 0U);
  for (std::size_t i = 0; i < count; ++i) ++start[(keys[i] >> shift) + 1];
  for (std::size_t b = 1; b <= (std::size_t{1} << bucket_bits); ++b) start[b] += start[b - 1];
  for (std::size_t i = 0; i < count; ++i) scratch[start[keys[i] >> shift]++] = keys[i];
  insertion_sort(scratch.data(), count);
  keys.swap(scratch);
}

}  // namespace plait
