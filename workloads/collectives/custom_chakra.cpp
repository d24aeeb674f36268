// SPDX-License-Identifier: Apache-2.0
// An algorithm from the Chakra files of its sends and receives: any graph of them becomes channels
// of steps in order.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/chakra/reader.hpp"
#include "workloads/collectives/custom.hpp"
#include "workloads/op_order.hpp"
#include "workloads/trace.hpp"

namespace plait {

namespace {

// What a rank's messages need of each other is kept as bits, at most 256 MiB a rank.
constexpr std::size_t kMostOps = 1 << 16;
constexpr std::size_t kMostChannels = 64;  // of models/collective_choice.hpp

class Bits {
 public:
  explicit Bits(std::size_t size = 0) : words_((size + 63) / 64) {}
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  bool has(std::size_t i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
  void add(const Bits& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }
  bool within(const Bits& other) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      if ((words_[w] & ~other.words_[w]) != 0) return false;
    return true;
  }

 private:
  std::vector<std::uint64_t> words_;
};

/// The ops of one rank, and what each of its sends needs.
struct RankOps {
  std::vector<std::size_t> order;     ///< After what they depend on.
  std::vector<std::size_t> receives;  ///< Ops.
  std::vector<Bits> needs;            ///< By op: receives, by their place in `receives`.
  std::vector<Duration> work;         ///< By op: computes between those receives and its end.
  std::vector<bool> last;             ///< By op: no other depends on it.
  /// Sends, in order; then computes at which a way ends.
  std::vector<std::vector<std::size_t>> channels;
};

/// A message: the m-th from its sender to its receiver on the sender's channel, from 1.
struct Arrival {
  std::uint32_t from = 0, channel = 0, count = 0;
};

class Translation {
 public:
  Translation(const Workload& workload, std::string pattern)
      : workload_(workload), pattern_(std::move(pattern)), ranks_(workload.graphs.size()) {}

  CustomAlgorithm run() {
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      check_ops(r);
      find_needs(r);
      choose_channels(r);
    }
    match_messages();
    result_.ranks = static_cast<std::uint32_t>(ranks_.size());
    result_.steps.resize(ranks_.size());
    result_.sources.resize(ranks_.size());
    for (std::size_t r = 0; r < ranks_.size(); ++r) write_steps(r);
    return std::move(result_);
  }

 private:
  const OpGraph& graph(std::size_t rank) const { return *workload_.graphs[rank]; }
  const Op& op(std::size_t rank, std::size_t i) const { return graph(rank).op(OpId(i)); }

  [[noreturn]] void fail(std::size_t rank, std::size_t i, const std::string& what) const {
    throw UserError(fmt::format("{}: rank {}, node {} '{}': {}", pattern_, rank,
                                graph(rank).source_id(OpId(i)), graph(rank).name(OpId(i)), what));
  }

  void check_ops(std::size_t rank) const {
    if (graph(rank).size() > kMostOps)
      throw UserError(fmt::format("{}: rank {} has {} nodes; at most {} in an algorithm", pattern_,
                                  rank, graph(rank).size(), kMostOps));
    for (std::size_t i = 0; i < graph(rank).size(); ++i) {
      const Op& one = op(rank, i);
      if (one.kind == OpKind::kCollective)
        fail(rank, i, "an algorithm consists of sends, receives and computes, not of collectives");
      if (one.kind != OpKind::kCompute && one.peer.index() == rank)
        fail(rank, i, "a message of a rank to itself");
      if (one.duration == Duration{} && one.flops + one.memory_bytes > 0)
        fail(
            rank, i,
            "a compute without a duration; in an algorithm its operations are not turned into one");
    }
  }

  /// Ops that must come before op `i`: what it depends on and, for a message, the one before it
  /// with the same partner and tag.
  std::vector<std::vector<std::size_t>> all_needed(std::size_t rank) const {
    std::vector<std::vector<std::size_t>> needed(graph(rank).size());
    std::map<std::tuple<OpKind, RankId, std::uint32_t>, std::size_t> last;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      for (const OpId other : graph(rank).dependencies(OpId(i))) needed[i].push_back(other.index());
      for (const OpId other : graph(rank).start_dependencies(OpId(i)))
        needed[i].push_back(other.index());
      const Op& one = op(rank, i);
      if (one.kind == OpKind::kCompute) continue;
      const auto [found, first] = last.try_emplace({one.kind, one.peer, one.tag}, i);
      if (!first) needed[i].push_back(std::exchange(found->second, i));
    }
    return needed;
  }

