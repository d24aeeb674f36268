// SPDX-License-Identifier: Apache-2.0
// An algorithm from the Chakra files of its sends and receives: any graph of them becomes channels
// of steps in order (custom_chakra_rank.hpp), whose waits name the messages of other ranks'
// channels.
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
#include "workloads/collectives/custom_chakra_rank.hpp"
#include "workloads/op_order.hpp"
#include "workloads/trace.hpp"

namespace plait {

namespace {

/// A message: the m-th from its sender to its receiver on the sender's channel, from 1.
struct Arrival {
  std::uint32_t from = 0, channel = 0, count = 0;
};

class Translation {
 public:
  Translation(const Workload& workload, std::string pattern)
      : workload_(workload), pattern_(std::move(pattern)), ranks_(workload.graphs.size()) {}

  CustomAlgorithm run() {
    for (std::size_t r = 0; r < ranks_.size(); ++r)
      ranks_[r] = order_algorithm_rank(graph(r), r, pattern_);
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
          fail_at_node(pattern_, graph(r), r, i,
                       fmt::format("receives {}, but node {} of rank {}, which sends it, has {}",
                                   to_string(op(r, i).size), graph(from).source_id(OpId(send)),
                                   from, to_string(op(from, send).size)));
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
