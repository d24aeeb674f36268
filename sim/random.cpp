// SPDX-License-Identifier: Apache-2.0
#include "sim/random.hpp"

#include <Random123/philox.h>

#include <cmath>

#include "sim/check.hpp"

namespace plait {

RandomStream::Block RandomStream::block(std::uint64_t seed, std::uint32_t entity,
                                        std::uint32_t purpose, std::uint64_t index) {
  const r123::Philox4x32::ctr_type counter{{static_cast<std::uint32_t>(index),
                                            static_cast<std::uint32_t>(index >> 32), entity,
                                            purpose}};
  const r123::Philox4x32::key_type key{
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const r123::Philox4x32::ctr_type bits = r123::Philox4x32()(counter, key);
  return {bits[0], bits[1], bits[2], bits[3]};
}

void RandomStream::refill() {
  block_ = block(seed_, entity_, purpose_, next_block_++);
  used_ = 0;
}

std::uint64_t RandomStream::below(std::uint64_t n) {
  PLAIT_CHECK_LT(std::uint64_t{0}, n);
  // Lemire, "Fast Random Integer Generation in an Interval", TOMACS 2019: the upper half of
  // draw * n, drawn again in the 2^64 mod n cases whose lower half would favour some results.
  __extension__ using Wide = unsigned __int128;
  for (;;) {
    const Wide product = static_cast<Wide>(next_u64()) * n;
    const auto low = static_cast<std::uint64_t>(product);
    if (low >= n || low >= (0 - n) % n) return static_cast<std::uint64_t>(product >> 64);
  }
}

double RandomStream::exponential() {
  // Von Neumann's comparison method (1951), not -log(u): libm picks its log by processor, and its
  // last bit differs between them. A run u > u2 > u3 > ... that starts at u has an odd length with
  // probability exp(-u); the number of refused runs is the whole part of the result.
  for (int whole = 0;; ++whole) {
    const double first = uniform();
    double last = first, next = uniform();
    bool odd = true;
    while (next < last) {
      last = next;
      next = uniform();
      odd = !odd;
    }
    if (odd) return whole + first;
  }
}

Duration RandomStream::exponential(Duration mean) {
  PLAIT_CHECK_LE(Duration(), mean);
  const double ps = std::nearbyint(exponential() * static_cast<double>(mean.ps()));
  PLAIT_CHECK(ps < 0x1p63, "exponential duration overflows");
  return Duration::ps(static_cast<std::int64_t>(ps));
}

}  // namespace plait
