// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file key_sort.hpp
/// Sorts 64-bit keys, some tens to hundreds at a time.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plait {

void insertion_sort(std::uint64_t* keys, std::size_t count);

/// Sorts keys below 2^key_bits whose upper bits are spread evenly: bucket sort, then one insertion
/// pass. Few keys: insertion only (below about 24 keys it wins; std::sort was 2-4 times slower at
/// the usual 50-500).
/// @param make_key  make_key(i) is sorted in the place of keys[i].
template <class MakeKey>
void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
               std::vector<std::uint64_t>& scratch, MakeKey&& make_key) {
  constexpr std::size_t kFew = 24;
  constexpr unsigned kMaxBucketBits = 10;
  std::uint64_t* const key = keys.data();
  if (count <= kFew) {
    for (std::size_t i = 0; i < count; ++i) key[i] = make_key(i);
    return insertion_sort(key, count);
  }
  // About one bucket a key.
  const auto count_bits = static_cast<unsigned>(64 - __builtin_clzll(count));
  const unsigned bucket_bits = std::min({count_bits, kMaxBucketBits, key_bits});
  const unsigned shift = key_bits - bucket_bits;
  std::array<std::uint32_t, (1U << kMaxBucketBits) + 1> start;
  std::fill_n(start.begin(), (std::size_t{1} << bucket_bits) + 1, 0U);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t made = make_key(i);
    key[i] = made;
    ++start[(made >> shift) + 1];
  }
  for (std::size_t b = 1; b <= (std::size_t{1} << bucket_bits); ++b) start[b] += start[b - 1];
  std::uint64_t* const sorted = scratch.data();
  for (std::size_t i = 0; i < count; ++i) sorted[start[key[i] >> shift]++] = key[i];
  insertion_sort(sorted, count);
  keys.swap(scratch);
}
inline void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
                      std::vector<std::uint64_t>& scratch) {
  sort_keys(keys, count, key_bits, scratch, [&](std::size_t i) { return keys[i]; });
}

}  // namespace plait
