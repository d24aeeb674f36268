// SPDX-License-Identifier: Apache-2.0
// Swift by hand. Line rate 100 Gbps, base RTT 4 us (50 packets of 1000 bytes), 2 links. Target =
// 20 us + 2 * 3.053 us + scaling, with scaling = A / sqrt(w) + B between 0 and 100 us, where
// A = 100 us / (1 / sqrt(0.1) - 1 / sqrt(100)) = 32.6563 us and B = -A / 10. docs/models/swift.md
// numbers the rules.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "models/cc/swift.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

const PathInfo kPath{BitRate::gbps(100), Duration::us(4), Bytes(1000), 2};
SimTime at_us(std::int64_t us) { return SimTime::at(Duration::us(us)); }

AckInfo ack(Duration rtt, std::uint64_t bytes = 1000) {
  AckInfo info;
  info.acked_bytes = bytes;
  info.rtt = rtt;
  return info;
}

// The window in packets: window() lets one packet go while at most w - 1 are in flight.
double window_of(CongestionControl& cc) {
  return static_cast<double>(cc.window(SimTime()).count() - 1) / 1000 + 1;
}

double target_us(double window) {
  const double a = 100 / (1 / std::sqrt(0.1) - 0.1);
  return 20 + 2 * 3.053 + std::clamp(a / std::sqrt(window) - a / 10, 0.0, 100.0);
}

}  // namespace

TEST_CASE("Swift: starts with one bandwidth-delay product at line rate", "[swift]") {
  SwiftParams params;
  CHECK(window_of(*make_swift(kPath, params)) == 50);
  CHECK(make_swift(kPath, params)->rate(SimTime()) == BitRate::gbps(100));
  params.base_rtt = Duration::us(8);
  CHECK(window_of(*make_swift(kPath, params)) == 100);
  params.start_window = 7;
  CHECK(window_of(*make_swift(kPath, params)) == 7);
}

TEST_CASE("Swift: below the target one packet more per round trip", "[swift]") {
  SwiftParams params;
  params.start_window = 10;
  const auto cc = make_swift(kPath, params);
  cc->on_ack(at_us(1), ack(Duration::us(4)));  // 10 + 1/10
  CHECK(window_of(*cc) == Approx(10.1).margin(0.001));
  cc->on_ack(at_us(2), ack(Duration::us(4), 5000));  // + 5 / 10.1
  CHECK(window_of(*cc) == Approx(10.1 + 5 / 10.1).margin(0.001));
  cc->on_ack(at_us(3), ack(Duration()));  // a packet sent twice tells nothing
  CHECK(window_of(*cc) == Approx(10.1 + 5 / 10.1).margin(0.001));
}

TEST_CASE("Swift: above the target a cut in proportion, once per round trip", "[swift]") {
  SwiftParams params;
  params.start_window = 25;
  const auto cc = make_swift(kPath, params);
  // Target at 25: 26.106 + 32.6563 / 5 - 3.26563 = 29.3716 us. Delay 40: the factor is
  // 1 - 0.8 (40 - 29.3716) / 40 = 0.787432.
  CHECK(target_us(25) == Approx(29.3716).epsilon(1e-5));
  cc->on_ack(at_us(100), ack(Duration::us(40)));
  CHECK(window_of(*cc) == Approx(25 * 0.787432).margin(0.001));
  const double after = window_of(*cc);
  cc->on_ack(at_us(139), ack(Duration::us(40)));  // 39 us later: not yet
  CHECK(window_of(*cc) == after);
  cc->on_ack(at_us(140), ack(Duration::us(400)));  // now, but by no more than a half
  CHECK(window_of(*cc) == Approx(after / 2).margin(0.001));
}

