// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file hash.hpp
/// Stateless 64-bit mixing for hot paths: hashes of flows, draws that need no stream. The same on
/// every machine. Not for use against an adversary.

#include <cstdint>

namespace plait {

/// Bijective mix in which every input bit reaches every output bit; two multiplications. The
/// finaliser of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014, with Stafford's "Mix13" constants). mix64(0) is 0.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// Step of SplitMix64: the odd integer next to 2^64 / golden ratio.
inline constexpr std::uint64_t kGolden64 = 0x9e3779b97f4a7c15U;

/// Hash of an ordered pair. For a fixed `a` it is a bijection of `b`.
constexpr std::uint64_t hash64(std::uint64_t a, std::uint64_t b) {
  return mix64(mix64(a + kGolden64) ^ b);
}

/// Maps a well-mixed 64-bit hash to [0, n) with one multiplication, without a division.
/// The bias is below n / 2^32. @pre n > 0.
constexpr std::uint32_t hash_below(std::uint64_t hash, std::uint32_t n) {
  return static_cast<std::uint32_t>(((hash >> 32) * n) >> 32);
}

}  // namespace plait
