// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_results.hpp
/// Durations of collectives over the ranks that take part in them. The calls of a group carry no
/// number in a trace: the k-th call of one kind and size on one rank is the k-th on every other,
/// which is what the libraries demand of programs too.

#include <vector>

#include "study/results.hpp"

namespace plait {

/// @param ops as in RunRecords. Calls that some rank of the group did not finish are left out.
std::vector<CollectiveSummary> summarise_collectives(const SpillVector<OpRecord>& ops,
                                                     const std::vector<JobInfo>& jobs);

/// Bytes that nccl-tests divides by the time to get the algorithm bandwidth ("size" there): the
/// whole buffer; for an all-gather that is the gathered output. `size` as in Op::size.
Bytes algorithm_bytes(CollectiveKind kind, Bytes size, std::uint32_t group_size);

/// Bus bandwidth / algorithm bandwidth as nccl-tests' PERFORMANCE.md defines it: 2 (n - 1) / n for
/// an all-reduce; (n - 1) / n for all-gather, reduce-scatter and all-to-all; 1 for a broadcast.
double bus_factor(CollectiveKind kind, std::uint32_t group_size);

}  // namespace plait
