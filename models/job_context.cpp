// SPDX-License-Identifier: Apache-2.0
#include "models/job_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/collective.hpp"

namespace plait {

void describe(ParamVisitor& visitor, CollectiveParams& params) {
  const std::string_view tuning = "NCCL src/graph/tuning.cc, ring, protocol Simple";
  visitor.field({"launch", "time from the start of a collective call to its first step", tuning},
                params.launch, {Duration{}, Duration::s(1)});
  visitor.field({"step_intra", "software time of a step whose peer is on the same host",
                 "NCCL src/graph/tuning.cc: 3.4 us an NVLink hop, less the 0.6 us of flight that "
                 "fabric.scale_up simulates"},
                params.step_intra, {Duration{}, Duration::s(1)});
  visitor.field({"step_inter", "software time of a step whose peer is on another host",
                 "NCCL src/graph/tuning.cc: 1 us to post to the network, three times for Simple"},
                params.step_inter, {Duration{}, Duration::s(1)});
  visitor.field({"chunk", "largest message of a collective; larger pieces are cut and pipelined",
                 "NCCL Simple: 4 of the 8 slots of a 4 MiB buffer, times 24 channels of an A100"},
                params.chunk, {Bytes(1), Bytes::gibi(64)});
  visitor.field({"broadcast_chunk", "the same for a broadcast, which pipelines along its ring",
                 "NCCL Simple: 1 of the 8 slots of a 4 MiB buffer, times 24 channels of an A100"},
                params.broadcast_chunk, {Bytes(1), Bytes::gibi(64)});
  visitor.field({"channels",
                 "rings used side by side; 0 = 1 on one host, else the largest number "
                 "of group members on one host",
                 "Plait's choice, after NCCL's one ring per NIC"},
                params.channels, {0, kMaxChannels});
  visitor.field({"max_channels", "limit of the automatic number of channels", "Plait's choice"},
                params.max_channels, {1, kMaxChannels});
}

std::uint32_t JobGroup::position(RankId rank) const {
  const auto found = ascending ? std::lower_bound(ranks.begin(), ranks.end(), rank)
                               : std::find(ranks.begin(), ranks.end(), rank);
  if (found == ranks.end() || *found != rank) return UINT32_MAX;
  return static_cast<std::uint32_t>(found - ranks.begin());
}

std::vector<std::shared_ptr<const OpPlan>> make_plans(const Workload& workload) {
  std::map<const OpGraph*, std::shared_ptr<const OpPlan>> known;  // looked up, never iterated
  std::vector<std::shared_ptr<const OpPlan>> plans;
  plans.reserve(workload.graphs.size());
  for (const auto& graph : workload.graphs) {
    std::shared_ptr<const OpPlan>& plan = known[graph.get()];
    if (!plan) plan = std::make_shared<const OpPlan>(graph);
    plans.push_back(plan);
  }
  return plans;
}

JobContext::JobContext(JobId id, std::string name, const Workload& workload, JobPlacement placement,
                       const CollectiveParams& collective, const GpuParams& gpu, bool record_ops)
    : id_(id),
      name_(std::move(name)),
      placement_(std::move(placement)),
      collective_(collective),
      gpu_params_(gpu),
      record_ops_(record_ops),
      plans_(make_plans(workload)) {
  PLAIT_CHECK(collective.channels >= 0 && collective.channels <= kMaxChannels &&
                  collective.max_channels >= 1 && collective.max_channels <= kMaxChannels,
              "channels exceed the numbering of streams");
  check_placement();
  make_groups(workload);
  for (std::size_t rank = 0; rank < plans_.size(); ++rank) check_ops(RankId(rank));
  check_collectives(workload.groups, plans_);
}

void JobContext::check_placement() const {
  if (placement_.gpu.size() != plans_.size())
    throw UserError(fmt::format("job '{}': {} ranks but {} GPUs are assigned", name_, plans_.size(),
                                placement_.gpu.size()));
  PLAIT_CHECK_EQ(placement_.host.size(), plans_.size());
  std::vector<std::size_t> by_gpu(plans_.size());
  std::iota(by_gpu.begin(), by_gpu.end(), std::size_t{0});
  const auto gpu_of = [&](std::size_t rank) { return placement_.gpu[rank]; };
  std::stable_sort(by_gpu.begin(), by_gpu.end(),
                   [&](auto a, auto b) { return gpu_of(a) < gpu_of(b); });
  for (std::size_t i = 1; i < by_gpu.size(); ++i)
    if (gpu_of(by_gpu[i - 1]) == gpu_of(by_gpu[i]))
      throw UserError(fmt::format("job '{}': ranks {} and {} are both on GPU {}", name_,
                                  by_gpu[i - 1], by_gpu[i], gpu_of(by_gpu[i]).value()));
}

void JobContext::make_groups(const Workload& workload) {
  std::vector<bool> used(workload.groups.size(), false);
  for (const auto& plan : plans_)
    for (const GroupId group : plan->groups())
      if (group.index() < used.size()) used[group.index()] = true;
  for (std::size_t i = 0; i < workload.groups.size(); ++i) {
    const Group& group = workload.groups[i];
    JobGroup made{
        group.name, group.ranks, {}, std::is_sorted(group.ranks.begin(), group.ranks.end())};
    std::vector<std::uint32_t> hosts;
    for (const RankId rank : group.ranks) {
      if (rank.index() >= plans_.size())
        throw UserError(fmt::format("job '{}': group '{}' names rank {}, but there are {} ranks",
                                    name_, group.name, rank.value(), plans_.size()));
      hosts.push_back(host(rank));
    }
    if (used[i])
      made.rings = make_rings(hosts, static_cast<std::uint32_t>(collective_.channels),
                              static_cast<std::uint32_t>(collective_.max_channels));
    groups_.push_back(std::move(made));
  }
}

void JobContext::check_ops(RankId rank) const {
  const OpPlan& plan = this->plan(rank);
  const auto fail = [&](std::size_t i, const std::string& what) {
    throw UserError(fmt::format("job '{}', rank {}, op '{}' (id {}): {}", name_, rank.value(),
                                plan.graph().name(OpId(i)), plan.graph().source_id(OpId(i)), what));
  };
  for (std::size_t i = 0; i < plan.graph().size(); ++i) {
    const Op& op = plan.graph().op(OpId(i));
    if (op.kind == OpKind::kCompute) continue;
    if (op.size < Bytes{}) fail(i, fmt::format("negative size {}", to_string(op.size)));
    if (op.kind == OpKind::kCollective) {
      if (op.group.index() >= groups_.size())
        fail(i, fmt::format("group {} does not exist, there are {}", op.group.value(),
                            groups_.size()));
      const JobGroup& group = groups_[op.group.index()];
      if (group.position(rank) == UINT32_MAX)
        fail(i, fmt::format("the rank is not a member of group '{}'", group.name));
      if (op.group.value() >= kMaxStreams / 2 / kMaxChannels)
        fail(i, fmt::format("group number {} is too large, at most {} groups can be used",
                            op.group.value(), kMaxStreams / 2 / kMaxChannels));
      if (op.collective == CollectiveKind::kBroadcast && group.position(op.peer) == UINT32_MAX)
        fail(i, fmt::format("the root of the broadcast is not a member of group '{}'", group.name));
    } else {
      if (op.peer.index() >= plans_.size())
        fail(i, fmt::format("peer rank {} does not exist, there are {}", op.peer.value(),
                            plans_.size()));
      if (op.tag >= kMaxStreams / 2)
        fail(i, fmt::format("tag {} is too large, at most {}", op.tag, kMaxStreams / 2 - 1));
    }
  }
}

void check_collectives(const std::vector<Group>& groups,
                       const std::vector<std::shared_ptr<const OpPlan>>& plans) {
  const auto text = [&](RankId rank, const Op& op, OpId id) {
    const OpGraph& graph = plans[rank.index()]->graph();
    std::string root;
    if (op.collective == CollectiveKind::kBroadcast)
      root = fmt::format(" from rank {}", op.peer.value());
    return fmt::format("rank {} calls {} of {}{} ('{}', id {})", rank.value(),
                       to_string(op.collective), to_string(op.size), root, graph.name(id),
                       graph.source_id(id));
  };
  for (std::size_t g = 0; g < groups.size(); ++g) {
    RankId reference;  // the member with the most calls so far
    std::span<const OpId> expected;
    for (const RankId rank : groups[g].ranks) {
      if (rank.index() >= plans.size())
        throw UserError(fmt::format("group '{}' names rank {}, but there are {} ranks",
                                    groups[g].name, rank.value(), plans.size()));
      const OpPlan& plan = *plans[rank.index()];
      const std::uint32_t slot = plan.slot(GroupId(g));
      if (slot == OpPlan::kNoCall) continue;
      const std::span<const OpId> calls = plan.calls(slot);
      for (std::size_t k = 0; k < std::min(calls.size(), expected.size()); ++k) {
        const Op& mine = plan.graph().op(calls[k]);
        const Op& other = plans[reference.index()]->graph().op(expected[k]);
        const bool roots_differ =
            mine.collective == CollectiveKind::kBroadcast && mine.peer != other.peer;
        if (mine.collective == other.collective && mine.size == other.size && !roots_differ)
          continue;
        throw UserError(fmt::format("collective call {} of group '{}' does not match: {}, but {}",
                                    k, groups[g].name, text(reference, other, expected[k]),
                                    text(rank, mine, calls[k])));
      }
      if (calls.size() > expected.size()) {
        expected = calls;
        reference = rank;
      }
    }
  }
}

void check_collectives(const Workload& workload) {
  check_collectives(workload.groups, make_plans(workload));
}

}  // namespace plait
