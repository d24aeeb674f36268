// SPDX-License-Identifier: Apache-2.0
#include "workloads/op_order.hpp"

#include <algorithm>
#include <functional>
#include <map>
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
    followers_.resize(ranks);
    order_.resize(ranks);
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      blocked_[rank].resize(graph(rank).size());
      followers_[rank].resize(graph(rank).size());
      link_rank(rank);
    }
    for (const auto& [key, pair] : pairs_)
      for (std::size_t k = 0; k < pair.sends.size(); ++k) link(pair.sends[k], pair.recvs[k]);
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
      for (const OpRef follower : followers_[next.rank][next.position])
        if (--blocked_[follower.rank][follower.position] == 0) arrive(follower);
    }
    for (std::uint32_t rank = 0; rank < order_.size(); ++rank)
      if (order_[rank].size() < graph(rank).size()) return {};
    return std::move(order_);
  }

 private:
  struct Pair {
    std::vector<OpRef> sends, recvs;
  };
  using PairKey = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // from, to, tag

  const OpGraph& graph(std::uint32_t rank) const { return *workload_.graphs[rank]; }

  void link(OpRef first, OpRef then) {
    followers_[first.rank][first.position].push_back(then);
    ++blocked_[then.rank][then.position];
  }

  void link_rank(std::uint32_t rank) {
    std::map<GroupId, OpRef> last_collective;
    std::map<std::pair<Device, std::uint32_t>, OpRef> last_of_stream;
    for (std::uint32_t i = 0; i < graph(rank).size(); ++i) {
      const OpRef self{i, rank};
      const Op op = workload_.resolved(RankId(rank), OpId(i));
      for (const OpId need : graph(rank).dependencies(OpId(i))) link({need.value(), rank}, self);
      for (const OpId need : graph(rank).start_dependencies(OpId(i)))
        link({need.value(), rank}, self);
      if (keep_streams_ && op.in_order)
        follow(last_of_stream, std::pair(op.device, op.stream), self);
      if (op.kind == OpKind::kCollective) {
        follow(last_collective, op.group, self);
      } else if (op.kind == OpKind::kSend) {
        append(pairs_[{rank, op.peer.value(), op.tag}].sends, self);
      } else if (op.kind == OpKind::kRecv) {
        append(pairs_[{op.peer.value(), rank, op.tag}].recvs, self);
      }
    }
  }

  template <class Key>
  void follow(std::map<Key, OpRef>& last_of, const Key& key, OpRef op) {
    const auto [last, is_first] = last_of.try_emplace(key, op);
    if (!is_first) link(std::exchange(last->second, op), op);
  }

  void append(std::vector<OpRef>& same_pair, OpRef op) {
    if (!same_pair.empty()) link(same_pair.back(), op);
    same_pair.push_back(op);
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
    for (const OpRef member : members) ready_.push(member);
    members.clear();
  }

  const Workload& workload_;
  bool keep_streams_;
  std::vector<std::vector<std::uint32_t>> blocked_;         ///< By rank and position.
  std::vector<std::vector<std::vector<OpRef>>> followers_;  ///< By rank and position.
  std::map<PairKey, Pair> pairs_;
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

}  // namespace plait
