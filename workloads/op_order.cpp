// SPDX-License-Identifier: Apache-2.0
#include "workloads/op_order.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <tuple>
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
    std::vector<std::vector<std::uint32_t>> next = first_;
    for_each_link([&](OpRef first, OpRef then) {
      followers_[first.rank][next[first.rank][first.position]++] = then;
    });
  }

  /// For each rank the positions in their new order; empty when some op can never go.
  std::vector<std::vector<std::uint32_t>> run() {
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
      std::vector<bool> went(graph(rank).size(), false);
      for (const std::uint32_t position : order_[rank]) went[position] = true;
      for (std::uint32_t i = 0; i < went.size(); ++i)
        if (!went[i]) result.push_back({RankId(rank), OpId(i)});
    }
    return result;
  }

 private:
  struct Pair {
    std::vector<OpRef> sends, recvs;
  };
  using PairKey = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // from, to, tag

  const OpGraph& graph(std::uint32_t rank) const { return *workload_.graphs[rank]; }

  /// Calls link(first, then) for every pair of ops of which one must go before the other.
  template <class Link>
  void for_each_link(const Link& link) const {
    std::map<PairKey, Pair> pairs;
    for (std::uint32_t rank = 0; rank < blocked_.size(); ++rank) link_rank(rank, link, pairs);
    for (const auto& [key, pair] : pairs)
      for (std::size_t k = 0; k < std::min(pair.sends.size(), pair.recvs.size()); ++k)
        link(pair.sends[k], pair.recvs[k]);
  }

  template <class Link>
  void link_rank(std::uint32_t rank, const Link& link, std::map<PairKey, Pair>& pairs) const {
    std::map<GroupId, OpRef> last_collective;
    std::map<std::pair<Device, std::uint32_t>, OpRef> last_of_stream;
    const auto follow = [&](auto& last_of, const auto& key, OpRef op) {
      const auto [last, is_first] = last_of.try_emplace(key, op);
      if (!is_first) link(std::exchange(last->second, op), op);
    };
    const auto append = [&](std::vector<OpRef>& same_pair, OpRef op) {
      if (!same_pair.empty()) link(same_pair.back(), op);
      same_pair.push_back(op);
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
      if (op.kind == OpKind::kCollective) {
        follow(last_collective, op.group, self);
      } else if (op.kind == OpKind::kSend) {
        append(pairs[{rank, op.peer.value(), op.tag}].sends, self);
      } else if (op.kind == OpKind::kRecv) {
        append(pairs[{op.peer.value(), rank, op.tag}].recvs, self);
      }
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
  std::vector<std::vector<Duration>> start_;         ///< By rank and position.
  std::vector<std::vector<std::uint32_t>> blocked_;  ///< By rank and position.
  std::vector<std::vector<std::uint32_t>> first_;    ///< By rank and position, into followers_.
  std::vector<std::vector<OpRef>> followers_;        ///< By rank.
  std::map<GroupId, std::vector<OpRef>> arrived_;
  std::priority_queue<OpRef, std::vector<OpRef>, std::greater<>> ready_;
  std::vector<std::vector<std::uint32_t>> order_;
};

}  // namespace

Workload order_across_ranks(Workload workload) {
  if (!GlobalOrder(workload, true).run().empty()) return workload;
  const std::vector<std::vector<std::uint32_t>> order = GlobalOrder(workload, false).run();
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