TEST_CASE("Swift: small windows have a larger target, within its range", "[swift]") {
  // Delay 60 us: above the target of 25 packets, below that of 0.5 (26.1 + 42.9 = 69.0 us).
  CHECK(target_us(0.5) == Approx(69.02).margin(0.01));
  SwiftParams params;
  params.start_window = 0.5;
  const auto small = make_swift(kPath, params);
  small->on_ack(at_us(1), ack(Duration::us(60)));
  // Below one packet the step is per packet, not per window: 1.5.
  CHECK(window_of(*small) == Approx(1.5).margin(0.001));
  // At 0.1 and below the whole range: target 126.106 us, at 400 (above 100) none: 26.106 us.
  params.start_window = 0.05;
  const auto least = make_swift(kPath, params);
  least->on_ack(at_us(1), ack(Duration::ns(126'100)));
  CHECK(window_of(*least) == Approx(1.05).margin(0.001));
  params.start_window = 400;
  const auto large = make_swift(kPath, params);
  large->on_ack(at_us(1), ack(Duration::ns(26'110)));
  CHECK(window_of(*large) == Approx(400 * (1 - 0.8 * 0.004 / 26.11)).margin(0.002));
}

TEST_CASE("Swift: below one packet the gap is round trip over window", "[swift]") {
  SwiftParams params;
  params.start_window = 0.25;
  const auto cc = make_swift(kPath, params);
  cc->on_sent(at_us(0), 1050);
  // Base RTT 4 us / 0.25 = 16 us per packet of 1050 bytes: 8400 bits / 16 us = 525 Mbps.
  CHECK(cc->rate(at_us(0)) == BitRate::mbps(525));
  CHECK(cc->window(at_us(0)) == Bytes(1));
}

TEST_CASE("Swift: a loss takes the largest cut, several timeouts the whole window", "[swift]") {
  SwiftParams params;
  params.start_window = 64;
  const auto cc = make_swift(kPath, params);
  cc->on_loss(at_us(100));
  CHECK(window_of(*cc) == 32);
  cc->on_loss(at_us(101));  // within a round trip (4 us)
  CHECK(window_of(*cc) == 32);
  cc->on_timeout(at_us(1000));
  cc->on_timeout(at_us(2000));
  CHECK(window_of(*cc) == 8);
  cc->on_ack(at_us(2001), ack(Duration()));  // progress: the timeouts are not in a row
  for (int i = 3; i < 7; ++i) cc->on_timeout(at_us(i * 1000));
  CHECK(cc->rate(at_us(7000)) < BitRate::gbps(100));  // 8 / 2^4 = 0.5 packets: paced
  cc->on_sent(at_us(7000), 1000);
  CHECK(cc->rate(at_us(7000)) == BitRate::gbps(1));  // 8000 bits / (4 us / 0.5)
  cc->on_timeout(at_us(8000));                       // the fifth: 0.01 packets
  CHECK(cc->rate(at_us(8000)) == BitRate::mbps(20));
}

TEST_CASE("Swift: a reported loss ends a row of timeouts", "[swift]") {
  SwiftParams params;
  params.start_window = 128;
  const auto cc = make_swift(kPath, params);
  for (int i = 1; i <= 4; ++i) cc->on_timeout(at_us(i * 1000));
  cc->on_loss(at_us(5000));
  CHECK(window_of(*cc) == 4);  // 128 / 2^5
  cc->on_timeout(at_us(6000));
  CHECK(window_of(*cc) == 2);  // not the fifth
}

TEST_CASE("Swift: window and rate stay within their bounds", "[swift]") {
  const SwiftParams params;
  const auto cc = make_swift(kPath, params);
  for (std::int64_t i = 0; i < 20'000; ++i) {
    cc->on_ack(at_us(i), ack(Duration::us(4 + i * 7919 % (i % 4000 < 2000 ? 300 : 25))));
    CHECK(cc->window(at_us(i)) >= Bytes(1));
    CHECK(cc->window(at_us(i)) <= Bytes(1'000'000));
    CHECK(cc->rate(at_us(i)) >= BitRate::bps(1));
    CHECK(cc->rate(at_us(i)) <= BitRate::gbps(100));
  }
}

TEST_CASE("Swift: an incast shares the link and keeps the delay near the target", "[swift]") {
  const std::uint32_t senders = GENERATE(2U, 16U);
  NetworkParams params = test::bare_network();
  params.transport.congestion_control.kind = CcKind::kSwift;
  FabricParts parts;
  parts.host = {1, 1};
  test::FabricRun run(build(SingleSwitchParams{senders + 1}, parts), params);
  std::vector<test::FlowSpec> flows;
  for (std::uint32_t i = 0; i < senders; ++i)
    flows.push_back({i, senders, Bytes(20'000'000 / senders)});
  REQUIRE(run.run(flows) == RunEnd::kFinished);
  // 20 MB * 1050 / 1000 / 100 Gbps = 1680 us in all; equal shares end together.
  double first = 1e9, last = 0;
  for (std::uint32_t i = 0; i < senders; ++i) {
    first = std::min(first, run.process(i).last_sent().to_us());
    last = std::max(last, run.process(i).last_sent().to_us());
  }
  CHECK(last < 1680 * 1.05);
  CHECK(first > 1680 * 0.7);
  // Windows settle where the delay is the target: 2 senders 26 us + 5 us of scaling, so a queue of
  // about 27 us = 340 KB; 16 senders have small windows and at most 126 us. The start adds a
  // window of 52 KB each.
  std::int64_t longest = 0;
  for (const LinkRecord& link : run.records().links)
    longest = std::max(longest, link.max_queue.count());
  CHECK(longest > 150'000);
  CHECK(longest < (senders == 2 ? 500'000 : 1'500'000));
}

}  // namespace plait
