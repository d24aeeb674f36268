// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file algorithms.hpp
/// The algorithm families behind make_schedule. Every piece of data is cut into `lanes` sub-chunks
/// of at most max_chunk; steps are ordered step-major, lane-minor, so the k-th message from a ring
/// predecessor is (step k / lanes, lane k % lanes). Sizes: the data is cut into pieces, those into
/// channels, those into lanes, each time with the remainder spread over the first parts, so that
/// all parts differ by one byte at most, their sum is exact and a piece is one contiguous range.

#include <memory>

#include "workloads/collectives/collective.hpp"

namespace plait {

/// Part `index` of `total` bytes cut into `parts`; the first `total % parts` are a byte longer.
constexpr Bytes part_of(Bytes total, std::int64_t parts, std::int64_t index) {
  return Bytes(total.count() / parts + (index < total.count() % parts ? 1 : 0));
}

/// Number of lanes so that no part is larger than max_chunk when `total` is cut into `pieces`.
std::uint32_t lane_count(Bytes total, std::int64_t pieces, Bytes max_chunk);

/// Ring all-reduce (reduce-scatter, then all-gather), reduce-scatter and all-gather: Patarasuk and
/// Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", JPDC 2009.
std::unique_ptr<CollectiveSchedule> make_ring_schedule(const CollectiveCall& call);

/// Broadcast in chunks along each ring from the root; the last of the ring sends nothing.
std::unique_ptr<CollectiveSchedule> make_broadcast_schedule(const CollectiveCall& call);

/// Pairwise exchange: in step s, position r sends to r + s and hears from r - s (mod n). One
/// channel: the peers of a step differ anyway, so more channels would only cut the messages.
std::unique_ptr<CollectiveSchedule> make_all_to_all_schedule(const CollectiveCall& call);

/// Dissemination barrier: ceil(log2 n) rounds of zero-byte messages, in round k to r + 2^k:
/// Hensgen, Finkel and Manber, "Two algorithms for barrier synchronization", IJPP 1988. One
/// channel.
std::unique_ptr<CollectiveSchedule> make_barrier_schedule(const CollectiveCall& call);

}  // namespace plait
