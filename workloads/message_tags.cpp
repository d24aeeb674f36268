// SPDX-License-Identifier: Apache-2.0
#include "workloads/message_tags.hpp"

#include <map>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "sim/check.hpp"
#include "workloads/graph_rebuild.hpp"

namespace plait {

namespace {

using RankPair = std::pair<RankId, RankId>;  // source, destination
using TagMap = std::map<RankPair, std::map<std::uint32_t, std::uint32_t>>;

RankPair ends(RankId rank, const Op& op) {
  return op.kind == OpKind::kSend ? RankPair{rank, op.peer} : RankPair{op.peer, rank};
}

/// What becomes of every tag. Sends suffice: the recvs have the same.
TagMap number_tags(const Workload& workload) {
  TagMap tags;
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank)
    for (const Op& op : workload.graphs[rank]->ops())
      if (op.kind == OpKind::kSend) tags[ends(RankId(rank), op)][op.tag] = 0;
  for (auto& [pair, of_pair] : tags) {
    std::uint32_t next = 0;
    for (auto& [old_tag, new_tag] : of_pair) new_tag = next++;
  }
  return tags;
}

}  // namespace

Workload compact_tags(Workload workload) {
  PLAIT_CHECK(workload.bindings.empty(), "tags of shared graphs are compact as they are made");
  const TagMap tags = number_tags(workload);
  if (tags.empty()) return workload;
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
    const OpGraph& graph = *workload.graphs[rank];
    std::vector<std::uint32_t> same_order(graph.size());
    std::iota(same_order.begin(), same_order.end(), 0U);
    workload.graphs[rank] = std::make_shared<const OpGraph>(rebuild(graph, same_order, [&](Op& op) {
      if (op.kind == OpKind::kSend || op.kind == OpKind::kRecv)
        op.tag = tags.at(ends(RankId(rank), op)).at(op.tag);
    }));
  }
  return workload;
}

}  // namespace plait
