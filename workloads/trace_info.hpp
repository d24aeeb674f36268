// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace_info.hpp
/// What a workload contains, without running it: for `plait trace info` and for tests of readers.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "workloads/op_graph.hpp"

namespace plait {

constexpr std::size_t kOpKinds = 4;

struct RankInfo {
  std::array<std::uint64_t, kOpKinds> ops{};  ///< By OpKind.
  Bytes sent{};                               ///< Of its sends.
  Bytes collective_bytes{};                   ///< Sum of Op::size of its collectives.
  Duration gpu_compute{};                     ///< Recorded durations of GPU compute ops.
  Duration cpu_compute{};                     ///< Recorded durations of CPU compute ops.
  double flops = 0;                           ///< Of compute ops without a recorded duration,
  double memory_bytes = 0;                    ///< which run by the roofline.
  /// Longest chain of recorded durations through dependencies and streams, communication taking
  /// no time and other ranks never being waited for: no run of the trace can end earlier.
  Duration critical_path{};

  std::uint64_t count(OpKind kind) const { return ops[static_cast<std::size_t>(kind)]; }
};

/// Collectives of one kind in one group, summed over the ranks that call them.
struct CollectiveInfo {
  CollectiveKind kind = CollectiveKind::kAllReduce;
  GroupId group;
  std::uint64_t calls = 0;
  Bytes bytes{};  ///< Sum of Op::size.
};

struct WorkloadInfo {
  std::vector<RankInfo> ranks;
  std::vector<CollectiveInfo> collectives;  ///< By (kind, group).
  /// As RankInfo::critical_path, but through messages and collectives of all ranks, the network
  /// taking no time. Nothing if the streams can deadlock.
  std::optional<Duration> critical_path;
};

RankInfo describe_rank(const OpGraph& graph);
WorkloadInfo describe_workload(const Workload& workload);

}  // namespace plait
