// SPDX-License-Identifier: Apache-2.0
// Flow sizes and arrivals: moments and distributions against their definitions.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>

#include "sim/error.hpp"
#include "tests/support/test_folder.hpp"
#include "workloads/traffic/traffic.hpp"

using namespace plait;
using Catch::Matchers::Contains;

namespace {

TrafficParams poisson(TrafficPattern pattern, std::int64_t ranks) {
  TrafficParams params;
  params.pattern = pattern;
  params.ranks = ranks;
  params.arrivals = Arrivals::kPoisson;
  params.load = 0.5;
  params.flows = 20'000;
  return params;
}

const TrafficRates kRates{BitRate::gbps(100), BitRate::gbps(400)};

double total_bytes(const std::vector<Flow>& flows) {
  double sum = 0;
  for (const Flow& flow : flows) sum += static_cast<double>(flow.size.count());
  return sum;
}

}  // namespace

TEST_CASE("means of the named distributions", "[traffic]") {
  // Sum of (x[i-1] + x[i]) / 2 * (y[i] - y[i-1]) over the points of HPCC's files, as its
  // custom_rand.py computes them.
  CHECK(SizeDistribution::web_search().mean_bytes() == Approx(1'711'250));
  CHECK(SizeDistribution::hadoop().mean_bytes() == Approx(120'420.75));
  CHECK(SizeDistribution::fixed(Bytes(7)).mean_bytes() == 7);
}

TEST_CASE("drawn sizes have the mean and the shares of their distribution", "[traffic]") {
  for (const SizeDistribution& sizes :
       {SizeDistribution::web_search(), SizeDistribution::hadoop()}) {
    constexpr int kDraws = 200'000;
    RandomStream random(11, 0, 1);
    double sum = 0, squares = 0;
    std::map<std::int64_t, int> smaller;
    for (int i = 0; i < kDraws; ++i) {
      const Bytes size = sizes.draw(random);
      sum += static_cast<double>(size.count());
      squares += std::pow(static_cast<double>(size.count()), 2);
      // Sizes are cut to whole bytes, so those below a point are those that were drawn below it.
      for (const auto& point : sizes.points()) smaller[point.size.count()] += size < point.size;
    }
    const double mean = sum / kDraws;
    const double error = std::sqrt((squares / kDraws - mean * mean) / kDraws);
    CHECK(std::abs(mean - sizes.mean_bytes()) < 4 * error);  // 4 standard errors
    for (const auto& point : sizes.points()) {
      const double share = point.percent / 100;
      CHECK(std::abs(smaller[point.size.count()] / double{kDraws} - share) <
            4 * std::sqrt(share * (1 - share) / kDraws) + 1e-9);
    }
  }
}

TEST_CASE("Poisson arrivals offer the load that was asked for", "[traffic]") {
  for (const auto pattern :
       {TrafficPattern::kRandom, TrafficPattern::kPermutation, TrafficPattern::kHotspot}) {
    TrafficParams params = poisson(pattern, 16);
    params.sizes = FlowSizes::kHadoop;
    params.flows = 100'000;
    const std::vector<Flow> flows = make_traffic_flows(params, 3, kRates);
    REQUIRE(flows.size() == 100'000);
    // 16 senders, each 0.5 of 100 Gb/s. Sizes have a coefficient of variation of 5, so the sum of
    // 100,000 has a standard error of 1.6 %; the time of the last of them 0.3 %.
    const double bits_per_s = 8 * total_bytes(flows) / flows.back().start.to_s();
    CHECK(bits_per_s == Approx(16 * 0.5 * 100e9).epsilon(0.06));
  }
}

TEST_CASE("gaps of one sender are exponential", "[traffic]") {
  const std::vector<Flow> flows = make_traffic_flows(poisson(TrafficPattern::kShift, 2), 5, kRates);
  std::vector<double> gaps;
  Duration last;
  for (const Flow& flow : flows) {
    if (flow.source != RankId(0)) continue;
    gaps.push_back((flow.start - last).to_us());
    last = flow.start;
  }
  // 1 MB at half of 100 Gb/s: a flow every 160 us. Kolmogorov and Smirnov: the largest distance
  // between the two distributions is below 1.63 / sqrt(n) in 99 % of all samples.
  std::sort(gaps.begin(), gaps.end());
  double largest = 0;
  const auto n = static_cast<double>(gaps.size());
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double expected = 1 - std::exp(-gaps[i] / 160);
    largest = std::max({largest, std::abs(expected - static_cast<double>(i) / n),
                        std::abs(expected - static_cast<double>(i + 1) / n)});
  }
  CHECK(gaps.size() > 9'000);
  CHECK(largest < 1.63 / std::sqrt(n));
}

TEST_CASE("what a load is a share of", "[traffic]") {
  TrafficParams params = poisson(TrafficPattern::kIncast, 5);
  CHECK(offered_rate(params, kRates) == Approx(0.5 * 100e9 / 4));  // the center's NIC, 4 senders
  params.peers = 2;
  CHECK(offered_rate(params, kRates) == Approx(0.5 * 100e9 / 2));
  params = poisson(TrafficPattern::kOutcast, 5);
  CHECK(offered_rate(params, kRates) == Approx(0.5 * 100e9));
  // 8 ranks at rate r: 4 senders on one side, each sends 4/7 of it across: 16/7 r = 0.5 * 400 Gb/s.
  params = poisson(TrafficPattern::kRandom, 8);
  params.load_of = LoadOf::kBisection;
  CHECK(offered_rate(params, kRates) == Approx(0.5 * 400e9 * 7 / 16));
}

TEST_CASE("incasts and outcasts have their center, peers and rounds", "[traffic]") {
  TrafficParams params;
  params.pattern = TrafficPattern::kIncast;
  params.ranks = 6;
  params.center = 2;
  params.peers = 3;
  params.rounds = 2;
  params.round_gap = Duration::us(10);
  std::vector<Flow> flows = make_traffic_flows(params, 1);
  REQUIRE(flows.size() == 6);
  const std::uint32_t senders[] = {0, 1, 3};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(flows[i].source == RankId(senders[i % 3]));
    CHECK(flows[i].destination == RankId(2));
    CHECK(flows[i].start == (i < 3 ? Duration() : Duration::us(10)));
  }
  params.pattern = TrafficPattern::kOutcast;
  params.rounds = 1;
  flows = make_traffic_flows(params, 1);
  REQUIRE(flows.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(flows[i].source == RankId(2));
    CHECK(flows[i].destination == RankId(senders[i]));
  }
}

TEST_CASE("a hotspot gets its share, uniformly, and nobody sends to itself", "[traffic]") {
  TrafficParams params = poisson(TrafficPattern::kHotspot, 10);
  params.hot_ranks = 2;
  params.hot_share = 0.7;
  params.flows = 50'000;
  std::map<std::uint32_t, int> to;
  int from_cold = 0, hot_from_cold = 0;
  for (const Flow& flow : make_traffic_flows(params, 9, kRates)) {
    REQUIRE(flow.source != flow.destination);
    ++to[flow.destination.value()];
    if (flow.source.value() < 2) continue;
    ++from_cold;
    hot_from_cold += flow.destination.value() < 2;
  }
  // Standard error of a share of 0.7 over 40,000: 0.23 %.
  CHECK(static_cast<double>(hot_from_cold) / from_cold == Approx(0.7).margin(0.01));
  CHECK(to[0] == Approx(to[1]).epsilon(0.03));
  // The only hot rank cannot send to itself: all its flows go to the others.
  params.hot_ranks = 1;
  params.hot_share = 1;
  for (const Flow& flow : make_traffic_flows(params, 9, kRates))
    CHECK((flow.source == RankId(0)) != (flow.destination == RankId(0)));
}

TEST_CASE("flows of one sender do not depend on the others", "[traffic]") {
  const auto of_rank_0 = [](std::int64_t ranks) {
    TrafficParams params = poisson(TrafficPattern::kShift, ranks);
    params.flows = 0;
    params.duration = Duration::ms(10);
    params.sizes = FlowSizes::kHadoop;
    std::vector<std::pair<Duration, Bytes>> result;
    for (const Flow& flow : make_traffic_flows(params, 4, kRates))
      if (flow.source == RankId(0)) result.emplace_back(flow.start, flow.size);
    return result;
  };
  CHECK(of_rank_0(4) == of_rank_0(9));
}

TEST_CASE("a closed loop has chains with pauses between their flows", "[traffic]") {
  TrafficParams params;
  params.pattern = TrafficPattern::kShift;
  params.ranks = 2;
  params.arrivals = Arrivals::kClosed;
  params.concurrency = 2;
  params.flows = 12;  // 6 of each rank, 3 in each chain
  params.think_time = Duration::us(3);
  const Workload workload = make_traffic(params, 1);
  const OpGraph& graph = *workload.graphs[0];
  int sends = 0, first = 0, thinks = 0;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Op& op = graph.op(OpId(i));
    thinks += op.kind == OpKind::kCompute;
    if (op.kind == OpKind::kCompute) CHECK(op.duration == Duration::us(3));
    if (op.kind != OpKind::kSend) continue;
    ++sends;
    first += graph.dependencies(OpId(i)).empty();
  }
  CHECK(sends == 6);
  CHECK(first == 2);
  CHECK(thinks == 4);
}

TEST_CASE("distribution files: what is wrong, and where", "[traffic]") {
  const auto error_of = [](const std::string& text) -> std::string {
    const plait::test::TestFolder folder("cdf");
    const std::string file = folder.file("sizes.txt");
    std::ofstream(file) << text;
    try {
      SizeDistribution::load(file);
    } catch (const UserError& error) {
      const std::string what = error.what();
      return what.substr(what.find("sizes.txt"));
    }
    return "read";
  };
  CHECK(error_of("0 0\n10KB 15\n\n1MiB 100%  # largest\n") == "read");
  CHECK(error_of("") == "sizes.txt: 0 points; at least 2 are needed");
  CHECK(error_of("0 0\n") == "sizes.txt: 1 points; at least 2 are needed");
  CHECK(error_of("0 0\n100\n") ==
        "sizes.txt:2: expected SIZE PERCENT, such as '10KB 15', got '100'");
  CHECK_THAT(error_of("0 0\n100 5 7\n"), Contains("sizes.txt:2: expected SIZE PERCENT"));
  CHECK_THAT(error_of("0 0\nten 50\n"), Contains("sizes.txt:2: ") && Contains("ten"));
  CHECK(error_of("0 0\n5 half\n") == "sizes.txt:2: 'half' is not a share in percent");
  CHECK(error_of("0 0\n10 50\n5 100\n") == "sizes.txt:3: size 5B after 10B: sizes may not fall");
  CHECK(error_of("0 0\n10 50\n20 40\n30 100\n") ==
        "sizes.txt:3: 40 % after 50 %: a cumulative share may not fall");
  CHECK(error_of("0 0\n10 50\n10 50\n") == "sizes.txt:3: the same point as before: 10B 50 %");
  CHECK(error_of("0 0\n10 120\n") == "sizes.txt:2: 120 %: a cumulative share is 0 to 100 percent");
  CHECK_THAT(error_of("5 10\n10 100\n"), Contains("the first point is at 10 %"));
  CHECK_THAT(error_of("0 0\n10 1\n"),
             Contains("the last point is at 1 %") && Contains("multiply by 100"));
  CHECK_THAT(error_of("0 0\n-5B 100\n"), Contains("sizes.txt:2"));
  CHECK_THROWS_WITH(SizeDistribution::load("no/such/file"), Contains("cannot be opened"));
}

TEST_CASE("traffic that cannot be made says why", "[traffic]") {
  const auto error_of = [](const TrafficParams& params) -> std::string {
    try {
      make_traffic_flows(params, 1, kRates);
    } catch (const UserError& error) {
      return error.what();
    }
    return "made";
  };
  TrafficParams params = poisson(TrafficPattern::kRandom, 4);
  params.flows = 0;
  CHECK_THAT(error_of(params), Contains("give duration or flows"));
  params.duration = Duration::ps(1);
  CHECK_THAT(error_of(params), Contains("no flow starts within the duration"));
  params.duration = Duration::s(86'400);
  CHECK_THAT(error_of(params), Contains("at most 10000000 fit"));
  params.size = Bytes(0);
  CHECK_THAT(error_of(params), Contains("mean time between the flows"));
  params = poisson(TrafficPattern::kIncast, 4);
  params.load_of = LoadOf::kBisection;
  CHECK_THAT(error_of(params), Contains("load_of: bisection"));
  params.load_of = LoadOf::kNic;
  params.center = 4;
  CHECK_THAT(error_of(params), Contains("center is 4, but there are ranks 0 to 3"));
  params.center = 0;
  params.peers = 4;
  CHECK_THAT(error_of(params), Contains("peers is 4, but beside the center there are 3 ranks"));
  params = poisson(TrafficPattern::kHotspot, 4);
  params.hot_ranks = 4;
  CHECK_THAT(error_of(params), Contains("at least one rank must not be hot"));
  params = poisson(TrafficPattern::kRandom, 4);
  params.arrivals = Arrivals::kClosed;
  params.flows = 0;
  CHECK_THAT(error_of(params), Contains("a closed loop needs a number of flows"));
  params.load = 0;
  CHECK_THAT(error_of(params), Contains("traffic.load is 0"));
}
