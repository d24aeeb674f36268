// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rescale.hpp
/// A workload of N ranks replayed on M = C N ranks: C copies of it, joined by data parallelism.
/// Groups that are data-parallel grow to span the copies; all others, and all messages, stay within
/// each copy. Every rank computes what its original does (weak scaling). The copies share graphs.
/// Rules and their reasons: docs/traffic.md, "Rescaling".

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

/// Rank k N + r is copy k's rank r. Of a collective over a data-parallel group, which has C times
/// as many members then:
/// - all-reduce, reduce-scatter, broadcast, reduce, barrier: a rank's bytes stay (gradients and
///   parameters do not grow with data parallelism); a root is copy 0's;
/// - all-gather: each contributes 1/C, rounded up: the gathered parameters stay the same;
/// - all-to-all, gather, scatter are refused: what they mean depends on the number of members.
/// @param data_groups names of groups; empty: group 0, all ranks, if collectives use it.
/// @throws UserError if M is not a multiple of N, on unknown groups, and where no group is
/// data-parallel.
Workload rescale(const Workload& workload, std::uint32_t ranks,
                 const std::vector<std::string>& data_groups);

}  // namespace plait
