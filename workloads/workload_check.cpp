// SPDX-License-Identifier: Apache-2.0
#include "workloads/workload_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

struct PairCount {
  std::uint64_t sends = 0;
  std::uint64_t recvs = 0;
};
using PairKey = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // source, dest., tag

std::string describe(const Workload& workload, RankId rank, OpId op, const std::string& where) {
  const OpGraph& graph = *workload.graphs[rank.index()];
  return fmt::format("{}: rank {}, {} op {} '{}'", where, rank.value(),
                     to_string(graph.op(op).kind), graph.source_id(op), graph.name(op));
}

std::string group_name(const Workload& workload, GroupId group) {
  return group.index() < workload.groups.size()
             ? fmt::format("group '{}'", workload.groups[group.index()].name)
             : fmt::format("group {}, which does not exist", group.value());
}

/// For each rank the groups that it is in, ascending.
std::vector<std::vector<GroupId>> groups_by_rank(const Workload& workload,
                                                 const std::string& where) {
  std::vector<std::vector<GroupId>> result(workload.graphs.size());
  for (std::size_t g = 0; g < workload.groups.size(); ++g) {
    for (const RankId rank : workload.groups[g].ranks) {
      if (rank.index() >= result.size())
        throw UserError(fmt::format("{}: group '{}' names rank {}; there are ranks 0 to {}", where,
                                    workload.groups[g].name, rank.value(), result.size() - 1));
      result[rank.index()].emplace_back(g);
    }
  }
  return result;
}

class Checker {
 public:
  Checker(const Workload& workload, const std::string& where)
      : workload_(workload), where_(where), groups_of_(groups_by_rank(workload, where)) {}

  void check_op(RankId rank, OpId id) {
    const Op op = workload_.resolved(rank, id);
    switch (op.kind) {
      case OpKind::kCompute:
        break;
      case OpKind::kCollective:
        check_collective(rank, id, op);
        break;
      case OpKind::kSend:
        check_peer(rank, id, op);
        ++pairs_[{rank.value(), op.peer.value(), op.tag}].sends;
        break;
      case OpKind::kRecv:
        check_peer(rank, id, op);
        ++pairs_[{op.peer.value(), rank.value(), op.tag}].recvs;
        break;
    }
  }

  void check_pairs() const {
    for (const auto& [key, count] : pairs_) {
      const auto [source, destination, tag] = key;
      if (count.sends != count.recvs)
        throw UserError(
            fmt::format("{}: rank {} sends {} messages with tag {} to rank {}, which "
                        "receives {}; they must match",
                        where_, source, count.sends, tag, destination, count.recvs));
    }
  }

 private:
  bool in_group(RankId rank, GroupId group) const {
    if (rank.index() >= groups_of_.size()) return false;
    const auto& groups = groups_of_[rank.index()];
    return std::binary_search(groups.begin(), groups.end(), group);
  }

  void check_collective(RankId rank, OpId id, const Op& op) {
    if (!in_group(rank, op.group))
      throw UserError(fmt::format("{}: the rank is not in {}",
                                  describe(workload_, rank, id, where_),
                                  group_name(workload_, op.group)));
    if (has_root(op.collective) && !in_group(op.peer, op.group))
      throw UserError(fmt::format("{}: root {} is not in {}", describe(workload_, rank, id, where_),
                                  op.peer.value(), group_name(workload_, op.group)));
    if (op.matrix != Op::kNoMatrix) check_matrix(rank, id, op);
    check_same_call(rank, id, op);
  }

  void check_matrix(RankId rank, OpId id, const Op& op) const {
    const auto members =
        static_cast<std::uint32_t>(workload_.groups[op.group.index()].ranks.size());
    if (op.collective == CollectiveKind::kAllToAll && op.matrix < workload_.matrices.size() &&
        workload_.matrices[op.matrix]->positions() == members)
      return;
    throw UserError(fmt::format("{}: its per-peer sizes do not fit a {} of {} ranks",
                                describe(workload_, rank, id, where_), to_string(op.collective),
                                members));
  }

  /// Holds the op against the call of the first rank that was seen to make it.
  void check_same_call(RankId rank, OpId id, const Op& op) {
    std::vector<std::pair<RankId, OpId>>& calls = calls_[op.group];
    const std::uint32_t k = next_call_[{rank, op.group}]++;
    if (k == calls.size()) {
      calls.emplace_back(rank, id);
      return;
    }
    const auto [first_rank, first_id] = calls[k];
    const OpGraph& first_graph = *workload_.graphs[first_rank.index()];
    const Op first = workload_.resolved(first_rank, first_id);
    const bool same_root = !has_root(op.collective) || op.peer == first.peer;
    if (op.collective == first.collective && op.size == first.size && op.matrix == first.matrix &&
        same_root)
      return;
    const auto text = [](const Op& what) {
      return fmt::format("{}, {}, root {}", to_string(what.collective), to_string(what.size),
                         what.peer.value());
    };
    throw UserError(fmt::format(
        "{} ({}) meets rank {}, op {} ({}) as collective number {} of {}; "
        "they must be of one kind, size and root",
        describe(workload_, rank, id, where_), text(op), first_rank.value(),
        first_graph.source_id(first_id), text(first), k + 1, group_name(workload_, op.group)));
  }

  void check_peer(RankId rank, OpId id, const Op& op) const {
    if (op.peer == rank)
      throw UserError(
          fmt::format("{}: the peer is the rank itself", describe(workload_, rank, id, where_)));
    if (op.peer.index() >= workload_.graphs.size())
      throw UserError(fmt::format("{}: peer {} does not exist, there are ranks 0 to {}",
                                  describe(workload_, rank, id, where_), op.peer.value(),
                                  workload_.graphs.size() - 1));
  }

  const Workload& workload_;
  const std::string& where_;
  std::vector<std::vector<GroupId>> groups_of_;
  std::map<PairKey, PairCount> pairs_;
  std::map<GroupId, std::vector<std::pair<RankId, OpId>>> calls_;
  std::map<std::pair<RankId, GroupId>, std::uint32_t> next_call_;
};

}  // namespace

void check_workload(const Workload& workload, const std::string& where) {
  Checker checker(workload, where);
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank)
    for (std::size_t op = 0; op < workload.graphs[rank]->size(); ++op)
      checker.check_op(RankId(rank), OpId(op));
  checker.check_pairs();
}

}  // namespace plait
