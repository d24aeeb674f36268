// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file timeline.hpp
/// One rank's profiler trace as an op graph. Rules and what they leave out: docs/traces.md.

#include <cstdint>
#include <vector>

#include "workloads/chakra/process_groups.hpp"
#include "workloads/op_graph.hpp"
#include "workloads/pytorch/kineto.hpp"
#include "workloads/trace_problems.hpp"
#include "workloads/uneven.hpp"

namespace plait {

/// What the ranks of a trace share.
struct TimelineContext {
  ProcessGroups& groups;
  std::uint32_t ranks = 0;
  const TraceLog& log;
  std::vector<UnevenCall>& uneven;
};

/// @param host_calls of the host trace, or empty.
/// @param epoch_ns the time at which the workload starts.
/// @throws UserError naming file and kernel when a collective's kind, size or group is not known.
OpGraph build_timeline(const KinetoTrace& trace, const SpillVector<CommCall>& host_calls,
                       RankId rank, std::int64_t epoch_ns, TimelineContext& context);

}  // namespace plait
