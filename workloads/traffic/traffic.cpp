// SPDX-License-Identifier: Apache-2.0
// When flows start, and how large they are.
#include "workloads/traffic/traffic.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <queue>

#include "sim/error.hpp"
#include "sim/param_check.hpp"
#include "sim/random.hpp"
#include "workloads/traffic/patterns.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMaxFlows = 10'000'000;
constexpr std::uint32_t kSizePurpose = 0x73697a65;     // "size"
constexpr std::uint32_t kArrivalPurpose = 0x61727276;  // "arrv"

void check_count(std::int64_t flows) {
  if (flows > kMaxFlows)
    throw UserError(fmt::format("the traffic has {} flows; at most {} fit", flows, kMaxFlows));
}

/// Sizes of the flows of every rank, one after another.
class Sizes {
 public:
  Sizes(const TrafficParams& params, std::uint64_t seed) : distribution_(flow_sizes(params)) {
    for (std::int64_t rank = 0; rank < params.ranks; ++rank)
      random_.emplace_back(seed, static_cast<std::uint32_t>(rank), kSizePurpose);
  }
  Bytes next(std::uint32_t sender) { return distribution_.draw(random_[sender]); }

 private:
  SizeDistribution distribution_;
  std::vector<RandomStream> random_;  // by rank
};

std::vector<Flow> in_rounds(const TrafficParams& params, std::uint64_t seed) {
  TrafficMatrix matrix(params, seed);
  Sizes sizes(params, seed);
  std::vector<Flow> flows;
  for (std::int64_t round = 0; round < params.rounds; ++round) {
    const auto pairs = matrix.round();
    check_count(params.rounds * static_cast<std::int64_t>(pairs.size()));
    for (const auto& [source, destination] : pairs)
      flows.push_back({RankId(source), RankId(destination), sizes.next(source),
                       Duration::ps(round * params.round_gap.ps())});
  }
  return flows;
}

/// One Poisson process per sender; flows in the order in which they start.
std::vector<Flow> poisson(const TrafficParams& params, std::uint64_t seed,
                          const TrafficRates& rates) {
  if (params.duration == Duration() && params.flows == 0)
    throw UserError("Poisson arrivals never end; give duration or flows");
  const double rate = offered_rate(params, rates);
  const double mean_gap_ps = flow_sizes(params).mean_bytes() * 8 / rate * 1e12;
  if (!(mean_gap_ps >= 1 && mean_gap_ps < 1e18))
    throw UserError(
        fmt::format("the mean time between the flows of a sender is {:.3g} s; legal is "
                    "1 ps to 11 days",
                    mean_gap_ps * 1e-12));
  const Duration mean_gap = Duration::ps(std::llround(mean_gap_ps));
  TrafficMatrix matrix(params, seed);
  Sizes sizes(params, seed);
  const std::int64_t end_ps = params.duration == Duration() ? INT64_MAX : params.duration.ps();
  if (params.duration > Duration())
    check_count(params.flows > 0
                    ? params.flows
                    : static_cast<std::int64_t>(static_cast<double>(matrix.senders().size()) *
                                                static_cast<double>(end_ps) / mean_gap_ps));
  std::vector<RandomStream> random;
  using Arrival = std::pair<std::int64_t, std::size_t>;  // time, index of the sender
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> next;
  for (std::size_t i = 0; i < matrix.senders().size(); ++i) {
    random.emplace_back(seed, matrix.senders()[i], kArrivalPurpose);
    next.emplace(random[i].exponential(mean_gap).ps(), i);
  }
  std::vector<Flow> flows;
  while (params.flows == 0 || flows.size() < static_cast<std::size_t>(params.flows)) {
    const auto [at_ps, i] = next.top();
    if (at_ps > end_ps) break;
    next.pop();
    const std::uint32_t source = matrix.senders()[i];
    flows.push_back(
        {RankId(source), RankId(matrix.next(source)), sizes.next(source), Duration::ps(at_ps)});
    next.emplace((Duration::ps(at_ps) + random[i].exponential(mean_gap)).ps(), i);
  }
  if (flows.empty())
    throw UserError(
        fmt::format("no flow starts within the duration of {}: the mean time between "
                    "the flows of a sender is {:.3g} s; raise duration or load",
                    to_string(params.duration), mean_gap_ps * 1e-12));
  return flows;
}

