// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank.hpp
/// One rank's Chakra file as an op graph. Used by reader.hpp only.

#include <cstdint>
#include <filesystem>

#include "workloads/chakra/process_groups.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// Dependencies that repairing dropped.
struct ChakraRepairs {
  std::uint64_t self = 0;      ///< Of an op on itself.
  std::uint64_t dangling = 0;  ///< On ops that are not in the file.
  std::uint64_t forward = 0;   ///< On ops later in the file, where there was a cycle.
  bool any() const { return self + dangling + forward > 0; }
};

/// @param repairs null = broken dependencies are errors; else they are dropped and counted here.
OpGraph read_chakra_rank(const std::filesystem::path& file, RankId rank, ProcessGroups& groups,
                         ChakraRepairs* repairs);

}  // namespace plait
