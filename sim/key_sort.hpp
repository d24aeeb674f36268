// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file key_sort.hpp
/// Sorts 64-bit keys, some tens to hundreds at a time.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace plait {

void insertion_sort(std::uint64_t* keys, std::size_t count);

/// Counters of a bucket sort, four to a word: summed up four at a time.
class Buckets {
 public:
  static constexpr unsigned kMaxBits = 10;
  /// A counter holds no more.
  static constexpr std::size_t kMostKeys = UINT16_MAX;

  /// 2^bits buckets. @pre bits <= kMaxBits.
  explicit Buckets(unsigned bits) : words_(((std::size_t{1} << bits) + kLanes - 1) / kLanes) {
    std::fill_n(count_.begin(), words_ * kLanes, std::uint16_t{0});
  }
  std::uint16_t& operator[](std::size_t bucket) { return count_[bucket]; }
  /// Puts in the place of each count the sum of those before it.
  void sum_up() {
    constexpr std::uint64_t kEach = 0x0001'0001'0001'0001;  // times it: sums up to each lane
    std::uint64_t before = 0;                               // in every lane
    for (std::size_t w = 0; w < words_; ++w) {
      std::uint64_t lanes;
      std::memcpy(&lanes, &count_[w * kLanes], sizeof lanes);
      const std::uint64_t sums = lanes * kEach;
      lanes = (sums << 16) + before;
      std::memcpy(&count_[w * kLanes], &lanes, sizeof lanes);
      before += (sums >> 48) * kEach;
    }
  }

 private:
  static_assert(std::endian::native == std::endian::little);  // lanes lie in order
  static constexpr std::size_t kLanes = 4;
  std::size_t words_;
  alignas(8) std::array<std::uint16_t, std::size_t{1} << kMaxBits> count_;
};

/// Sorts keys below 2^key_bits whose upper bits are spread evenly: bucket sort, then one insertion
/// pass. Few keys: insertion only (below about 24 keys it wins; std::sort was 2-4 times slower at
/// the usual 50-500). More than a counter holds: std::sort.
/// @param make_key  make_key(i) is sorted in the place of keys[i]; may read `scratch`.
template <class MakeKey>
void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
               std::vector<std::uint64_t>& scratch, MakeKey&& make_key) {
  constexpr std::size_t kFew = 24;
  std::uint64_t* const key = keys.data();
  if (count <= kFew || count > Buckets::kMostKeys) {
    for (std::size_t i = 0; i < count; ++i) key[i] = make_key(i);
    if (count <= kFew) return insertion_sort(key, count);
    return std::sort(key, key + count);
  }
  // About one bucket a key.
  const auto count_bits = static_cast<unsigned>(64 - __builtin_clzll(count));
  const unsigned bucket_bits = std::min({count_bits, Buckets::kMaxBits, key_bits});
  const unsigned shift = key_bits - bucket_bits;
  Buckets place(bucket_bits);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t made = make_key(i);
    key[i] = made;
    ++place[made >> shift];
  }
  place.sum_up();
  std::uint64_t* const sorted = scratch.data();
#pragma GCC unroll 4
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t made = key[i];
    sorted[place[made >> shift]++] = made;
  }
  insertion_sort(sorted, count);
  keys.swap(scratch);
}
inline void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
                      std::vector<std::uint64_t>& scratch) {
  sort_keys(keys, count, key_bits, scratch, [&](std::size_t i) { return keys[i]; });
}

}  // namespace plait
