// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file random.hpp
/// Counter-based random streams: Philox4x32-10 of Random123 (Salmon et al., "Parallel Random
/// Numbers: As Easy as 1, 2, 3", SC 2011). A stream is named by (seed, entity, purpose), never by
/// who asked first, so draws do not depend on threads or on what other entities do, and a new use
/// of randomness (a new purpose) leaves the others unchanged.

#include <array>
#include <cstdint>

#include "sim/units.hpp"

namespace plait {

/// Stream of independent uniform bits: 48 bytes, 2^66 draws of 32 bits, cheap to create. Streams
/// with different names never overlap: seed is Philox's key, entity and purpose are the upper half
/// of its counter.
class RandomStream {
 public:
  using Block = std::array<std::uint32_t, 4>;

  /// @param purpose  Distinguishes the uses of one entity; a constant of the model.
  RandomStream(std::uint64_t seed, std::uint32_t entity, std::uint32_t purpose)
      : seed_(seed), entity_(entity), purpose_(purpose) {}

  /// The four draws numbered 4 * index ... 4 * index + 3 of a stream, without a stream's state.
  static Block block(std::uint64_t seed, std::uint32_t entity, std::uint32_t purpose,
                     std::uint64_t index);

  std::uint32_t next_u32() {
    if (used_ == block_.size()) refill();
    return block_[used_++];
  }
  std::uint64_t next_u64() {
    const std::uint64_t low = next_u32();
    return low | (static_cast<std::uint64_t>(next_u32()) << 32);
  }
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  /// Uniform in [0, n), without bias. @pre n > 0.
  std::uint64_t below(std::uint64_t n);
  /// Exponentially distributed with mean 1.
  double exponential();
  /// Exponentially distributed, rounded to a picosecond. @pre mean >= 0.
  Duration exponential(Duration mean);

 private:
  void refill();

  std::uint64_t seed_;
  std::uint64_t next_block_ = 0;
  std::uint32_t entity_, purpose_;
  Block block_{};
  std::uint32_t used_ = 4;
};

}  // namespace plait
