// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file chakra_reader.hpp
/// Reads Chakra execution traces (MLCommons; one `.et` or `.et.gz` file per rank) as a workload.
/// Conventions, what is simulated instead of replayed, and deviations: docs/workloads.md.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

struct ChakraOptions {
  /// JSON file with the process groups, {"name": [rank, ...]}; empty = from the traces.
  std::filesystem::path group_file;
  /// Number of ranks; without it, ranks 0 to the highest number found beside rank 0.
  std::optional<std::uint32_t> ranks;
  /// Drops dependencies of an op on itself and on ops that do not exist, and breaks cycles by
  /// dropping dependencies on ops that come later in the file. Off: these are errors.
  bool repair = false;
};

/// @param pattern file name with "{rank}" in place of the rank's number, "dir/meg.{rank}.et.gz".
/// @param warnings if not null, gets one line per file in which something was repaired.
/// @throws UserError naming the file, and the byte and node where there is one: a rank's file is
/// missing, is not a Chakra trace, is truncated, has broken dependencies; an op that Plait cannot
/// simulate; an unknown group; a peer out of range; sends and recvs that do not match.
Workload load_chakra_workload(const std::string& pattern, const ChakraOptions& options = {},
                              std::vector<std::string>* warnings = nullptr);

}  // namespace plait
