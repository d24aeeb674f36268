// SPDX-License-Identifier: Apache-2.0
// TIMELY by hand. Line rate 100 Gbps; preset ns3: alpha 0.875, beta 0.8, T_low 50 us, T_high 500
// us, minimum RTT 20 us, steps of 100 and 500 Mbps, minimum 1 Gbps. docs/models/timely.md numbers
// the rules.
#include <algorithm>
#include <catch2/catch.hpp>

#include "models/cc/timely.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

const PathInfo kPath{BitRate::gbps(100), Duration::us(4), Bytes(1000)};

// Every call is the ACK of one more packet, of which nothing else is in flight: a round each.
class Sender {
 public:
  explicit Sender(const TimelyParams& params) : params_(params), cc_(make_timely(kPath, params_)) {}
  std::int64_t rate_after(std::int64_t rtt_us) {
    AckInfo info;
    info.acked_bytes = 1000;
    info.acked_to = info.sent_to = (position_ += 1000);
    info.rtt = Duration::us(rtt_us);
    cc_->on_ack(SimTime(), info);
    return rate();
  }
  std::int64_t rate() { return cc_->rate(SimTime()).bps(); }
  CongestionControl& cc() { return *cc_; }

 private:
  TimelyParams params_;
  std::unique_ptr<CongestionControl> cc_;
  std::int64_t position_ = 0;
};

}  // namespace

