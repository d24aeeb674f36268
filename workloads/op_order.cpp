// SPDX-License-Identifier: Apache-2.0
#include "workloads/op_order.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory_resource>
#include <numeric>
#include <queue>
#include <span>
#include <utility>
#include <vector>

#include "workloads/graph_rebuild.hpp"

namespace plait {

namespace {

struct OpRef {
  std::uint32_t position = 0;  ///< First, so that the order among ready ops is by position.
  std::uint32_t rank = 0;
  friend auto operator<=>(const OpRef&, const OpRef&) = default;
};

/// For each rank the positions of its ops.
using Order = std::vector<SpillVector<std::uint32_t>>;

/// Kahn's algorithm over all ranks at once, smallest position first.
class GlobalOrder {
 public:
  /// @param keep_streams ops of one stream keep their order, too.
  GlobalOrder(const Workload& workload, bool keep_streams)
      : workload_(workload), keep_streams_(keep_streams) {
    const std::size_t ranks = workload.graphs.size();
    blocked_.resize(ranks);
    first_.resize(ranks);
    followers_.resize(ranks);
    order_.resize(ranks);
    start_.resize(ranks);
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      blocked_[rank].resize(graph(rank).size());
      start_[rank].resize(graph(rank).size());
      first_[rank].resize(graph(rank).size() + 1);
    }
    // Twice over the links: to count them, and to store them without a list per op.
    for_each_link([&](OpRef first, OpRef then) {
      ++first_[first.rank][first.position + 1];
      ++blocked_[then.rank][then.position];
    });
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      std::partial_sum(first_[rank].begin(), first_[rank].end(), first_[rank].begin());
      followers_[rank].resize(first_[rank].back());
    }
    std::vector<SpillVector<std::uint32_t>> next = first_;
    for_each_link([&](OpRef first, OpRef then) {
      followers_[first.rank][next[first.rank][first.position]++] = then;
    });
  }

  /// For each rank the positions in their new order; empty when some op can never go.
  Order run() {
    for (std::uint32_t rank = 0; rank < blocked_.size(); ++rank)
      for (std::uint32_t i = 0; i < blocked_[rank].size(); ++i)
        if (blocked_[rank][i] == 0) arrive({i, rank});
    while (!ready_.empty()) {
      const OpRef next = ready_.top();
      ready_.pop();
      order_[next.rank].push_back(next.position);
      const Duration end = end_of(next);
      longest_ = std::max(longest_, end);
      for (std::uint32_t f = first_[next.rank][next.position];
           f < first_[next.rank][next.position + 1]; ++f) {
        const OpRef follower = followers_[next.rank][f];
        Duration& start = start_[follower.rank][follower.position];
        start = std::max(start, end);
        if (--blocked_[follower.rank][follower.position] == 0) arrive(follower);
      }
    }
    for (std::uint32_t rank = 0; rank < order_.size(); ++rank)
      if (order_[rank].size() < graph(rank).size()) return {};
    return std::move(order_);
  }

  /// After a run(): when the last op ends if the network takes no time.
  Duration longest() const { return longest_; }

  /// After a run() in vain: the ops that could not go.
  std::vector<StuckOp> stuck() const {
    std::vector<StuckOp> result;
    for (std::uint32_t rank = 0; rank < order_.size(); ++rank) {
      SpillVector<bool> went(graph(rank).size(), false);
      for (const std::uint32_t position : order_[rank]) went[position] = true;
      for (std::uint32_t i = 0; i < went.size(); ++i)
        if (!went[i]) result.push_back({RankId(rank), OpId(i)});
    }
    return result;
  }

 private:
  /// One end of a message, so that sorting puts first the sends and then the recvs of one source,
  /// destination and tag, in their order.
  struct MessageEnd {
    std::uint32_t source = 0, destination = 0, tag = 0;
    bool receives = false;
    std::uint32_t position = 0;
    friend auto operator<=>(const MessageEnd&, const MessageEnd&) = default;

    OpRef op() const { return {position, receives ? destination : source}; }
    bool same_messages(const MessageEnd& other) const {
      return source == other.source && destination == other.destination && tag == other.tag;
    }
  };

  const OpGraph& graph(std::uint32_t rank) const { return *workload_.graphs[rank]; }

  /// Calls link(first, then) for every pair of ops of which one must go before the other.
  template <class Link>
  void for_each_link(const Link& link) const {
    SpillVector<MessageEnd> ends;
    for (std::uint32_t rank = 0; rank < blocked_.size(); ++rank) link_rank(rank, link, ends);
    std::sort(ends.begin(), ends.end());
    for (auto first = ends.begin(); first != ends.end();) {
      const auto last = std::find_if(
          first, ends.end(), [&](const MessageEnd& end) { return !end.same_messages(*first); });
      const auto recv =
          std::find_if(first, last, [](const MessageEnd& end) { return end.receives; });
      link_messages(std::span(first, recv), std::span(recv, last), link);
      first = last;
    }
  }

