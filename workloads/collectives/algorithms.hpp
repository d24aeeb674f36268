// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file algorithms.hpp
/// The algorithm families behind make_schedule, and how they cut data: each time with the remainder
/// spread over the first parts, so that all parts differ by one byte at most, their sum is exact
/// and a part is one contiguous range. Every message is at most about max_chunk long; what is
/// longer is cut into `lanes`, which go through the algorithm one behind the other.

#include <algorithm>
#include <memory>

#include "workloads/collectives/collective.hpp"

namespace plait {

/// Part `index` of `total` bytes cut into `parts`; the first `total % parts` are a byte longer.
constexpr Bytes part_of(Bytes total, std::int64_t parts, std::int64_t index) {
  return Bytes(total.count() / parts + (index < total.count() % parts ? 1 : 0));
}

/// A piece of the address space that DataRange explains.
struct Extent {
  std::int64_t begin = 0, bytes = 0;
};

/// Part `index` of `whole` cut into `parts`, as part_of(). `index` may be `parts`: the end.
constexpr Extent cut(Extent whole, std::int64_t parts, std::int64_t index) {
  const std::int64_t longer = whole.bytes % parts;
  const std::int64_t least = whole.bytes / parts;
  return {whole.begin + least * index + std::min(index, longer), least + (index < longer ? 1 : 0)};
}

/// Number of lanes so that no part is larger than max_chunk when `total` is cut into `pieces`.
std::uint32_t lane_count(Bytes total, std::int64_t pieces, Bytes max_chunk);

/// Ring all-reduce (reduce-scatter, then all-gather), reduce-scatter and all-gather: Patarasuk and
/// Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", JPDC 2009.
std::unique_ptr<CollectiveSchedule> make_ring_schedule(const CollectiveCall& call);

/// Broadcast from the root, or reduce to it, in chunks along each ring.
std::unique_ptr<CollectiveSchedule> make_chain_schedule(const CollectiveCall& call);

/// All-reduce, broadcast and reduce over double binary trees (tree.cpp).
std::unique_ptr<CollectiveSchedule> make_tree_schedule(const CollectiveCall& call);

/// All-reduce: a chain on each host to its leader, a double binary tree of the leaders (tree.cpp).
std::unique_ptr<CollectiveSchedule> make_two_level_tree_schedule(const CollectiveCall& call);

/// All-reduce: recursive halving, then doubling (halving_doubling.cpp).
std::unique_ptr<CollectiveSchedule> make_halving_doubling_schedule(const CollectiveCall& call);

/// All-reduce: reduce-scatter on each host, all-reduce per rail, all-gather (hierarchical.cpp).
std::unique_ptr<CollectiveSchedule> make_hierarchical_schedule(const CollectiveCall& call);

/// All-gather and reduce-scatter in log2 n rounds: Bruck and PAT (aggregated.cpp).
std::unique_ptr<CollectiveSchedule> make_aggregated_schedule(const CollectiveCall& call);

/// All-reduce, all-gather, reduce-scatter, gather and scatter from every rank straight to the rank
/// that needs it (direct.cpp).
std::unique_ptr<CollectiveSchedule> make_direct_schedule(const CollectiveCall& call);

/// All-reduce, all-gather and reduce-scatter in the switch of one host's scale-up network, and
/// all-reduce with a tree between hosts (nvls.cpp).
std::unique_ptr<CollectiveSchedule> make_nvls_schedule(const CollectiveCall& call);

/// All-to-all, even or not: pairwise and direct (all_to_all.cpp), by way of the rails (pxn.cpp).
std::unique_ptr<CollectiveSchedule> make_all_to_all_schedule(const CollectiveCall& call);
std::unique_ptr<CollectiveSchedule> make_pxn_schedule(const CollectiveCall& call);

/// Dissemination barrier (barrier.cpp).
std::unique_ptr<CollectiveSchedule> make_barrier_schedule(const CollectiveCall& call);

}  // namespace plait
