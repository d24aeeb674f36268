// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/custom_chakra_rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "sim/error.hpp"

namespace plait {

namespace {

// What a rank's messages need of each other is kept as bits, at most 256 MiB a rank.
constexpr std::size_t kMostOps = 1 << 16;
constexpr std::size_t kMostChannels = 64;  // of models/collective_choice.hpp

class RankOrder {
 public:
  RankOrder(const OpGraph& graph, std::size_t rank, const std::string& pattern)
      : graph_(graph), rank_(rank), pattern_(pattern) {}

  RankOps run() {
    check_ops();
    find_needs();
    choose_channels();
    return std::move(ops_);
  }

 private:
  const Op& op(std::size_t i) const { return graph_.op(OpId(i)); }
  [[noreturn]] void fail(std::size_t i, const std::string& what) const {
    fail_at_node(pattern_, graph_, rank_, i, what);
  }

  void check_ops() const {
    if (graph_.size() > kMostOps)
      throw UserError(fmt::format("{}: rank {} has {} nodes; at most {} in an algorithm", pattern_,
                                  rank_, graph_.size(), kMostOps));
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const Op& one = op(i);
      if (one.kind == OpKind::kCollective)
        fail(i, "an algorithm consists of sends, receives and computes, not of collectives");
      if (one.kind != OpKind::kCompute && one.peer.index() == rank_)
        fail(i, "a message of a rank to itself");
      if (one.duration == Duration{} && one.flops + one.memory_bytes > 0)
        fail(
            i,
            "a compute without a duration; in an algorithm its operations are not turned into one");
    }
  }

  /// Ops that must come before op `i`: what it depends on and, for a message, the one before it
  /// with the same partner and tag.
  std::vector<std::vector<std::size_t>> all_needed() const {
    std::vector<std::vector<std::size_t>> needed(graph_.size());
    std::map<std::tuple<OpKind, RankId, std::uint32_t>, std::size_t> last;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      for (const OpId other : graph_.dependencies(OpId(i))) needed[i].push_back(other.index());
      for (const OpId other : graph_.start_dependencies(OpId(i)))
        needed[i].push_back(other.index());
      const Op& one = op(i);
      if (one.kind == OpKind::kCompute) continue;
      const auto [found, first] = last.try_emplace({one.kind, one.peer, one.tag}, i);
      if (!first) needed[i].push_back(std::exchange(found->second, i));
    }
    return needed;
  }

  void find_needs() {
    const auto needed = all_needed();
    const std::size_t count = needed.size();
    std::vector<std::vector<std::size_t>> followers(count);
    std::vector<std::size_t> open(count);
    for (std::size_t i = 0; i < count; ++i) {
      open[i] = needed[i].size();
      for (const std::size_t other : needed[i]) followers[other].push_back(i);
      if (op(i).kind == OpKind::kRecv) ops_.receives.push_back(i);
    }
    for (std::size_t i = 0; i < count; ++i)
      if (open[i] == 0) ops_.order.push_back(i);
    for (std::size_t next = 0; next < ops_.order.size(); ++next)
      for (const std::size_t follower : followers[ops_.order[next]])
        if (--open[follower] == 0) ops_.order.push_back(follower);
    for (std::size_t i = 0; i < count; ++i)
      if (open[i] > 0)
        fail(i, "waits for itself; messages with one partner and tag go in the order of the file");

    ops_.needs.assign(count, Bits(ops_.receives.size()));
    ops_.work.assign(count, Duration{});
    for (std::size_t i = 0; i < count; ++i) ops_.last.push_back(followers[i].empty());
    for (const std::size_t i : ops_.order) {
      for (const std::size_t other : needed[i]) ops_.needs[i].add(ops_.needs[other]);
      ops_.work[i] = work_before(i, needed[i]);
      if (op(i).kind == OpKind::kCompute) ops_.work[i] += op(i).duration;
      if (op(i).kind != OpKind::kRecv) continue;
      ops_.work[i] = Duration{};
      const auto at = std::lower_bound(ops_.receives.begin(), ops_.receives.end(), i);
      ops_.needs[i].set(static_cast<std::size_t>(at - ops_.receives.begin()));
    }
  }

  /// Computes between the last receive that op `i` needs and its start. What needs fewer receives
  /// is taken to be done before the last of them, unless nothing that comes before needs all.
  Duration work_before(std::size_t i, const std::vector<std::size_t>& needed) const {
    Duration of_all{}, of_any{};
    bool any_needs_all = false;
    for (const std::size_t other : needed) {
      of_any = std::max(of_any, ops_.work[other]);
      if (!ops_.needs[i].within(ops_.needs[other])) continue;
      any_needs_all = true;
      of_all = std::max(of_all, ops_.work[other]);
    }
    return any_needs_all ? of_all : of_any;
  }

  void choose_channels() {
    std::vector<std::size_t> by_use;  // channels, last used first
    for (const std::size_t i : ops_.order)
      if (op(i).kind == OpKind::kSend) choose_channel(i, by_use);
    for (const std::size_t i : ops_.order)
      if (ops_.last[i] && op(i).kind == OpKind::kCompute && ops_.work[i] > Duration{})
        choose_channel(i, by_use);
  }

  /// A channel goes in order, so a step goes behind one that needs no more than it does itself:
  /// then it never waits for anything but its own. Of several such the last that was used.
  void choose_channel(std::size_t i, std::vector<std::size_t>& by_use) {
    auto found = std::find_if(by_use.begin(), by_use.end(), [&](std::size_t channel) {
      const std::size_t before = ops_.channels[channel].back();
      return ops_.needs[before].within(ops_.needs[i]) &&
             (ops_.work[before] <= ops_.work[i] || !ops_.needs[i].within(ops_.needs[before]));
    });
    if (found == by_use.end()) {
      if (ops_.channels.size() == kMostChannels)
        fail(i,
             fmt::format("needs a channel of its own, since it must wait for none of those before "
                         "it; there are {}",
                         kMostChannels));
      by_use.push_back(ops_.channels.size());
      found = by_use.end() - 1;
      ops_.channels.emplace_back();
    }
    std::rotate(by_use.begin(), found, found + 1);
    ops_.channels[by_use.front()].push_back(i);
  }

  const OpGraph& graph_;
  std::size_t rank_;
  const std::string& pattern_;
  RankOps ops_;
};

}  // namespace

void fail_at_node(const std::string& pattern, const OpGraph& graph, std::size_t rank, std::size_t i,
                  const std::string& what) {
  throw UserError(fmt::format("{}: rank {}, node {} '{}': {}", pattern, rank,
                              graph.source_id(OpId(i)), graph.name(OpId(i)), what));
}

RankOps order_algorithm_rank(const OpGraph& graph, std::size_t rank, const std::string& pattern) {
  return RankOrder(graph, rank, pattern).run();
}

}  // namespace plait
