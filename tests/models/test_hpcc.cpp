// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "models/cc/hpcc.hpp"
#include "models/telemetry.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

constexpr std::int64_t kLine = 100'000'000'000;

struct World {
  IntScale scale{1, {BitRate::bps(kLine)}};
  HpccParams params = hpcc_preset("ns3");  // eta 0.95, no additive stages, +40 Mbps
  PathInfo path{BitRate::bps(kLine), Duration::us(10), Bytes(1000), 2, &scale};

  // One hop: `units` of 128 bytes sent and `queue` units of 80 bytes waiting at `ns`.
  static IntStack stack(std::int64_t ns, std::uint64_t units, std::uint32_t queue) {
    IntStack s;
    s.hops = 1;
    s.hop[0] = IntHop(ns * 1000, 128 * units, 80 * queue, 1);
    return s;
  }
  static void ack(CongestionControl& cc, const IntStack& s, std::int64_t acked, std::int64_t sent) {
    AckInfo info;
    info.acked_to = acked;
    info.sent_to = sent;
    info.telemetry = &s;
    cc.on_ack(SimTime(), info);
  }
};

}  // namespace

TEST_CASE(
    "HPCC: the first ACK is only noted; a half idle link raises, a full one with a queue cuts") {
  World w;
  const auto cc = make_hpcc(w.path, w.params);
  // Window: 100 Gbps * 10 us / 8 = 125,000 B.
  CHECK(cc->window(SimTime()) == Bytes(125'000));
  World::ack(*cc, World::stack(1000, 0, 0), 1000, 50'000);
  CHECK(cc->rate(SimTime()).bps() == kLine);
  // 5 us later 500 * 128 B = 64,000 B left: 102.4 Gbps, u = 1.024 + queue min(500, 500) * 80 B =
  // 40,000 B / 125,000 B. The minimum of both queue lengths counts, and the first was 0: u = 1.024.
  // U = 1 * (10 - 5)/10 + 1.024 * 5/10 = 1.012; R = 1e11 / (1.012 / 0.95) + 4e7
  //   = 93,873,517,786 (cut off) + 40,000,000.
  World::ack(*cc, World::stack(6000, 500, 500), 51'000, 60'000);
  CHECK(cc->rate(SimTime()).bps() == 93'913'517'786);
  // The window follows: 125,000 * 93,913,517,786 / 1e11 = 117,391.8.
  CHECK(cc->window(SimTime()) == Bytes(117'391));
  // Within the same round trip (acked 52,000 <= 60,000) the reference stays. Now both queues are
  // 500 units: u = 1.024 + 40,000/125,000 = 1.344; U = 1.012 * 0.5 + 1.344 * 0.5 = 1.178;
  // R_c = 93,913,517,786 (set by the full update): R = R_c * 0.95 / 1.178 + 4e7 = 75,736,707,891 +
  // 40,000,000.
  World::ack(*cc, World::stack(11'000, 1000, 500), 52'000, 70'000);
  CHECK(cc->rate(SimTime()).bps() == 75'776'707'891);
}

TEST_CASE("HPCC: counters wrap, an instant without a span is skipped, rates stay in their limits") {
  World w;
  const auto cc = make_hpcc(w.path, w.params);
  World::ack(*cc, World::stack((1 << 24) - 1000, (1 << 20) - 250, 0), 1000, 50'000);
  // 5 us and 500 units on, over both wraps: as in the test above.
  World::ack(*cc, World::stack(4000, 250, 0), 51'000, 60'000);
  CHECK(cc->rate(SimTime()).bps() == 93'913'517'786);
  World::ack(*cc, World::stack(4000, 250, 0), 52'000, 61'000);  // the same record again: U stays
  CHECK(cc->rate(SimTime()).bps() < kLine);
  for (int i = 1; i < 50; ++i)  // a link nearly idle: 1 % of what 10 us would carry
    World::ack(*cc, World::stack(4000 + i * 10'000, 250 + i * 10, 0), 60'000 + i * 1000, 61'000);
  CHECK(cc->rate(SimTime()).bps() == kLine);
  for (int i = 0; i < 200; ++i)  // ten times too much: down to 1 Gbps
    World::ack(*cc, World::stack(500'000 + i * 10'000, 740 + i * 9766, 0), 200'000 + i * 1000,
               200'500 + i * 1000);
  CHECK(cc->rate(SimTime()).bps() == 1'000'000'000);
}

TEST_CASE("HPCC on a fabric: an incast ends without pauses and with a short queue") {
  NetworkParams p = test::bare_network();
  p.transport.congestion_control.kind = CcKind::kHpcc;
  FabricParts parts;
  parts.host = {1, 1};
  test::FabricRun run(build(SingleSwitchParams{9}, parts), p);
  std::vector<test::FlowSpec> flows;
  for (std::uint32_t i = 1; i < 9; ++i) flows.push_back({i, 0, Bytes::mega(1)});
  REQUIRE(run.run(flows) == RunEnd::kFinished);
  CHECK(run.records().totals.pfc_pauses == 0);
  // Before the first ACK is back every sender sends one window: line rate * base RTT; after that
  // the queue only shrinks. 8 windows less what leaves meanwhile is a bound.
  const auto port = run.graph().port(run.graph().switches()[0], 0);
  const Duration rtt = run.simulation().ideal_delivery(GpuId(1), GpuId(0), Bytes(1000)) * 2;
  const std::int64_t window = bytes_in(rtt, run.graph().egress(port).rate).count();
  CHECK(run.records().links[port.index()].max_queue.count() < 8 * (window + 2 * 1092));
  // Full utilisation would take 8 * 1092 B * 1000 packets * 80 ps/B = 699 us; eta 0.95 allows 5 %
  // more and the cuts at the start and the unequal ends some.
  CHECK(run.records().totals.end.since_start() < Duration::us(900));
}

}  // namespace plait
