// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file nccl_model.hpp
/// NCCL's own estimate of how long a collective takes, by which it chooses algorithm and protocol:
/// time = latency + bytes / bandwidth of each pair, least wins. Constants and equations: NVIDIA
/// NCCL 2.27 to 2.30, src/graph/tuning.cc. What is left out: docs/models/nccl.md. The channels over
/// which it moves data: nccl_channels.hpp.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/units.hpp"
#include "workloads/collectives/algorithm.hpp"
#include "workloads/collectives/nccl_channels.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// How NCCL moves data: LL puts a 4-byte flag beside every 4 bytes, LL128 8 bytes beside every 120,
/// Simple synchronises after whole chunks.
enum class CollectiveProtocol : std::uint8_t { kAuto, kLl, kLl128, kSimple };

std::string_view to_string(CollectiveProtocol protocol);

struct NcclPick {
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::kRing;
  CollectiveProtocol protocol = CollectiveProtocol::kSimple;
};

/// Latencies of one (algorithm, protocol), in us.
struct NcclLatency {
  double base = 0;     ///< Once per call.
  double nvlink = 0;   ///< Per step on one host.
  double network = 0;  ///< Per step between hosts.
};

/// Ring, trees, NVLS, NVLS tree and PAT. nullopt for others, and for protocols that they lack.
std::optional<NcclLatency> nccl_latency(CollectiveAlgorithm algorithm, CollectiveProtocol protocol);

/// Time to post a message to the network, us; Simple pays it three times.
double nccl_net_overhead_us(CpuVendor cpu);

/// @param size  as in Op::size.
/// @return nullopt where NCCL would not use the pair for this kind and group. A kind that NCCL has
/// no model for (all-to-all, barrier, gather, scatter) has no pair at all.
/// @throws UserError if the time exceeds the range of Duration.
std::optional<Duration> nccl_time(CollectiveKind kind, Bytes size, const NcclGroup& group,
                                  const NcclPick& pick);

/// The pair of least time among `algorithms` and, unless `protocol` is kAuto, that protocol.
/// Ties: the first in the order given, then LL, LL128, Simple. nullopt: none is possible.
std::optional<NcclPick> nccl_choose(CollectiveKind kind, Bytes size, const NcclGroup& group,
                                    std::span<const CollectiveAlgorithm> algorithms,
                                    CollectiveProtocol protocol);

/// Bytes on the wire over bytes of data: flags of LL and LL128.
struct WireFactor {
  std::int64_t wire = 1, data = 1;
};
constexpr WireFactor wire_factor(CollectiveProtocol protocol) {
  switch (protocol) {
    case CollectiveProtocol::kLl:
      return {2, 1};
    case CollectiveProtocol::kLl128:
      return {128, 120};
    default:
      return {1, 1};
  }
}

}  // namespace plait
