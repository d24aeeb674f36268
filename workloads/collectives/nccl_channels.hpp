// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file nccl_channels.hpp
/// How many channels NCCL finds between the GPUs of a group, how fast they are and what NVLS cuts
/// data into: the search of NVIDIA NCCL 2.27 to 2.30, src/graph/search.cc, with its tables of
/// speeds, on links that are all alike. What is left out: docs/models/nccl.md.

#include <cstdint>

#include "sim/units.hpp"
#include "workloads/collectives/algorithm.hpp"
#include "workloads/collectives/collective_facts.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// A group as NCCL's model sees it.
struct NcclGroup {
  std::uint32_t ranks = 1;
  std::uint32_t hosts = 1;
  std::uint32_t nics = 1;  ///< Of one host, used by the group.
  CollectiveFacts facts;
  /// What NCCL's search finds: as many channels of one speed of its table, GB/s, as the links
  /// carry; the most in total.
  double channels = 0, channel_rate = 0;

  double ranks_per_host() const { return static_cast<double>(ranks) / hosts; }
};

/// @param nics  of one host, used by the group.
NcclGroup make_nccl_group(std::uint32_t ranks, std::uint32_t hosts, std::uint32_t nics,
                          const CollectiveFacts& facts);

/// Of all channels together, GB/s.
double nccl_channel_rate(const NcclGroup& group);

/// With which NVLS moves data: NCCL's nvlsChannels by default, whatever the search finds.
int nccl_nvls_channels(const NcclGroup& group);
/// Of one of them on one host, GB/s: the fastest of the tables that the scale-up links carry.
double nccl_nvls_channel_rate(const NcclGroup& group);

/// What one GPU's piece of an NVLS call, or of a half of it that a tree carries, is cut into: the
/// chunk of a channel (src/enqueue.cc: NCCL_NVLS_CHUNKSIZE, 128 KiB, less for small calls and NVLS
/// trees of four hosts or more) times the channels that work on it side by side.
/// @param algorithm  kNvls or kNvlsTree.
/// @param size  as in Op::size.
Bytes nccl_nvls_chunk(CollectiveKind kind, Bytes size, const NcclGroup& group,
                      CollectiveAlgorithm algorithm);

/// What NCCL's equations call the bytes of a call: those of all ranks for an all-gather.
/// @param size  as in Op::size.
Bytes nccl_whole_buffer(CollectiveKind kind, Bytes size, const NcclGroup& group);

/// GB/s, the unit of the tables.
double nccl_gigabytes(BitRate rate);

}  // namespace plait
