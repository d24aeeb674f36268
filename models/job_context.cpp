// SPDX-License-Identifier: Apache-2.0
#include "models/job_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "models/collective_check.hpp"
#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

std::uint32_t JobGroup::position(RankId rank) const {
  const auto found = ascending ? std::lower_bound(ranks.begin(), ranks.end(), rank)
                               : std::find(ranks.begin(), ranks.end(), rank);
  if (found == ranks.end() || *found != rank) return UINT32_MAX;
  return static_cast<std::uint32_t>(found - ranks.begin());
}

JobContext::JobContext(JobId id, std::string name, const Workload& workload, JobPlacement placement,
                       const CollectiveParams& collective, const GpuParams& gpu, bool record_ops,
                       const CollectiveFacts& facts, CollectiveMode mode)
    : id_(id),
      name_(std::move(name)),
      placement_(std::move(placement)),
      collective_(collective),
      gpu_params_(gpu),
      record_ops_(record_ops),
      facts_(facts),
      mode_(mode),
      plans_(make_plans(workload)),
      bindings_(workload.bindings),
      matrices_(workload.matrices) {
  PLAIT_CHECK(collective.channels >= 0 && collective.channels <= kMaxChannels &&
                  collective.max_channels >= 1 && collective.max_channels <= kMaxChannels,
              "channels exceed the numbering of streams");
  check_placement();
  make_groups(workload);
  std::set<const OpPlan*> checked;
  for (std::size_t rank = 0; rank < plans_.size(); ++rank) {
    if (checked.insert(plans_[rank].get()).second) check_plan(RankId(rank));
    check_partners(RankId(rank));
  }
  check_collectives(workload, plans_);
  check_choices();
}

// What the user wants of each call must be possible: the members of a group make the same calls, so
// the first speaks for all.
void JobContext::check_choices() const {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (!groups_[g].choices || groups_[g].ranks.empty()) continue;
    const RankId first = groups_[g].ranks.front();
    const OpPlan& plan = this->plan(first);
    std::set<std::pair<CollectiveKind, Bytes>> seen;
    for (std::uint32_t slot = 0; slot < plan.groups().size(); ++slot) {
      if (group_id(first, plan.groups()[slot]) != GroupId(g)) continue;
      for (const OpId call : plan.calls(slot)) {
        const Op& op = plan.graph().op(call);
        if (!seen.emplace(op.collective, op.size).second) continue;
        try {
          choose(groups_[g], op);
        } catch (const UserError& error) {
          throw UserError(fmt::format("job '{}': {}", name_, error.what()));
        }
      }
    }
  }
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
  for (std::size_t rank = 0; rank < plans_.size(); ++rank)
    for (const GroupId named : plans_[rank]->groups()) {
      if (!bindings_.empty()) PLAIT_CHECK_LT(named.index(), bindings_[rank].groups.size());
      const GroupId group = group_id(RankId(rank), named);
      if (group.index() < used.size()) used[group.index()] = true;
    }
  for (std::size_t i = 0; i < workload.groups.size(); ++i) {
    const Group& group = workload.groups[i];
    JobGroup made;
    made.name = group.name;
    made.ranks = group.ranks;
    made.ascending = std::is_sorted(group.ranks.begin(), group.ranks.end());
    std::vector<std::uint32_t> hosts;
    for (const RankId rank : group.ranks) {
      if (rank.index() >= plans_.size())
        throw UserError(fmt::format("job '{}': group '{}' names rank {}, but there are {} ranks",
                                    name_, group.name, rank.value(), plans_.size()));
      hosts.push_back(host(rank));
    }
    if (used[i]) {
      made.choices.emplace(collective_, group.name, hosts, least_nics(group), facts_);
      for (const auto& positions : made.layout().hosts) {
        made.host_gpus.emplace_back();
        for (const std::uint32_t position : positions)
          made.host_gpus.back().push_back(gpu(group.ranks[position]));
      }
    }
    groups_.push_back(std::move(made));
  }
  number_groups(used);
}

// NICs that the members of a host have together, least of all hosts.
std::uint32_t JobContext::least_nics(const Group& group) const {
  std::map<std::uint32_t, std::set<std::uint32_t>> of_host;
  for (const RankId rank : group.ranks) of_host[host(rank)].insert(nic(rank));
  std::size_t least = SIZE_MAX;
  for (const auto& [host, nics] : of_host) least = std::min(least, nics.size());
  return static_cast<std::uint32_t>(least);
}

