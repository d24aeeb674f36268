// SPDX-License-Identifier: Apache-2.0
#include "workloads/rescale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "sim/error.hpp"
#include "workloads/graph_rebuild.hpp"

namespace plait {

namespace {

class Rescaler {
 public:
  Rescaler(const Workload& workload, std::uint32_t copies, const std::vector<std::string>& names)
      : old_(workload), copies_(copies), grows_(workload.groups.size()) {
    mark_groups(names);
  }

  Workload run() {
    make_groups();
    new_.matrices = old_.matrices;
    // Looked up, never iterated. Ranks that share a graph may differ in which roles grow.
    std::map<std::pair<const OpGraph*, std::vector<bool>>, std::shared_ptr<const OpGraph>> known;
    std::vector<std::shared_ptr<const OpGraph>> graphs;
    for (std::size_t rank = 0; rank < ranks(); ++rank) {
      check_ops(RankId(rank));
      auto& graph = known[{old_.graphs[rank].get(), growing_roles(RankId(rank))}];
      if (!graph) graph = changed(RankId(rank));
      graphs.push_back(graph);
    }
    for (std::uint32_t copy = 0; copy < copies_; ++copy)
      for (std::size_t rank = 0; rank < ranks(); ++rank) {
        new_.graphs.push_back(graphs[rank]);
        new_.bindings.push_back(binding(copy, RankId(rank)));
      }
    return std::move(new_);
  }

 private:
  std::size_t ranks() const { return old_.graphs.size(); }
  RankId in_copy(std::uint32_t copy, RankId rank) const {
    return RankId(copy * ranks() + rank.index());
  }
  bool grows(RankId rank, const Op& op) const { return grows_[old_.group(rank, op.group).index()]; }

  std::vector<bool> used_groups() const {
    std::vector<bool> used(old_.groups.size());
    for (std::size_t rank = 0; rank < ranks(); ++rank)
      for (const Op& op : old_.graphs[rank]->ops())
        if (op.kind == OpKind::kCollective) used[old_.group(RankId(rank), op.group).index()] = true;
    return used;
  }

  void mark_groups(const std::vector<std::string>& names) {
    const std::vector<bool> used = used_groups();
    std::vector<std::string> legal;
    for (std::size_t i = 0; i < old_.groups.size(); ++i)
      if (used[i]) legal.push_back(old_.groups[i].name);
    const std::string known = fmt::format("{}", fmt::join(legal, ", "));
    if (names.empty()) {
      if (!used.empty() && used[0]) {
        grows_[0] = true;
        return;
      }
      throw UserError(
          "no group is marked data-parallel and no collective spans all ranks; name "
          "groups in data_groups, of: " +
          known);
    }
    for (const std::string& name : names) {
      bool found = false;
      for (std::size_t i = 0; i < old_.groups.size(); ++i)
        if (used[i] && old_.groups[i].name == name) grows_[i] = found = true;
      if (found) continue;
      const std::string hint = did_you_mean(name, legal);
      throw UserError(fmt::format("no collective uses a group '{}'{} groups: {}", name,
                                  hint.empty() ? ";" : hint, known));
    }
  }

  std::size_t group_roles(RankId rank) const {
    return old_.bindings.empty() ? old_.groups.size() : old_.bindings[rank.index()].groups.size();
  }
  std::vector<bool> growing_roles(RankId rank) const {
    std::vector<bool> roles;
    for (std::size_t role = 0; role < group_roles(rank); ++role)
      roles.push_back(grows_[old_.group(rank, GroupId(role)).index()]);
    return roles;
  }

  void make_groups() {
    for (std::size_t i = 0; i < old_.groups.size(); ++i) {
      const Group& group = old_.groups[i];
      // Group 0 must be all ranks in order, whether it grows as a collective's group or not.
      const bool all = i == 0;
      Group grown{group.name, {}};
      std::vector<GroupId> of_copy;
      for (std::uint32_t copy = 0; copy < copies_; ++copy)
        for (const RankId rank : group.ranks) grown.ranks.push_back(in_copy(copy, rank));
      if (all || grows_[i]) new_.groups.push_back(grown);
      for (std::uint32_t copy = 0; copy < copies_; ++copy) {
        if (!grows_[i]) {
          Group own{fmt::format("{}/{}", group.name, copy), {}};
          for (const RankId rank : group.ranks) own.ranks.push_back(in_copy(copy, rank));
          new_.groups.push_back(std::move(own));
        }
        of_copy.emplace_back(new_.groups.size() - 1);
      }
      group_of_.push_back(std::move(of_copy));
    }
  }

  void check_ops(RankId rank) const {
    for (const Op& op : old_.graphs[rank.index()]->ops()) {
      if (op.kind != OpKind::kCollective || !grows(rank, op)) continue;
      if (op.collective == CollectiveKind::kAllToAll || op.collective == CollectiveKind::kGather ||
          op.collective == CollectiveKind::kScatter)
        throw UserError(fmt::format(
            "rank {} calls {} over group '{}': what it moves depends on the number of members, so "
            "a trace of {} ranks does not say what {} would do",
            rank.value(), to_string(op.collective),
            old_.groups[old_.group(rank, op.group).index()].name, ranks(), ranks() * copies_));
    }
  }

  // Roots of collectives that grow are named by a second set of roles, as they are copy 0's.
  std::shared_ptr<const OpGraph> changed(RankId rank) const {
    const std::shared_ptr<const OpGraph>& graph = old_.graphs[rank.index()];
    const auto wants_change = [&](const Op& op) {
      return op.kind == OpKind::kCollective && grows(rank, op) &&
             (op.collective == CollectiveKind::kAllGather || has_root(op.collective));
    };
    if (std::none_of(graph->ops().begin(), graph->ops().end(), wants_change)) return graph;
    SpillVector<std::uint32_t> same_order(graph->size());
    std::iota(same_order.begin(), same_order.end(), 0U);
    return std::make_shared<const OpGraph>(rebuild(*graph, same_order, [&](Op& op) {
      if (!wants_change(op)) return;
      if (has_root(op.collective)) op.peer = RankId(op.peer.index() + peer_roles(rank));
      if (op.collective == CollectiveKind::kAllGather)
        op.size = Bytes((op.size.count() + copies_ - 1) / copies_);
    }));
  }

  std::size_t peer_roles(RankId rank) const {
    return old_.bindings.empty() ? ranks() : old_.bindings[rank.index()].peers.size();
  }

  RankBinding binding(std::uint32_t copy, RankId rank) const {
    RankBinding made;
    for (std::size_t role = 0; role < group_roles(rank); ++role)
      made.groups.push_back(group_of_[old_.group(rank, GroupId(role)).index()][copy]);
    for (const std::uint32_t of : {copy, 0U})
      for (std::size_t role = 0; role < peer_roles(rank); ++role)
        made.peers.push_back(in_copy(of, old_.peer(rank, RankId(role))));
    return made;
  }

  const Workload& old_;
  std::uint32_t copies_;
  std::vector<bool> grows_;                     // by old group
  std::vector<std::vector<GroupId>> group_of_;  // new group by old group and copy
  Workload new_;
};

}  // namespace

Workload rescale(const Workload& workload, std::uint32_t ranks,
                 const std::vector<std::string>& data_groups) {
  const std::size_t own = workload.graphs.size();
  if (ranks % own != 0 || ranks == 0)
    throw UserError(fmt::format(
        "{} ranks are no multiple of the trace's {}: data parallelism can only replicate it whole",
        ranks, own));
  return Rescaler(workload, static_cast<std::uint32_t>(ranks / own), data_groups).run();
}

}  // namespace plait