  void find_needs(std::size_t rank) {
    RankOps& ops = ranks_[rank];
    const auto needed = all_needed(rank);
    const std::size_t count = needed.size();
    std::vector<std::vector<std::size_t>> followers(count);
    std::vector<std::size_t> open(count);
    for (std::size_t i = 0; i < count; ++i) {
      open[i] = needed[i].size();
      for (const std::size_t other : needed[i]) followers[other].push_back(i);
      if (op(rank, i).kind == OpKind::kRecv) ops.receives.push_back(i);
    }
    for (std::size_t i = 0; i < count; ++i)
      if (open[i] == 0) ops.order.push_back(i);
    for (std::size_t next = 0; next < ops.order.size(); ++next)
      for (const std::size_t follower : followers[ops.order[next]])
        if (--open[follower] == 0) ops.order.push_back(follower);
    for (std::size_t i = 0; i < count; ++i)
      if (open[i] > 0)
        fail(rank, i,
             "waits for itself; messages with one partner and tag go in the order of the file");

    ops.needs.assign(count, Bits(ops.receives.size()));
    ops.work.assign(count, Duration{});
    for (std::size_t i = 0; i < count; ++i) ops.last.push_back(followers[i].empty());
    for (const std::size_t i : ops.order) {
      for (const std::size_t other : needed[i]) ops.needs[i].add(ops.needs[other]);
      ops.work[i] = work_before(ops, i, needed[i]);
      if (op(rank, i).kind == OpKind::kCompute) ops.work[i] += op(rank, i).duration;
      if (op(rank, i).kind != OpKind::kRecv) continue;
      ops.work[i] = Duration{};
      const auto at = std::lower_bound(ops.receives.begin(), ops.receives.end(), i);
      ops.needs[i].set(static_cast<std::size_t>(at - ops.receives.begin()));
    }
  }

  /// Computes between the last receive that op `i` needs and its start. What needs fewer receives
  /// is taken to be done before the last of them, unless nothing that comes before needs all.
  static Duration work_before(const RankOps& ops, std::size_t i,
                              const std::vector<std::size_t>& needed) {
    Duration of_all{}, of_any{};
    bool any_needs_all = false;
    for (const std::size_t other : needed) {
      of_any = std::max(of_any, ops.work[other]);
      if (!ops.needs[i].within(ops.needs[other])) continue;
      any_needs_all = true;
      of_all = std::max(of_all, ops.work[other]);
    }
    return any_needs_all ? of_all : of_any;
  }

  void choose_channels(std::size_t rank) {
    RankOps& ops = ranks_[rank];
    std::vector<std::size_t> by_use;  // channels, last used first
    for (const std::size_t i : ops.order)
      if (op(rank, i).kind == OpKind::kSend) choose_channel(rank, i, by_use);
    for (const std::size_t i : ops.order)
      if (ops.last[i] && op(rank, i).kind == OpKind::kCompute && ops.work[i] > Duration{})
        choose_channel(rank, i, by_use);
  }

  /// A channel goes in order, so a step goes behind one that needs no more than it does itself:
  /// then it never waits for anything but its own. Of several such the last that was used.
  void choose_channel(std::size_t rank, std::size_t i, std::vector<std::size_t>& by_use) {
    RankOps& ops = ranks_[rank];
    auto found = std::find_if(by_use.begin(), by_use.end(), [&](std::size_t channel) {
      const std::size_t before = ops.channels[channel].back();
      return ops.needs[before].within(ops.needs[i]) &&
             (ops.work[before] <= ops.work[i] || !ops.needs[i].within(ops.needs[before]));
    });
    if (found == by_use.end()) {
      if (ops.channels.size() == kMostChannels)
        fail(rank, i,
             fmt::format("needs a channel of its own, since it must wait for none of those before "
                         "it; there are {}",
                         kMostChannels));
      by_use.push_back(ops.channels.size());
      found = by_use.end() - 1;
      ops.channels.emplace_back();
    }
    std::rotate(by_use.begin(), found, found + 1);
    ops.channels[by_use.front()].push_back(i);
  }

