// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file loss.hpp
/// Random loss on links, drawn where the frame would arrive: a fixed probability per frame, and bit
/// errors, which hit long frames more often. A frame of n bytes survives a bit error rate b with
/// (1 - b)^(8 n).

#include <cstdint>
#include <vector>

#include "sim/hash.hpp"

namespace plait {

/// Probability that a frame of `bytes` has at least one wrong bit. Exact to a few ulp also where
/// 1 - b would round to 1, and without libm: loss probabilities are combined, not survivals.
double frame_error_probability(double bit_error_rate, std::uint32_t bytes);

/// Loss probability by wire size, as thresholds of a 64-bit hash. Shared by all links alike.
class LossThresholds {
 public:
  /// @param loss  per frame, in [0, 0.5], independent of the bit errors.
  LossThresholds(double loss, double bit_error_rate);

  bool any() const { return fixed_ != 0 || !by_size_.empty(); }
  std::uint64_t of(std::uint32_t wire_bytes) const {
    return by_size_.empty() ? fixed_ : by_size_[wire_bytes];
  }

 private:
  std::uint64_t fixed_;
  std::vector<std::uint64_t> by_size_;  // of every size that a packet can have; empty: all alike
};

/// The losses of the links that lead to one entity. A frame is lost when a 64-bit hash of (seed,
/// link, frame counter) is below a threshold, so losses do not depend on the order of visits.
class LinkLoss {
 public:
  /// @param thresholds  of all links until set() says otherwise; must outlive this.
  /// @param seed        of this entity.
  /// @param purpose     below 16; keeps the draws apart from others under the same seed.
  /// @param may_change  set() will be called.
  LinkLoss(const LossThresholds& thresholds, std::uint64_t seed, std::uint64_t purpose,
           std::uint32_t links, bool may_change)
      : possible_(thresholds.any() || may_change), seed_(seed), purpose_(purpose << 60) {
    if (possible_) links_.assign(links, {&thresholds, 0});
  }

  bool possible() const { return possible_; }
  /// Draws for the next frame of `link`. @pre possible().
  bool draw(std::uint32_t link, std::uint32_t wire_bytes) {
    Link& from = links_[link];
    const std::uint64_t counter = purpose_ | std::uint64_t{link} << 32 | from.draws++;
    const bool lost = hash64(seed_, counter) < from.thresholds->of(wire_bytes);
    lost_ += lost;
    return lost;
  }
  void set(std::uint32_t link, const LossThresholds& thresholds) {
    links_[link].thresholds = &thresholds;
  }
  std::uint64_t lost() const { return lost_; }

 private:
  struct Link {
    const LossThresholds* thresholds;
    std::uint32_t draws;
  };
  bool possible_;
  std::uint64_t seed_, purpose_;
  std::uint64_t lost_ = 0;
  std::vector<Link> links_;
};

}  // namespace plait
