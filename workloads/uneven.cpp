// SPDX-License-Identifier: Apache-2.0
#include "workloads/uneven.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>
#include <utility>

#include "workloads/graph_rebuild.hpp"

namespace plait {

namespace {

struct Member {
  RankId rank;
  OpId op;
  const std::vector<Bytes>* row = nullptr;
};

using CallKey = std::pair<GroupId, std::uint32_t>;  // group, number of the call in it

std::map<CallKey, std::vector<Member>> find_calls(const Workload& workload,
                                                  const std::vector<UnevenCall>& calls) {
  std::map<std::pair<RankId, std::uint64_t>, const std::vector<Bytes>*> rows;
  for (const UnevenCall& call : calls) rows[{call.rank, call.source_id}] = &call.row;
  std::map<CallKey, std::vector<Member>> found;
  for (std::size_t r = 0; r < workload.graphs.size(); ++r) {
    const OpGraph& graph = *workload.graphs[r];
    std::map<GroupId, std::uint32_t> next;
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const Op op = workload.resolved(RankId(r), OpId(i));
      if (op.kind != OpKind::kCollective) continue;
      const std::uint32_t number = next[op.group]++;
      if (op.collective != CollectiveKind::kAllToAll) continue;
      const auto row = rows.find({RankId(r), graph.source_id(OpId(i))});
      found[{op.group, number}].push_back(
          {RankId(r), OpId(i), row == rows.end() ? nullptr : row->second});
    }
  }
  std::erase_if(found, [](const auto& call) {
    return std::none_of(call.second.begin(), call.second.end(),
                        [](const Member& member) { return member.row != nullptr; });
  });
  return found;
}

}  // namespace

std::vector<Bytes> split_bytes(Bytes total, const std::vector<std::int64_t>& splits) {
  std::vector<Bytes> row;
  const double sum = std::accumulate(splits.begin(), splits.end(), 0.0);
  if (sum == static_cast<double>(total.count())) {  // in bytes already, and exact below 2^53
    for (const std::int64_t split : splits) row.emplace_back(split);
    return row;
  }
  std::int64_t left = total.count();
  for (const std::int64_t split : splits) {
    const double share = sum > 0 ? static_cast<double>(split) / sum : 0;
    row.emplace_back(std::min(
        left, static_cast<std::int64_t>(share * static_cast<double>(total.count()) + 1e-6)));
    left -= row.back().count();
  }
  for (std::size_t i = 0; left > 0 && sum > 0; i = (i + 1) % row.size())
    if (splits[i] > 0) {
      row[i] += Bytes(1);
      --left;
    }
  return row;
}

void join_uneven_calls(Workload& workload, const std::vector<UnevenCall>& calls,
                       const TraceLog& log) {
  if (calls.empty()) return;
  std::map<std::pair<RankId, OpId>, std::uint32_t> matrix_of;
  for (const auto& [key, members] : find_calls(workload, calls)) {
    const std::vector<RankId>& ranks = workload.groups[key.first.index()].ranks;
    const auto n = static_cast<std::uint32_t>(ranks.size());
    std::vector<Bytes> cells(std::size_t{n} * n);
    bool fits = true;
    for (const Member& member : members) {
      const OpGraph& graph = *workload.graphs[member.rank.index()];
      const auto at = std::find(ranks.begin(), ranks.end(), member.rank);
      const std::vector<Bytes> even =
          member.row != nullptr
              ? *member.row
              : split_bytes(graph.op(member.op).size, std::vector<std::int64_t>(n, 1));
      if (at == ranks.end() || even.size() != n) {
        fits = false;
        log.fail(TraceProblem::kCollective,
                 fmt::format("rank {}, all-to-all {}: {} split sizes for a group of {} ranks",
                             member.rank.value(), graph.source_id(member.op), even.size(), n));
        break;
      }
      std::copy(even.begin(), even.end(), cells.begin() + (at - ranks.begin()) * n);
    }
    if (!fits) continue;
    for (const Member& member : members)
      matrix_of[{member.rank, member.op}] = static_cast<std::uint32_t>(workload.matrices.size());
    workload.matrices.push_back(std::make_shared<const ByteMatrix>(n, std::move(cells)));
  }
  for (std::size_t r = 0; r < workload.graphs.size(); ++r) {
    const OpGraph& graph = *workload.graphs[r];
    SpillVector<std::uint32_t> same_order(graph.size());
    std::iota(same_order.begin(), same_order.end(), 0U);
    std::uint32_t next = 0;
    workload.graphs[r] = std::make_shared<const OpGraph>(rebuild(graph, same_order, [&](Op& op) {
      const auto found = matrix_of.find({RankId(r), OpId(next++)});
      if (found == matrix_of.end()) return;
      op.matrix = found->second;
      op.size = workload.matrices[found->second]->mean_sent();
    }));
  }
}

}  // namespace plait