  /// The k-th receive from a partner with a tag takes the k-th such message.
  void match_messages() {
    using Key = std::tuple<std::size_t, std::size_t, std::uint32_t>;  // from, to, tag
    std::map<Key, std::vector<std::pair<Arrival, std::size_t>>> sent;
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      std::map<std::size_t, Arrival> arrival_of;
      for (std::size_t c = 0; c < ranks_[r].channels.size(); ++c) {
        std::map<RankId, std::uint32_t> counts;
        for (const std::size_t i : ranks_[r].channels[c])
          if (op(r, i).kind == OpKind::kSend)
            arrival_of[i] = {static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c),
                             ++counts[op(r, i).peer]};
      }
      for (const auto& [i, arrival] : arrival_of)
        sent[{r, op(r, i).peer.index(), op(r, i).tag}].emplace_back(arrival, i);
    }
    std::map<Key, std::size_t> next;
    arrivals_.resize(ranks_.size());
    for (std::size_t r = 0; r < ranks_.size(); ++r)
      for (const std::size_t i : ranks_[r].receives) {
        const std::size_t from = op(r, i).peer.index();
        const Key key{from, r, op(r, i).tag};
        const auto& [arrival, send] = sent.at(key)[next[key]++];
        if (op(from, send).size != op(r, i).size)
          fail(r, i,
               fmt::format("receives {}, but node {} of rank {}, which sends it, has {}",
                           to_string(op(r, i).size), graph(from).source_id(OpId(send)), from,
                           to_string(op(from, send).size)));
        arrivals_[r].push_back(arrival);
      }
  }

  void write_steps(std::size_t rank) {
    const RankOps& ops = ranks_[rank];
    using Place = std::pair<std::uint32_t, std::uint32_t>;  // sender, its channel
    for (const std::vector<std::size_t>& sends : ops.channels) {
      std::vector<CustomStep>& steps = result_.steps[rank].emplace_back();
      std::map<Place, std::uint32_t> known;
      for (const std::size_t i : sends) {
        std::map<Place, std::uint32_t> missing;
        for (std::size_t k = 0; k < ops.receives.size(); ++k) {
          if (!ops.needs[i].has(k)) continue;
          const Arrival& arrival = arrivals_[rank][k];
          std::uint32_t& count = known[{arrival.from, arrival.channel}];
          if (arrival.count <= count) continue;
          count = arrival.count;
          missing[{arrival.from, arrival.channel}] = arrival.count;
        }
        for (const auto& [place, count] : missing) {
          CustomStep wait;
          std::tie(wait.wait_from, wait.wait_channel) = place;
          wait.wait_count = count;
          steps.push_back(wait);
        }
        CustomStep step;
        if (op(rank, i).kind == OpKind::kSend) {
          step.send_to = op(rank, i).peer.value();
          step.bytes = op(rank, i).size;
        }
        step.work = ops.work[i];
        steps.push_back(step);
      }
    }
    std::map<Place, std::uint32_t> counts;
    for (const Arrival& arrival : arrivals_[rank]) ++counts[{arrival.from, arrival.channel}];
    for (const auto& [place, count] : counts)
      result_.sources[rank].push_back({place.first, place.second, count});
  }

  const Workload& workload_;
  std::string pattern_;
  std::vector<RankOps> ranks_;
  std::vector<std::vector<Arrival>> arrivals_;  // by rank and place in RankOps::receives
  CustomAlgorithm result_;
};

void refuse_stuck(const Workload& workload, const std::string& pattern) {
  const std::vector<StuckOp> stuck = find_stuck_ops(workload);
  if (stuck.empty()) return;
  const OpGraph& graph = *workload.graphs[stuck[0].rank.index()];
  throw UserError(fmt::format(
      "{}: {} nodes wait for each other in a circle, first node {} '{}' of rank {}", pattern,
      stuck.size(), graph.source_id(stuck[0].op), graph.name(stuck[0].op), stuck[0].rank.value()));
}

}  // namespace

std::shared_ptr<const CustomAlgorithm> load_custom_chakra(const std::string& pattern,
                                                          CollectiveKind kind, Bytes written_for) {
  PLAIT_CHECK_GE(written_for.count(), 1);
  TraceOptions options;
  options.format = TraceFormat::kChakra;
  options.strict = true;  // half an algorithm is none
  const Workload workload = load_chakra_workload(pattern, options);
  refuse_stuck(workload, pattern);
  CustomAlgorithm algorithm = Translation(workload, pattern).run();
  algorithm.name = std::filesystem::path(pattern).filename().string();
  algorithm.place = pattern;
  algorithm.kind = kind;
  algorithm.written_for = written_for;
  return std::make_shared<const CustomAlgorithm>(std::move(algorithm));
}

}  // namespace plait
