// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file job_context.hpp
/// What all ranks of a job know and nobody changes: graphs, placement, groups with their rings, the
/// software costs of collectives, and the job-wide numbering of message streams.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/collective_choice.hpp"
#include "models/gpu.hpp"
#include "models/host_services.hpp"
#include "models/op_plan.hpp"
#include "sim/params.hpp"
#include "workloads/collectives/collective_facts.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

struct JobGroup {
  std::string name;
  std::vector<RankId> ranks;                  ///< By position.
  bool ascending = false;                     ///< ranks is sorted.
  std::vector<std::vector<GpuId>> host_gpus;  ///< As layout().hosts, for in-switch reduction.
  /// Tells its messages from those of other groups that share a member; see collective_stream().
  std::uint32_t number = 0;
  std::optional<GroupChoices> choices = {};  ///< If a collective uses the group.

  /// Who shares a host. @pre a collective uses the group.
  const GroupLayout& layout() const { return choices->layout(); }
  /// Position of `rank`, or UINT32_MAX.
  std::uint32_t position(RankId rank) const;
};

struct JobPlacement {
  std::vector<GpuId> gpu;               ///< By rank.
  std::vector<std::uint32_t> host;      ///< By rank; any number, equal on equal hosts.
  std::vector<std::uint32_t> nic = {};  ///< By rank, likewise; empty: every rank has its own.
};

/// What becomes of a collective call.
enum class CollectiveMode : std::uint8_t {
  kSteps,  ///< The messages of its algorithm, rank by rank.
  kPrice,  ///< One closed-form time for all (HostServices::join_collective).
};

class JobContext {
 public:
  /// @param record_ops whether ranks keep an OpRecord per op.
  /// @throws UserError if the workload cannot run as placed: counts differ, two ranks on one GPU, a
  /// peer or group that does not exist, a rank outside the group it calls, too many groups or tags,
  /// collective calls that do not match (check_collectives).
  JobContext(JobId id, std::string name, const Workload& workload, JobPlacement placement,
             const CollectiveParams& collective, const GpuParams& gpu, bool record_ops,
             const CollectiveFacts& facts = {}, CollectiveMode mode = CollectiveMode::kSteps);

  JobContext(const JobContext&) = delete;
  JobContext& operator=(const JobContext&) = delete;

  JobId id() const { return id_; }
  const std::string& name() const { return name_; }
  std::size_t rank_count() const { return plans_.size(); }
  const OpPlan& plan(RankId rank) const { return *plans_[rank.index()]; }
  std::shared_ptr<const OpPlan> shared_plan(RankId rank) const { return plans_[rank.index()]; }
  /// The group that an op or a slot of the plan of `rank` names.
  GroupId group_id(RankId rank, GroupId named) const {
    return bindings_.empty() ? named : bindings_[rank.index()].groups[named.index()];
  }
  /// The rank that an op of `rank` names as its peer or root.
  RankId peer(RankId rank, const Op& op) const {
    return bindings_.empty() ? op.peer : bindings_[rank.index()].peers[op.peer.index()];
  }
  GpuId gpu(RankId rank) const { return placement_.gpu[rank.index()]; }
  std::uint32_t host(RankId rank) const { return placement_.host[rank.index()]; }
  /// Any number, equal for ranks that share a NIC.
  std::uint32_t nic(RankId rank) const {
    return placement_.nic.empty() ? rank.value() : placement_.nic[rank.index()];
  }
  const JobGroup& group(GroupId id) const { return groups_[id.index()]; }
  const ByteMatrix& matrix(std::uint32_t index) const { return *matrices_[index]; }
  /// @param op  a collective of `group`.
  CollectiveChoice choose(const JobGroup& group, const Op& op) const {
    return group.choices->choose(op);
  }
  const CollectiveParams& collective() const { return collective_; }
  const GpuParams& gpu_params() const { return gpu_params_; }
  bool record_ops() const { return record_ops_; }
  const CollectiveFacts& facts() const { return facts_; }
  bool prices_collectives() const { return mode_ == CollectiveMode::kPrice; }

  /// MessageKey::stream: even numbers are collectives, odd ones point-to-point messages. Groups
  /// that share a rank have different numbers, so that a rank knows by it which of its groups is
  /// meant; others may have the same.
  static std::uint32_t collective_stream(const JobGroup& group, std::uint32_t channel) {
    return 2 * (group.number * static_cast<std::uint32_t>(kMaxChannels) + channel);
  }
  /// One more than the highest stream that messages of this job can have; even.
  std::uint32_t stream_count() const;
  static std::uint32_t point_to_point_stream(std::uint32_t tag) { return 2 * tag + 1; }
  static bool is_collective(std::uint32_t stream) { return stream % 2 == 0; }
  static std::uint32_t stream_group_number(std::uint32_t stream) {
    return stream / 2 / static_cast<std::uint32_t>(kMaxChannels);
  }
  static std::uint32_t stream_channel(std::uint32_t stream) {
    return stream / 2 % static_cast<std::uint32_t>(kMaxChannels);
  }

 private:
  void check_placement() const;
  void check_plan(RankId rank) const;
  void check_partners(RankId rank) const;
  void make_groups(const Workload& workload);
  std::uint32_t least_nics(const Group& group) const;
  void check_choices() const;
  void number_groups(const std::vector<bool>& used);

  JobId id_;
  std::string name_;
  JobPlacement placement_;
  CollectiveParams collective_;
  GpuParams gpu_params_;
  bool record_ops_;
  CollectiveFacts facts_;
  CollectiveMode mode_;
  std::vector<std::shared_ptr<const OpPlan>> plans_;  // by rank, shared like the graphs
  std::vector<JobGroup> groups_;
  std::vector<RankBinding> bindings_;
  std::vector<std::shared_ptr<const ByteMatrix>> matrices_;
};

}  // namespace plait