  /// A send and a recv meet in their order; each also goes after the one before it.
  template <class Link>
  static void link_messages(std::span<const MessageEnd> sends, std::span<const MessageEnd> recvs,
                            const Link& link) {
    for (const auto& same : {sends, recvs})
      for (std::size_t k = 1; k < same.size(); ++k) link(same[k - 1].op(), same[k].op());
    for (std::size_t k = 0; k < std::min(sends.size(), recvs.size()); ++k)
      link(sends[k].op(), recvs[k].op());
  }

  template <class Link>
  void link_rank(std::uint32_t rank, const Link& link, SpillVector<MessageEnd>& ends) const {
    std::pmr::monotonic_buffer_resource pool(spill_resource());
    std::map<GroupId, OpRef> last_collective;
    std::pmr::map<std::pair<Device, std::uint32_t>, OpRef> last_of_stream(&pool);
    const auto follow = [&](auto& last_of, const auto& key, OpRef op) {
      const auto [last, is_first] = last_of.try_emplace(key, op);
      if (!is_first) link(std::exchange(last->second, op), op);
    };
    for (std::uint32_t i = 0; i < graph(rank).size(); ++i) {
      const OpRef self{i, rank};
      const Op op = workload_.resolved(RankId(rank), OpId(i));
      for (const OpId need : graph(rank).dependencies(OpId(i)))
        link(OpRef{need.value(), rank}, self);
      for (const OpId need : graph(rank).start_dependencies(OpId(i)))
        link(OpRef{need.value(), rank}, self);
      if (keep_streams_ && op.in_order)
        follow(last_of_stream, std::pair(op.device, op.stream), self);
      if (op.kind == OpKind::kCollective)
        follow(last_collective, op.group, self);
      else if (op.kind == OpKind::kSend)
        ends.push_back({rank, op.peer.value(), op.tag, false, i});
      else if (op.kind == OpKind::kRecv)
        ends.push_back({op.peer.value(), rank, op.tag, true, i});
    }
  }

  /// All that `op` waits for on its own rank is done. A collective also waits for its group; its
  /// the next one of a member waits for this one, so those that have come in call the same one.
  void arrive(OpRef op) {
    const Op what = workload_.resolved(RankId(op.rank), OpId(op.position));
    if (what.kind != OpKind::kCollective) {
      ready_.push(op);
      return;
    }
    std::vector<OpRef>& members = arrived_[what.group];
    members.push_back(op);
    if (members.size() < workload_.groups[what.group.index()].ranks.size()) return;
    Duration last{};
    for (const OpRef member : members) last = std::max(last, start_[member.rank][member.position]);
    for (const OpRef member : members) {
      start_[member.rank][member.position] = last;
      ready_.push(member);
    }
    members.clear();
  }

  Duration end_of(OpRef op) const {
    const Op& what = graph(op.rank).op(OpId(op.position));
    const Duration start = start_[op.rank][op.position];
    return what.kind == OpKind::kCompute ? start + what.duration : start;
  }

  const Workload& workload_;
  bool keep_streams_;
  Duration longest_{};
  std::vector<SpillVector<Duration>> start_;         ///< By rank and position.
  std::vector<SpillVector<std::uint32_t>> blocked_;  ///< By rank and position.
  std::vector<SpillVector<std::uint32_t>> first_;    ///< By rank and position, into followers_.
  std::vector<SpillVector<OpRef>> followers_;        ///< By rank.
  std::map<GroupId, std::vector<OpRef>> arrived_;
  std::priority_queue<OpRef, SpillVector<OpRef>, std::greater<>> ready_;
  Order order_;
};

}  // namespace

Workload order_across_ranks(Workload workload) {
  if (!GlobalOrder(workload, true).run().empty()) return workload;
  const Order order = GlobalOrder(workload, false).run();
  for (std::size_t rank = 0; rank < order.size(); ++rank)
    if (!std::is_sorted(order[rank].begin(), order[rank].end()))
      workload.graphs[rank] =
          std::make_shared<const OpGraph>(rebuild(*workload.graphs[rank], order[rank], [](Op&) {}));
  return workload;
}

std::optional<Duration> critical_path_across_ranks(const Workload& workload) {
  // Links do not say whether they wait for a start or an end.
  for (const auto& graph : workload.graphs)
    for (std::size_t i = 0; i < graph->size(); ++i)
      if (!graph->start_dependencies(OpId(i)).empty()) return std::nullopt;
  GlobalOrder order(workload, true);
  if (order.run().empty()) return std::nullopt;
  return order.longest();
}

std::vector<StuckOp> find_stuck_ops(const Workload& workload) {
  GlobalOrder order(workload, false);
  if (!order.run().empty()) return {};
  return order.stuck();
}

}  // namespace plait
