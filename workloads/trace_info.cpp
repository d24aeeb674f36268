// SPDX-License-Identifier: Apache-2.0
#include "workloads/trace_info.hpp"

#include <algorithm>
#include <map>
#include <memory_resource>
#include <utility>

#include "workloads/op_order.hpp"

namespace plait {

namespace {

Duration critical_path(const OpGraph& graph) {
  std::pmr::monotonic_buffer_resource pool(spill_resource());
  std::pmr::map<std::pair<Device, std::uint32_t>, Duration> stream_end(&pool);
  SpillVector<Duration> end(graph.size());
  Duration longest{};
  // The graph is stored in a topological order, so what an op waits for is known when it comes up.
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Op& op = graph.op(OpId(i));
    Duration& last = stream_end[{op.device, op.stream}];
    Duration start = op.in_order ? last : Duration{};
    for (const OpId need : graph.dependencies(OpId(i))) start = std::max(start, end[need.index()]);
    end[i] = op.kind == OpKind::kCompute ? start + op.duration : start;
    if (op.in_order) last = end[i];
    longest = std::max(longest, end[i]);
  }
  return longest;
}

}  // namespace

RankInfo describe_rank(const OpGraph& graph) {
  RankInfo info;
  for (const Op& op : graph.ops()) {
    ++info.ops[static_cast<std::size_t>(op.kind)];
    if (op.kind == OpKind::kSend) info.sent += op.size;
    if (op.kind == OpKind::kCollective) info.collective_bytes += op.size;
    if (op.kind != OpKind::kCompute) continue;
    (op.device == Device::kGpu ? info.gpu_compute : info.cpu_compute) += op.duration;
    if (op.duration > Duration()) continue;
    info.flops += op.flops;
    info.memory_bytes += op.memory_bytes;
  }
  info.critical_path = critical_path(graph);
  return info;
}

WorkloadInfo describe_workload(const Workload& workload) {
  WorkloadInfo info;
  std::map<std::pair<CollectiveKind, GroupId>, CollectiveInfo> collectives;
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
    const OpGraph& graph = *workload.graphs[rank];
    info.ranks.push_back(describe_rank(graph));
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const Op op = workload.resolved(RankId(rank), OpId(i));
      if (op.kind != OpKind::kCollective) continue;
      CollectiveInfo& sum = collectives[{op.collective, op.group}];
      sum.kind = op.collective;
      sum.group = op.group;
      ++sum.calls;
      sum.bytes += op.size;
    }
  }
  for (const auto& [key, sum] : collectives) info.collectives.push_back(sum);
  info.critical_path = critical_path_across_ranks(workload);
  return info;
}

}  // namespace plait
