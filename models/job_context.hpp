// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file job_context.hpp
/// What all ranks of a job know and nobody changes: graphs, placement, groups with their rings, the
/// software costs of collectives, and the job-wide numbering of message streams.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/gpu.hpp"
#include "models/host_services.hpp"
#include "models/op_plan.hpp"
#include "sim/params.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// Software costs of collectives, protocol Simple of NCCL. Deviations: docs/models/rank.md.
struct CollectiveParams {
  Duration launch = Duration::ns(8'400);      ///< Once per call and rank, before its first step.
  Duration step_intra = Duration::ns(2'800);  ///< Step ready to message posted, peer on this host.
  Duration step_inter = Duration::us(3);      ///< The same, peer on another host.
  Bytes chunk = Bytes::mebi(48);              ///< Larger pieces of data are cut.
  Bytes broadcast_chunk = Bytes::mebi(12);    ///< The same for a broadcast.
  std::int64_t channels = 0;                  ///< Rings side by side; 0 = from the placement.
  std::int64_t max_channels = 16;             ///< Limit of the automatic choice.
};
constexpr std::int64_t kMaxChannels = 16;

void describe(ParamVisitor& visitor, CollectiveParams& params);

struct JobGroup {
  std::string name;
  std::vector<RankId> ranks;                      ///< By position.
  std::vector<std::vector<std::uint32_t>> rings;  ///< Empty if no collective uses the group.
  bool ascending = false;                         ///< ranks is sorted.

  /// Position of `rank`, or UINT32_MAX.
  std::uint32_t position(RankId rank) const;
};

struct JobPlacement {
  std::vector<GpuId> gpu;           ///< By rank.
  std::vector<std::uint32_t> host;  ///< By rank; any number, equal on equal hosts.
};

class JobContext {
 public:
  /// @param record_ops whether ranks keep an OpRecord per op.
  /// @throws UserError if the workload cannot run as placed: counts differ, two ranks on one GPU, a
  /// peer or group that does not exist, a rank outside the group it calls, too many groups or tags,
  /// collective calls that do not match (check_collectives).
  JobContext(JobId id, std::string name, const Workload& workload, JobPlacement placement,
             const CollectiveParams& collective, const GpuParams& gpu, bool record_ops);

  JobId id() const { return id_; }
  const std::string& name() const { return name_; }
  std::size_t rank_count() const { return plans_.size(); }
  const OpPlan& plan(RankId rank) const { return *plans_[rank.index()]; }
  GpuId gpu(RankId rank) const { return placement_.gpu[rank.index()]; }
  std::uint32_t host(RankId rank) const { return placement_.host[rank.index()]; }
  const JobGroup& group(GroupId id) const { return groups_[id.index()]; }
  const CollectiveParams& collective() const { return collective_; }
  const GpuParams& gpu_params() const { return gpu_params_; }
  bool record_ops() const { return record_ops_; }

  /// MessageKey::stream: even numbers are collectives, odd ones point-to-point messages.
  static std::uint32_t collective_stream(GroupId group, std::uint32_t channel) {
    return 2 * (group.value() * static_cast<std::uint32_t>(kMaxChannels) + channel);
  }
  static std::uint32_t point_to_point_stream(std::uint32_t tag) { return 2 * tag + 1; }
  static bool is_collective(std::uint32_t stream) { return stream % 2 == 0; }
  static GroupId stream_group(std::uint32_t stream) {
    return GroupId(stream / 2 / static_cast<std::uint32_t>(kMaxChannels));
  }
  static std::uint32_t stream_channel(std::uint32_t stream) {
    return stream / 2 % static_cast<std::uint32_t>(kMaxChannels);
  }

 private:
  void check_placement() const;
  void check_ops(RankId rank) const;
  void make_groups(const Workload& workload);

  JobId id_;
  std::string name_;
  JobPlacement placement_;
  CollectiveParams collective_;
  GpuParams gpu_params_;
  bool record_ops_;
  std::vector<std::shared_ptr<const OpPlan>> plans_;  // by rank, shared like the graphs
  std::vector<JobGroup> groups_;
};

/// The k-th call of a group must have the same kind, size and root on all its ranks, as far as each
/// rank makes that many (missing calls show as a deadlock in the run). `plans` are by rank.
/// @throws UserError naming group, call, both ranks, ops, kinds and sizes.
void check_collectives(const std::vector<Group>& groups,
                       const std::vector<std::shared_ptr<const OpPlan>>& plans);
void check_collectives(const Workload& workload);

/// One plan per graph, by rank; ranks with the same graph share a plan.
std::vector<std::shared_ptr<const OpPlan>> make_plans(const Workload& workload);

}  // namespace plait
