// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file port_bits.hpp
/// Sets of ports of one switch: a bit each, in words of 64.

#include <cstdint>
#include <vector>

namespace plait {

template <class Visit>
void for_each_bit(const std::vector<std::uint64_t>& words, Visit&& visit) {
  for (std::size_t w = 0; w < words.size(); ++w)
    for (std::uint64_t bits = words[w]; bits != 0; bits &= bits - 1)
      visit(static_cast<std::uint32_t>(w * 64) + static_cast<std::uint32_t>(__builtin_ctzll(bits)));
}

inline void set_bit(std::vector<std::uint64_t>& words, std::uint32_t i) {
  words[i >> 6] |= std::uint64_t{1} << (i & 63U);
}
inline void clear_bit(std::vector<std::uint64_t>& words, std::uint32_t i) {
  words[i >> 6] &= ~(std::uint64_t{1} << (i & 63U));
}

}  // namespace plait
