// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file loss.hpp
/// Random loss on links, drawn where the frame would arrive.

#include <cstdint>
#include <vector>

#include "sim/hash.hpp"

namespace plait {

/// The losses of the links that lead to one entity. A frame is lost when a 64-bit hash of (seed,
/// link, frame counter) is below a threshold, so losses do not depend on the order of visits.
class LinkLoss {
 public:
  /// @param probability  in [0, 0.5].
  /// @param seed         of this entity.
  /// @param purpose      below 16; keeps the draws apart from others under the same seed.
  LinkLoss(double probability, std::uint64_t seed, std::uint64_t purpose, std::uint32_t links)
      : threshold_(static_cast<std::uint64_t>(probability * 0x1p64)),
        seed_(seed),
        purpose_(purpose << 60),
        draws_(threshold_ != 0 ? links : 0) {}

  bool possible() const { return threshold_ != 0; }
  /// Draws for the next frame of `link`. @pre possible().
  bool draw(std::uint32_t link) {
    const std::uint64_t counter = purpose_ | std::uint64_t{link} << 32 | draws_[link]++;
    const bool lost = hash64(seed_, counter) < threshold_;
    lost_ += lost;
    return lost;
  }
  std::uint64_t lost() const { return lost_; }

 private:
  std::uint64_t threshold_, seed_, purpose_;
  std::uint64_t lost_ = 0;
  std::vector<std::uint32_t> draws_;  // by link
};

}  // namespace plait
