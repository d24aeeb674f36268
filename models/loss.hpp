// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file loss.hpp
/// Random loss on links: a frame is lost when a 64-bit hash of (seed, link, frame counter) is below
/// a threshold. Counters make it independent of the order in which entities are visited.

#include <cstdint>

namespace plait {

/// Threshold for a loss probability in [0, 0.5]; 0 means no loss.
inline std::uint64_t loss_threshold(double probability) {
  return static_cast<std::uint64_t>(probability * 0x1p64);
}

}  // namespace plait
