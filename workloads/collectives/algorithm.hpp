// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file algorithm.hpp
/// Names of the collective algorithms. Which kind has which: docs/collectives.md.

#include <cstdint>
#include <string_view>

namespace plait {

enum class CollectiveAlgorithm : std::uint8_t {
  kAuto,  ///< Chosen by kind, size and group.
  kRing,
  kTree,  ///< Double binary tree.
  kHalvingDoubling,
  kDirect,        ///< Every rank to every other, with a window of outstanding peers.
  kNvls,          ///< Reduction and multicast in the switch of the scale-up network.
  kNvlsTree,      ///< The same on each host, a tree between hosts.
  kHierarchical,  ///< One algorithm on each host, another between hosts.
  kTwoLevelTree,
  kPat,  ///< Parallel aggregated trees.
  kBruck,
  kPairwise,
  kPxn,  ///< All-to-all by way of the GPU on the destination's rail.
  kDissemination,
  kCustom,  ///< From a file of the user.
};

std::string_view to_string(CollectiveAlgorithm algorithm);

}  // namespace plait
