// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file patterns.hpp
/// Who sends to whom.

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/random.hpp"
#include "workloads/traffic/traffic.hpp"

namespace plait {

/// Destinations of the flows of every rank, one after another. What is random has a stream of each
/// rank's own, so that one rank's flows do not depend on how many another sends.
class TrafficMatrix {
 public:
  /// @throws UserError on ranks out of range and shifts from ranks to themselves.
  TrafficMatrix(const TrafficParams& params, std::uint64_t seed);

  /// Ranks that send, ascending.
  const std::vector<std::uint32_t>& senders() const { return senders_; }
  /// Destination of the next flow of `sender`.
  std::uint32_t next(std::uint32_t sender);
  /// One round of the whole pattern: (source, destination). An all-to-all is all pairs, distance by
  /// distance, so that the first flows of all ranks go to different destinations.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> round();

 private:
  std::uint32_t peer(std::uint64_t index) const;
  std::uint32_t random_other(std::uint32_t sender);
  std::uint32_t hot_or_not(std::uint32_t sender);

  const TrafficParams params_;
  std::uint32_t ranks_;
  std::vector<std::uint32_t> senders_;
  std::vector<std::uint32_t> target_;  // of each rank, where it never changes
  std::vector<std::uint64_t> sent_;    // flows, by rank
  std::vector<RandomStream> random_;   // by rank, where destinations are drawn
};

}  // namespace plait