TEST_CASE("TIMELY: line rate and no window until round-trip times differ", "[timely]") {
  Sender sender(timely_preset("ns3"));
  CHECK(sender.rate() == 100'000'000'000);
  CHECK(sender.cc().window(SimTime()).count() == INT64_MAX);
  CHECK(sender.rate_after(600) == 100'000'000'000);  // the first only gives the reference
}

TEST_CASE("TIMELY: the gradient decreases, the thresholds override it", "[timely]") {
  Sender sender(timely_preset("ns3"));
  sender.rate_after(60);
  // d = 0.875 (62 - 60) = 1.75 us, gradient 0.0875: factor 1 - 0.8 * 0.0875 = 0.93.
  CHECK(sender.rate_after(62) == 93'000'000'000);
  // d = 0.125 * 1.75 + 0.875 (59 - 62) = -2.40625 us: not positive, + 100 Mbps.
  CHECK(sender.rate_after(59) == 93'100'000'000);
  // 1000 us > T_high: factor 1 - 0.8 (1 - 500 / 1000) = 0.6.
  CHECK(sender.rate_after(1000) == 55'860'000'000);
  // 40 us < T_low: + 100 Mbps.
  CHECK(sender.rate_after(40) == 55'960'000'000);
  // d was 0.125 (-2.40625) + 0.875 * 941 = 823.07..., then 0.125 d + 0.875 (-960) < 0, now
  // 0.125 (-737.1...) + 0.875 * 400 = 257.9 us: gradient 12.9, so the factor is 0: the minimum.
  CHECK(sender.rate_after(440) == 1'000'000'000);
}

TEST_CASE("TIMELY: from the sixth increase in a row on, the larger step", "[timely]") {
  for (const bool below_low_counts : {true, false}) {
    TimelyParams params = timely_preset("ns3");
    params.hyper_below_low = below_low_counts;
    Sender below(params), between(params);
    std::int64_t expected_below = 60'000'000'000, expected_between = 0;
    below.rate_after(40);
    CHECK(below.rate_after(1000) == expected_below);
    between.rate_after(100);
    expected_between = between.rate_after(1000);
    CHECK(expected_between == 60'000'000'000);
    between.rate_after(100);  // one increase: the gradient turned negative
    expected_between += 100'000'000;
    for (int i = 1; i <= 8; ++i) {
      expected_below += below_low_counts && i > 5 ? 500'000'000 : 100'000'000;
      CHECK(below.rate_after(40) == expected_below);
      expected_between += i + 1 > 5 ? 500'000'000 : 100'000'000;
      CHECK(between.rate_after(100 - i) == expected_between);
    }
  }
}

TEST_CASE("TIMELY: a decrease starts the count of increases again", "[timely]") {
  Sender sender(timely_preset("ns3"));
  sender.rate_after(1000);
  for (int i = 0; i < 7; ++i) sender.rate_after(40);  // hyper increase by now
  std::int64_t rate = sender.rate_after(1000);
  CHECK(rate == 60'000'000'000);  // 0.6 of line rate
  for (int i = 1; i <= 6; ++i) {
    rate += i > 5 ? 500'000'000 : 100'000'000;
    CHECK(sender.rate_after(40) == rate);
  }
}

TEST_CASE("TIMELY: one update per round trip, and none without a round-trip time", "[timely]") {
  const TimelyParams params = timely_preset("ns3");
  const auto cc = make_timely(kPath, params);
  const auto rate_after = [&](std::int64_t acked_to, std::int64_t sent_to, std::int64_t rtt_us) {
    AckInfo info;
    info.acked_to = acked_to;
    info.sent_to = sent_to;
    info.rtt = Duration::us(rtt_us);
    cc->on_ack(SimTime(), info);
    return cc->rate(SimTime()).bps();
  };
  CHECK(rate_after(1000, 4000, 1000) == 100'000'000'000);
  CHECK(rate_after(2000, 5000, 1000) == 100'000'000'000);
  CHECK(rate_after(4000, 8000, 1000) == 100'000'000'000);  // still not beyond 4000
  CHECK(rate_after(5000, 9000, 0) == 100'000'000'000);     // sent twice: wait for the next
  CHECK(rate_after(6000, 9500, 1000) == 60'000'000'000);
  CHECK(rate_after(9500, 9900, 1000) == 60'000'000'000);
  CHECK(rate_after(9600, 9900, 1000) == 36'000'000'000);
}

TEST_CASE("TIMELY: the published settings", "[timely]") {
  Sender sender{TimelyParams()};
  sender.rate_after(1000);
  CHECK(sender.rate_after(1000) == 60'000'000'000);
  CHECK(sender.rate_after(20) == 60'010'000'000);
  for (int i = 0; i < 20; ++i) sender.rate_after(20);  // below T_low never hyper
  CHECK(sender.rate() == 60'210'000'000);
  sender.rate_after(60);                            // the gradient is positive
  const std::int64_t rate = sender.rate_after(50);  // 0.125 * (about 35) - 8.75 < 0: an increase
  CHECK(sender.rate_after(50) == rate + 10'000'000);
}

TEST_CASE("TIMELY: a given window scales with the rate if asked to", "[timely]") {
  TimelyParams params = timely_preset("ns3");
  params.window = Bytes(52'000);
  for (const bool variable : {false, true}) {
    params.variable_window = variable;
    Sender sender(params);
    sender.rate_after(1000);
    sender.rate_after(1000);  // 60 Gbps
    CHECK(sender.cc().window(SimTime()) == Bytes(variable ? 31'200 : 52'000));
  }
}

TEST_CASE("TIMELY: the rate stays between minimum and line", "[timely]") {
  Sender sender(timely_preset("ns3"));
  for (int i = 0; i < 5000; ++i) {
    const std::int64_t rate = sender.rate_after(10 + i * 7919 % (i % 1000 < 500 ? 700 : 60));
    CHECK(rate >= 1'000'000'000);
    CHECK(rate <= 100'000'000'000);
  }
}

TEST_CASE("TIMELY: a 2:1 incast ends, and bounds the queue", "[timely]") {
  NetworkParams params = test::bare_network();
  params.transport.congestion_control.kind = CcKind::kTimely;
  params.transport.congestion_control.timely = timely_preset("ns3");
  FabricParts parts;
  parts.host = {1, 1};
  test::FabricRun run(build(SingleSwitchParams{3}, parts), params);
  REQUIRE(run.run({{0, 2, Bytes(10'000'000)}, {1, 2, Bytes(10'000'000)}}) == RunEnd::kFinished);
  // At least 20 MB * 1050 / 1000 / 100 Gbps = 1680 us.
  double last = 0;
  for (std::uint32_t sender : {0U, 1U})
    last = std::max(last, run.process(sender).last_sent().to_us());
  CHECK(last > 1680);
  CHECK(last < 3 * 1680);
  // Both start at line rate, so the queue grows by 100 Gbps, and each round trip is twice the one
  // before: 4.2, 8.4, 16.8, 33.6, 67.2 us. The last is above T_low: after 130.2 us both stop. By
  // then 130.2 us * 100 Gbps / 8 = 1,627,500 bytes wait, give or take a few packets.
  std::int64_t longest = 0;
  for (const LinkRecord& link : run.records().links)
    longest = std::max(longest, link.max_queue.count());
  CHECK(longest == Approx(1'627'500).margin(4 * 1050));
}

}  // namespace plait
