// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file writer.hpp
/// Writes a workload as Chakra execution traces, one file per rank. What Chakra has no field for
/// goes into attributes of Plait's own (names.hpp), so that reading gives the same workload again.

#include <string>

#include "workloads/op_graph.hpp"

namespace plait {

/// @param pattern files to write, with {rank} in the name; compressed if it ends in ".gz".
/// @throws UserError if a file cannot be written; then none is left.
void write_chakra_workload(const Workload& workload, const std::string& pattern);

}  // namespace plait
