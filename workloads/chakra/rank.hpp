// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank.hpp
/// One rank's Chakra file as an op graph. Used by reader.hpp only.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "workloads/chakra/process_groups.hpp"
#include "workloads/op_graph.hpp"
#include "workloads/trace_problems.hpp"
#include "workloads/uneven.hpp"

namespace plait {

/// What was replayed otherwise than the file says, so that it could be replayed.
struct ChakraRepairs {
  DependencyRepairs dependencies;
  /// Collectives without kind and size, which old converters wrote: compute of their recorded
  /// duration.
  std::uint64_t opaque_collectives = 0;
};

/// @param uneven gets the rank's all-to-alls with sizes per peer.
OpGraph read_chakra_rank(const std::filesystem::path& file, RankId rank, ProcessGroups& groups,
                         const TraceLog& log, ChakraRepairs& repairs,
                         std::vector<UnevenCall>& uneven);

}  // namespace plait