// Each group in turn gets the smallest number that no other group of its ranks has.
void JobContext::number_groups(const std::vector<bool>& used) {
  std::vector<std::vector<std::uint32_t>> taken(plans_.size());  // by rank
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (!used[i]) continue;
    std::vector<std::uint32_t> numbers;
    for (const RankId rank : groups_[i].ranks)
      numbers.insert(numbers.end(), taken[rank.index()].begin(), taken[rank.index()].end());
    std::sort(numbers.begin(), numbers.end());
    std::uint32_t number = 0;
    for (const std::uint32_t other : numbers)
      if (other == number) ++number;
    if (number >= kMaxStreams / 2 / kMaxChannels)
      throw UserError(
          fmt::format("job '{}': more than {} groups that call collectives overlap at group '{}'",
                      name_, kMaxStreams / 2 / kMaxChannels, groups_[i].name));
    groups_[i].number = number;
    for (const RankId rank : groups_[i].ranks) taken[rank.index()].push_back(number);
  }
}

// What holds for all ranks that share the plan of `rank`.
void JobContext::check_plan(RankId rank) const {
  const OpPlan& plan = this->plan(rank);
  const auto fail = [&](std::size_t i, const std::string& what) {
    throw UserError(fmt::format("job '{}', rank {}, op '{}' (id {}): {}", name_, rank.value(),
                                plan.graph().name(OpId(i)), plan.graph().source_id(OpId(i)), what));
  };
  for (std::size_t i = 0; i < plan.graph().size(); ++i) {
    const Op& op = plan.graph().op(OpId(i));
    if (op.kind == OpKind::kCompute) continue;
    if (op.size < Bytes{}) fail(i, fmt::format("negative size {}", to_string(op.size)));
    if (op.matrix != Op::kNoMatrix && op.matrix >= matrices_.size())
      fail(i,
           fmt::format("byte matrix {} does not exist, there are {}", op.matrix, matrices_.size()));
    if (op.kind != OpKind::kCollective && op.tag >= kMaxStreams / 2)
      fail(i, fmt::format("tag {} is too large, at most {}", op.tag, kMaxStreams / 2 - 1));
  }
}

// Groups and peers that the ops of `rank` name.
void JobContext::check_partners(RankId rank) const {
  const OpPlan& plan = this->plan(rank);
  const auto fail = [&](OpId id, const std::string& what) {
    throw UserError(fmt::format("job '{}', rank {}, op '{}' (id {}): {}", name_, rank.value(),
                                plan.graph().name(id), plan.graph().source_id(id), what));
  };
  for (std::uint32_t slot = 0; slot < plan.groups().size(); ++slot) {
    const GroupId id = group_id(rank, plan.groups()[slot]);
    const OpId call = plan.calls(slot).front();
    if (id.index() >= groups_.size())
      fail(call, fmt::format("group {} does not exist, there are {}", id.value(), groups_.size()));
    if (group(id).position(rank) == UINT32_MAX)
      fail(call, fmt::format("the rank is not a member of group '{}'", group(id).name));
  }
  for (std::size_t i = 0; i < plan.graph().size(); ++i) {
    const Op& op = plan.graph().op(OpId(i));
    const bool message = op.kind == OpKind::kSend || op.kind == OpKind::kRecv;
    if (!message && !(op.kind == OpKind::kCollective && has_root(op.collective))) continue;
    if (op.is_wildcard())
      fail(OpId(i),
           "a receive from any source or with any tag; here the sender must be known, only "
           "run.fidelity loggops takes wildcards");
    const RankId peer = this->peer(rank, op);
    if (peer.index() >= plans_.size())
      fail(OpId(i),
           fmt::format("peer rank {} does not exist, there are {}", peer.value(), plans_.size()));
    if (message) continue;
    const JobGroup& group = this->group(group_id(rank, op.group));
    if (group.position(peer) == UINT32_MAX)
      fail(OpId(i), fmt::format("the root of the {} is not a member of group '{}'",
                                to_string(op.collective), group.name));
  }
}

std::uint32_t JobContext::stream_count() const {
  std::uint32_t count = 0;
  for (std::size_t rank = 0; rank < plans_.size(); ++rank)
    for (const GroupId named : plans_[rank]->groups())
      count = std::max(count, collective_stream(group(group_id(RankId(rank), named)),
                                                static_cast<std::uint32_t>(kMaxChannels)));
  std::set<const OpPlan*> seen;
  for (const auto& plan : plans_) {
    if (!seen.insert(plan.get()).second) continue;
    for (const Op& op : plan->graph().ops())
      if (op.kind == OpKind::kSend || op.kind == OpKind::kRecv)
        count = std::max(count, point_to_point_stream(op.tag) + 1);
  }
  return count;
}

}  // namespace plait
