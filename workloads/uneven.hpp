// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file uneven.hpp
/// Uneven all-to-alls of traces: each rank's file has the row of what it sends; together they are
/// the matrix of the call.

#include <cstdint>
#include <vector>

#include "workloads/op_graph.hpp"
#include "workloads/trace_problems.hpp"

namespace plait {

/// What one rank sends to each member of the group.
struct UnevenCall {
  RankId rank;
  std::uint64_t source_id = 0;  ///< Of the op.
  std::vector<Bytes> row;
};

/// Shares `total` as `splits` say: bytes, elements or rows, all have the same shares. Remainders go
/// to the first members, so that nothing is lost.
std::vector<Bytes> split_bytes(Bytes total, const std::vector<std::int64_t>& splits);

/// Makes a matrix of each all-to-all for which a member has a row; members without one send evenly.
/// Reports rows that do not fit their group.
void join_uneven_calls(Workload& workload, const std::vector<UnevenCall>& calls,
                       const TraceLog& log);

}  // namespace plait