std::vector<Flow> closed_loop(const TrafficParams& params, std::uint64_t seed) {
  if (params.flows == 0)
    throw UserError("a closed loop needs a number of flows (in all, over all senders)");
  TrafficMatrix matrix(params, seed);
  Sizes sizes(params, seed);
  const std::size_t senders = matrix.senders().size();
  const auto concurrency = static_cast<std::uint64_t>(params.concurrency);
  std::vector<Flow> flows;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(params.flows); ++i) {
    const std::uint32_t source = matrix.senders()[i % senders];
    const auto chain = static_cast<std::uint32_t>(i / senders % concurrency);
    flows.push_back({RankId(source), RankId(matrix.next(source)), sizes.next(source), {}, chain});
  }
  return flows;
}

}  // namespace

void check_all_to_all(std::int64_t ranks) {
  const std::int64_t flows = ranks * (ranks - 1);
  if (flows > kMaxFlows)
    throw UserError(
        fmt::format("all_to_all between {} ranks has {} flows; at most {} fit, so at "
                    "most 3162 ranks",
                    ranks, flows, kMaxFlows));
}

void describe(ParamVisitor& v, TrafficParams& p) {
  constexpr std::string_view kOurs = "Plait's choice";
  constexpr std::string_view kHpcc =
      "github.com/alibaba-edu/High-Precision-Congestion-Control, "
      "traffic_gen";
  v.choice({"pattern", "who sends to whom", kOurs}, p.pattern,
           {{"permutation", "every rank sends to one other, drawn from the seed"},
            {"shift", "rank r sends to rank r + shift"},
            {"incast", "peers ranks send to rank center"},
            {"all_to_all", "every rank sends to every other"},
            {"outcast", "rank center sends to peers ranks"},
            {"hotspot", "a share of the flows goes to a few ranks"},
            {"random", "every flow goes to a rank drawn anew"}});
  v.field({"ranks", "number of ranks", kOurs}, p.ranks, {2, kMaxTrafficRanks});
  v.field({"shift", "distance of the shift pattern", kOurs}, p.shift, {1, kMaxTrafficRanks});
  v.field({"peers",
           "ranks at the many end of an incast or outcast, the first that are not the "
           "center; 0: all others",
           kOurs},
          p.peers, {0, kMaxTrafficRanks});
  v.field({"center", "rank at the one end of an incast or outcast", kOurs}, p.center,
          {0, kMaxTrafficRanks});
  v.field({"hot_ranks", "how many ranks are hot, from rank 0 on", kOurs}, p.hot_ranks,
          {1, kMaxTrafficRanks});
  v.field({"hot_share", "share of the flows of each rank that go to hot ranks", kOurs}, p.hot_share,
          {0, 1});
  v.choice({"sizes", "how large flows are", kOurs}, p.sizes,
           {{"fixed", "all of one size"},
            {"web_search", "web search, mean 1.7 MB (Alizadeh et al., SIGCOMM 2010)", kHpcc},
            {"hadoop", "Hadoop, mean 120 KB (Roy et al., SIGCOMM 2015)", kHpcc},
            {"file", "drawn from the distribution in the file cdf"}});
  v.field({"size", "size of each flow, sizes: fixed", kOurs}, p.size,
          {Bytes(0), Bytes::gibi(1024)});
  v.field({"cdf", "file of lines 'SIZE PERCENT', a cumulative distribution, sizes: file", "none"},
          p.cdf);
  v.choice({"arrivals", "when flows start", kOurs}, p.arrivals,
           {{"rounds", "all flows of the pattern at once, and again in the next round"},
            {"poisson", "open loop: exponential gaps for each sender, by load", kHpcc},
            {"closed", "closed loop: the next flow starts when the last has ended"}});
  v.field({"rounds", "how many rounds", kOurs}, p.rounds, {1, kMaxFlows});
  v.field({"round_gap", "from the start of a round to that of the next", kOurs}, p.round_gap,
          {Duration(), Duration::s(86'400)});
  v.field({"load", "payload that Poisson arrivals offer, as a share of what load_of names",
           "HPCC, SIGCOMM 2019: loads of 30 % and 50 %"},
          p.load, {1e-6, 10});
  v.choice({"load_of", "what a load of 1 would fill", kOurs}, p.load_of,
           {{"nic", "the NIC of each sender; of an incast, that of its center"},
            {"bisection", "the links between the halves of the fabric, each way"}});
  v.field({"duration", "no flow starts later; 0ps: flows is the limit", kOurs}, p.duration,
          {Duration(), Duration::s(86'400)});
  v.field({"flows", "number of flows in all; 0: duration is the limit", kOurs}, p.flows,
          {0, kMaxFlows});
  v.field({"concurrency", "flows of one sender at a time in a closed loop", kOurs}, p.concurrency,
          {1, 1'000'000});
  v.field({"think_time", "from the end of a flow to the start of the next in a closed loop", kOurs},
          p.think_time, {Duration(), Duration::s(86'400)});
}

SizeDistribution flow_sizes(const TrafficParams& params) {
  switch (params.sizes) {
    case FlowSizes::kWebSearch:
      return SizeDistribution::web_search();
    case FlowSizes::kHadoop:
      return SizeDistribution::hadoop();
    case FlowSizes::kFile:
      return SizeDistribution::load(params.cdf);
    case FlowSizes::kFixed:
      break;
  }
  return SizeDistribution::fixed(params.size);
}

double offered_rate(const TrafficParams& params, const TrafficRates& rates) {
  const auto ranks = static_cast<double>(params.ranks);
  if (params.load_of == LoadOf::kBisection) {
    if (params.pattern != TrafficPattern::kRandom &&
        params.pattern != TrafficPattern::kPermutation &&
        params.pattern != TrafficPattern::kAllToAll)
      throw UserError(
          "load_of: bisection needs flows that go to all ranks alike: pattern random, permutation "
          "or all_to_all");
    // Each way, ranks / 2 senders cross with probability (ranks / 2) / (ranks - 1).
    return params.load * static_cast<double>(rates.bisection.bps()) * 4 * (ranks - 1) /
           (ranks * ranks);
  }
  double share = params.load;
  if (params.pattern == TrafficPattern::kIncast)
    share /= params.peers == 0 ? ranks - 1 : static_cast<double>(params.peers);
  return share * static_cast<double>(rates.rank.bps());
}

std::vector<Flow> make_traffic_flows(const TrafficParams& params, std::uint64_t seed,
                                     const TrafficRates& rates) {
  check_ranges(params, "traffic");
  if (params.pattern == TrafficPattern::kAllToAll && params.arrivals == Arrivals::kRounds)
    check_all_to_all(params.ranks);
  switch (params.arrivals) {
    case Arrivals::kPoisson:
      return poisson(params, seed, rates);
    case Arrivals::kClosed:
      return closed_loop(params, seed);
    case Arrivals::kRounds:
      break;
  }
  return in_rounds(params, seed);
}

Workload make_traffic(const TrafficParams& params, std::uint64_t seed, const TrafficRates& rates) {
  const std::vector<Flow> flows = make_traffic_flows(params, seed, rates);
  return make_flow_workload(static_cast<std::uint32_t>(params.ranks), flows, params.think_time);
}

}  // namespace plait
