// SPDX-License-Identifier: Apache-2.0
// DCTCP by hand. Line rate 100 Gbps, base RTT 4160 ns (so the window at line rate is 52,000 bytes),
// packets of 1000 bytes; preset ns3: g = 1/16, R_AI 615 Mbps, minimum 1 Gbps. docs/models/dctcp.md
// numbers the rules.
#include <algorithm>
#include <catch2/catch.hpp>

#include "models/cc/dctcp.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

const PathInfo kPath{BitRate::gbps(100), Duration::ns(4160), Bytes(1000)};

AckInfo ack(std::int64_t acked_to, std::int64_t sent_to, bool marked) {
  AckInfo info;
  info.acked_bytes = 1000;
  info.acked_to = acked_to;
  info.sent_to = sent_to;
  info.ecn_echo = marked;
  return info;
}

}  // namespace

TEST_CASE("DCTCP: starts at line rate with one bandwidth-delay product", "[dctcp]") {
  const DctcpParams params = dctcp_preset("ns3");
  const auto cc = make_dctcp(kPath, params);
  CHECK(cc->rate(SimTime()) == BitRate::gbps(100));
  CHECK(cc->window(SimTime()) == Bytes(52'000));  // 100e9 * 4160e-9 / 8
}

TEST_CASE("DCTCP: one cut per round trip, then growth; alpha follows the marked share", "[dctcp]") {
  const DctcpParams params = dctcp_preset("ns3");
  const auto cc = make_dctcp(kPath, params);
  const auto rate = [&] { return cc->rate(SimTime()).bps(); };
  // First ACK: starts round 1 (ends at 3000, 3000 / 1000 + 1 = 4 packets); marked, so the rate is
  // cut by alpha / 2 = 1/2, until an ACK beyond 3000. No growth in a round with a cut.
  cc->on_ack(SimTime(), ack(1000, 3000, true));
  CHECK(rate() == 50'000'000'000);
  CHECK(cc->window(SimTime()) == Bytes(26'000));
  // More marks in the same round: counted (3 of 4), no further cut.
  cc->on_ack(SimTime(), ack(2000, 5000, true));
  cc->on_ack(SimTime(), ack(3000, 6000, true));
  CHECK(rate() == 50'000'000'000);
  // 4000 > 3000: alpha = 15/16 + 3/4 / 16 = 63/64; round 2 ends at 7000 and has
  // (7000 - 4000) / 1000 + 1 = 4 packets; the cut is over, no mark: + 615 Mbps.
  cc->on_ack(SimTime(), ack(4000, 7000, false));
  CHECK(rate() == 50'615'000'000);
  // A mark in round 2 cuts at once: 50.615 (1 - 63/128) = 25.7029296875 Gbps, until beyond 8000.
  cc->on_ack(SimTime(), ack(5000, 8000, true));
  CHECK(rate() == 25'702'929'687);
  // 52,000 * 25.7029 / 100 = 13,365.5: rounded down.
  CHECK(cc->window(SimTime()) == Bytes(13'365));
  // Round 3 starts at 8000, which is not beyond the cut's end: no growth. 1 of 4 was marked:
  // alpha = 63/64 * 15/16 + 1/4 / 16 = 0.9384765625. Round 3 ends at 9000.
  cc->on_ack(SimTime(), ack(8000, 9000, false));
  CHECK(rate() == 25'702'929'687);
  // Still in round 3, beyond the cut: a mark cuts by alpha / 2, which leaves
  // 25702929687 * 0.53076171875 = 13,642,131,137.6: truncated.
  cc->on_ack(SimTime(), ack(9000, 12'000, true));
  CHECK(rate() == 13'642'131'137);
}

TEST_CASE("DCTCP: without marks alpha fades and a later cut is small", "[dctcp]") {
  const DctcpParams params = dctcp_preset("ns3");
  const auto cc = make_dctcp(kPath, params);
  double alpha = 1;
  for (std::int64_t packet = 1; packet <= 21; ++packet) {
    cc->on_ack(SimTime(), ack(packet * 1000, packet * 1000, false));
    if (packet > 1) alpha *= 15.0 / 16;  // the first ACK only starts the first round
  }
  CHECK(cc->rate(SimTime()) == BitRate::gbps(100));
  // The 22nd ACK is marked, in a round of its own: alpha has the mark (1 of 1) already.
  alpha = alpha * 15 / 16 + 1.0 / 16;
  cc->on_ack(SimTime(), ack(22'000, 22'000, true));
  CHECK(cc->rate(SimTime()).to_gbps() == Approx(100 * (1 - alpha / 2)).epsilon(1e-9));
}

TEST_CASE("DCTCP: the published settings count in packets per round trip", "[dctcp]") {
  const DctcpParams params;  // rfc8257
  const auto cc = make_dctcp(kPath, params);
  cc->on_ack(SimTime(), ack(1000, 2000, true));   // 50 Gbps
  cc->on_ack(SimTime(), ack(3000, 4000, false));  // + 8000 bits / 4160 ns = 1,923,076,923 bps
  CHECK(cc->rate(SimTime()).bps() == 51'923'076'923);
  for (std::int64_t at = 4000; at < 200'000; at += 1000)
    cc->on_ack(SimTime(), ack(at, at + 1000, true));
  CHECK(cc->rate(SimTime()).bps() == 1'923'076'923);  // the least: one packet per round trip
  CHECK(cc->window(SimTime()) == Bytes(999));         // 52,000 * 1.923 / 100 = 999.99
}

TEST_CASE("DCTCP: a loss halves the rate once per round trip, or not at all", "[dctcp]") {
  DctcpParams params;
  for (int i = 0; i < 4; ++i) {
    params.loss_cut = i % 2 == 0;
    const auto cc = make_dctcp(kPath, params);
    cc->on_loss(SimTime());
    cc->on_ack(SimTime(), ack(1000, 4000, false));
    cc->on_loss(SimTime());
    cc->on_ack(SimTime(), ack(2000, 4000, false));
    CHECK(cc->rate(SimTime()) == BitRate::gbps(params.loss_cut ? 50 : 100));
  }
}

TEST_CASE("DCTCP: base RTT and window can be given, and the window held", "[dctcp]") {
  DctcpParams params = dctcp_preset("ns3");
  params.base_rtt = Duration::ns(8320);
  CHECK(make_dctcp(kPath, params)->window(SimTime()) == Bytes(104'000));
  params.window = Bytes(5000);
  params.variable_window = false;
  const auto cc = make_dctcp(kPath, params);
  cc->on_ack(SimTime(), ack(1000, 4000, true));
  CHECK(cc->rate(SimTime()) == BitRate::gbps(50));
  CHECK(cc->window(SimTime()) == Bytes(5000));
}

TEST_CASE("DCTCP: the mark of a coalesced ACK counts for all its packets", "[dctcp]") {
  const DctcpParams params = dctcp_preset("ns3");
  const auto cc = make_dctcp(kPath, params);
  cc->on_ack(SimTime(), ack(1000, 3000, false));  // 4 packets in the round
  AckInfo two = ack(3000, 7000, true);            // 2 of them marked: cut to 50 Gbps until 7000
  two.acked_bytes = 2000;
  cc->on_ack(SimTime(), two);
  cc->on_ack(SimTime(), ack(4000, 9000, false));  // alpha = 15/16 + 2/4 / 16 = 31/32
  cc->on_ack(SimTime(), ack(9000, 9000, true));   // beyond 7000: 50 (1 - 31/64)
  CHECK(cc->rate(SimTime()).bps() == 25'781'250'000);
}

TEST_CASE("DCTCP: the rate stays between minimum and line", "[dctcp]") {
  const DctcpParams params = dctcp_preset("ns3");
  const auto cc = make_dctcp(kPath, params);
  for (std::int64_t i = 1; i < 5000; ++i) {
    cc->on_ack(SimTime(), ack(i * 1000, i * 1000 + 3000, i % 1000 < 500 && i % 3 != 0));
    CHECK(cc->rate(SimTime()) >= params.min_rate);
    CHECK(cc->rate(SimTime()) <= BitRate::gbps(100));
    CHECK(cc->window(SimTime()) >= Bytes(1));
  }
}

TEST_CASE("DCTCP: a 2:1 incast shares the link and keeps the queue near the threshold", "[dctcp]") {
  NetworkParams params = test::bare_network();
  params.transport.cnp_mode = CnpMode::kAckEcho;
  params.switches.ecn.enabled = true;
  params.switches.ecn.k_min = params.switches.ecn.k_max = Bytes(60'000);
  params.switches.ecn.p_max = 1.0;
  params.transport.congestion_control.kind = CcKind::kDctcp;
  FabricParts parts;
  parts.host = {1, 1};
  test::FabricRun run(build(SingleSwitchParams{3}, parts), params);
  REQUIRE(run.run({{0, 2, Bytes(10'000'000)}, {1, 2, Bytes(10'000'000)}}) == RunEnd::kFinished);
  // Together they cannot be faster than 20 MB * 1050 / 1000 / 100 Gbps = 1680 us.
  for (std::uint32_t sender : {0U, 1U}) {
    const double us = run.process(sender).last_sent().to_us();
    CHECK(us > 1600);
    CHECK(us < 1680 * 1.1);
  }
  // Before the first marks come back, a window of one bandwidth-delay product (2 us of cable each
  // way and a packet's times: 52 KB) may come from each.
  std::int64_t longest = 0;
  for (const LinkRecord& link : run.records().links)
    longest = std::max(longest, link.max_queue.count());
  CHECK(longest > 30'000);
  CHECK(longest < 2 * 60'000);
}

}  // namespace plait
