// SPDX-License-Identifier: Apache-2.0
#include "workloads/workload_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

/// An end of a message; ends with the same three belong together.
struct MessageEnd {
  RankId source, destination;
  std::uint32_t tag = 0;
  friend auto operator<=>(const MessageEnd&, const MessageEnd&) = default;
};

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
std::vector<std::vector<GroupId>> groups_by_rank(const Workload& workload, const std::string& where,
                                                 const TraceLog& log) {
  std::vector<std::vector<GroupId>> result(workload.graphs.size());
  for (std::size_t g = 0; g < workload.groups.size(); ++g) {
    for (const RankId rank : workload.groups[g].ranks) {
      if (rank.index() < result.size())
        result[rank.index()].emplace_back(g);
      else
        log.fail(TraceProblem::kGroup,
                 fmt::format("{}: group '{}' names rank {}; there are ranks 0 to {}", where,
                             workload.groups[g].name, rank.value(), result.size() - 1));
    }
  }
  return result;
}

class Checker {
 public:
  Checker(const Workload& workload, const std::string& where, const TraceLog& log)
      : workload_(workload),
        where_(where),
        log_(log),
        groups_of_(groups_by_rank(workload, where, log)) {}

  void check_op(RankId rank, OpId id) {
    const Op op = workload_.resolved(rank, id);
    switch (op.kind) {
      case OpKind::kCompute:
        break;
      case OpKind::kCollective:
        check_collective(rank, id, op);
        break;
      case OpKind::kSend:
        if (check_peer(rank, id, op)) sends_.push_back({rank, op.peer, op.tag});
        break;
      case OpKind::kRecv:
        if (check_peer(rank, id, op)) recvs_.push_back({op.peer, rank, op.tag});
        break;
    }
  }

  void check_messages() {
    std::sort(sends_.begin(), sends_.end());
    std::sort(recvs_.begin(), recvs_.end());
    auto send = sends_.begin();
    auto recv = recvs_.begin();
    while (send != sends_.end() || recv != recvs_.end()) {
      const bool send_first = recv == recvs_.end() || (send != sends_.end() && *send < *recv);
      const MessageEnd end = send_first ? *send : *recv;
      const auto count = [&](auto& at, const SpillVector<MessageEnd>& all) {
        const auto first = at;
        while (at != all.end() && *at == end) ++at;
        return at - first;
      };
      const auto sent = count(send, sends_);
      const auto received = count(recv, recvs_);
      if (sent != received)
        log_.fail(TraceProblem::kMessage,
                  fmt::format("{}: rank {} sends {} messages with tag {} to rank {}, which "
                              "receives {}; they must match",
                              where_, end.source.value(), sent, end.tag, end.destination.value(),
                              received));
    }
  }

  /// A member that calls fewer collectives than the others leaves them waiting.
  void check_call_counts() const {
    for (const auto& [group, calls] : calls_)
      for (const RankId rank : workload_.groups[group.index()].ranks) {
        const auto made = next_call_.find({rank, group});
        const std::uint32_t count = made == next_call_.end() ? 0 : made->second;
        if (count < calls.size() && rank.index() < workload_.graphs.size())
          log_.fail(
              TraceProblem::kCollective,
              fmt::format("{}: rank {} calls {} collectives of {}, others of it call {}", where_,
                          rank.value(), count, group_name(workload_, group), calls.size()));
      }
  }

 private:
  bool in_group(RankId rank, GroupId group) const {
    if (rank.index() >= groups_of_.size()) return false;
    const auto& groups = groups_of_[rank.index()];
    return std::binary_search(groups.begin(), groups.end(), group);
  }

  void fail(TraceProblem problem, RankId rank, OpId id, const std::string& what) const {
    log_.fail(problem, describe(workload_, rank, id, where_) + what);
  }

  void check_collective(RankId rank, OpId id, const Op& op) {
    if (!in_group(rank, op.group))
      return fail(TraceProblem::kGroup, rank, id,
                  ": the rank is not in " + group_name(workload_, op.group));
    if (has_root(op.collective) && !in_group(op.peer, op.group))
      return fail(
          TraceProblem::kGroup, rank, id,
          fmt::format(": root {} is not in {}", op.peer.value(), group_name(workload_, op.group)));
    if (op.matrix != Op::kNoMatrix) check_matrix(rank, id, op);
    check_same_call(rank, id, op);
  }

  void check_matrix(RankId rank, OpId id, const Op& op) const {
    const auto members =
        static_cast<std::uint32_t>(workload_.groups[op.group.index()].ranks.size());
    if (op.collective == CollectiveKind::kAllToAll && op.matrix < workload_.matrices.size() &&
        workload_.matrices[op.matrix]->positions() == members)
      return;
    fail(TraceProblem::kCollective, rank, id,
         fmt::format(": its per-peer sizes do not fit a {} of {} ranks", to_string(op.collective),
                     members));
  }

  /// Holds the op against the call of the first rank that was seen to make it.
  void check_same_call(RankId rank, OpId id, const Op& op) {
    SpillVector<std::pair<RankId, OpId>>& calls = calls_[op.group];
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
    fail(TraceProblem::kCollective, rank, id,
         fmt::format(" ({}) meets rank {}, op {} ({}) as collective number {} of {}; "
                     "they must be of one kind, size and root",
                     text(op), first_rank.value(), first_graph.source_id(first_id), text(first),
                     k + 1, group_name(workload_, op.group)));
  }

  bool check_peer(RankId rank, OpId id, const Op& op) const {
    if (op.peer != rank && op.peer.index() < workload_.graphs.size()) return true;
    fail(TraceProblem::kMessage, rank, id,
         op.peer == rank ? std::string(": the peer is the rank itself")
                         : fmt::format(": peer {} does not exist, there are ranks 0 to {}",
                                       op.peer.value(), workload_.graphs.size() - 1));
    return false;
  }

  const Workload& workload_;
  const std::string& where_;
  const TraceLog& log_;
  std::vector<std::vector<GroupId>> groups_of_;
  SpillVector<MessageEnd> sends_, recvs_;
  std::map<GroupId, SpillVector<std::pair<RankId, OpId>>> calls_;
  std::map<std::pair<RankId, GroupId>, std::uint32_t> next_call_;
};

}  // namespace

namespace {

Checker check_ops(const Workload& workload, const std::string& where, const TraceLog& log) {
  Checker checker(workload, where, log);
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank)
    for (std::size_t op = 0; op < workload.graphs[rank]->size(); ++op)
      checker.check_op(RankId(rank), OpId(op));
  checker.check_messages();
  return checker;
}

}  // namespace

void check_workload(const Workload& workload, const std::string& where) {
  check_ops(workload, where, TraceLog());
}

void find_workload_problems(const Workload& workload, const std::string& where,
                            TraceProblems& problems) {
  TraceLog log;
  log.problems = &problems;
  check_ops(workload, where, log).check_call_counts();
}

}  // namespace plait
