// SPDX-License-Identifier: Apache-2.0
#include "workloads/message_tags.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "sim/check.hpp"
#include "workloads/graph_rebuild.hpp"

namespace plait {

namespace {

/// A tag as the trace has it, of messages from one rank to another.
struct Tag {
  RankId source, destination;
  std::uint32_t tag = 0;
  friend auto operator<=>(const Tag&, const Tag&) = default;
};

Tag tag_of(RankId rank, const Op& op) {
  return op.kind == OpKind::kSend ? Tag{rank, op.peer, op.tag} : Tag{op.peer, rank, op.tag};
}

/// All tags, ascending. Sends suffice: the recvs have the same.
SpillVector<Tag> collect_tags(const Workload& workload) {
  SpillVector<Tag> tags;
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank)
    for (const Op& op : workload.graphs[rank]->ops())
      if (op.kind == OpKind::kSend) {
        const Tag tag = tag_of(RankId(rank), op);
        if (tags.empty() || tags.back() != tag) tags.push_back(tag);
      }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

/// Number of the tag among those of its source and destination.
std::uint32_t number_of(const SpillVector<Tag>& tags, const Tag& tag) {
  const auto first =
      std::lower_bound(tags.begin(), tags.end(), Tag{tag.source, tag.destination, 0});
  const auto found = std::lower_bound(first, tags.end(), tag);
  PLAIT_CHECK(found != tags.end() && *found == tag, "a recv has the tag of a send");
  return static_cast<std::uint32_t>(found - first);
}

}  // namespace

Workload compact_tags(Workload workload) {
  PLAIT_CHECK(workload.bindings.empty(), "tags of shared graphs are compact as they are made");
  const SpillVector<Tag> tags = collect_tags(workload);
  if (tags.empty()) return workload;
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
    const OpGraph& graph = *workload.graphs[rank];
    SpillVector<std::uint32_t> same_order(graph.size());
    std::iota(same_order.begin(), same_order.end(), 0U);
    workload.graphs[rank] = std::make_shared<const OpGraph>(rebuild(graph, same_order, [&](Op& op) {
      if (op.kind == OpKind::kSend || op.kind == OpKind::kRecv)
        op.tag = number_of(tags, tag_of(RankId(rank), op));
    }));
  }
  return workload;
}

}  // namespace plait
