// SPDX-License-Identifier: Apache-2.0
// Closed forms of the packet model. Symbols: s serialisation of one full packet, d propagation
// delay, N packets per flow, n hops. bare_network(): 1000 B payload + 50 B header = 1050 B; at 100
// Gbps 80 ps per byte, so s = 84,000 ps. Links of 1 us: d = 1,000,000 ps. Switches have no latency.
#include <catch2/catch.hpp>

#include "tests/support/fabric_run.hpp"
#include "topologies/dumbbell.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

using test::bare_network;
using test::FabricRun;

constexpr std::int64_t kS = 84'000, kD = 1'000'000;

FabricParts one_gpu(BitRate fabric_rate = BitRate::gbps(100)) {
  FabricParts parts;
  parts.host = {1, 1};
  parts.fabric_link.rate = fabric_rate;
  return parts;
}

std::int64_t delivered_ps(const FabricRun& run, std::uint32_t gpu) {
  return run.process(gpu).last_received().ps();
}

}  // namespace

TEST_CASE("one packet over n hops takes n (s + d)") {
  SECTION("2 hops") {
    FabricRun run(build(SingleSwitchParams{2}, one_gpu()), bare_network());
    REQUIRE(run.run({{0, 1, Bytes(1000)}}) == RunEnd::kFinished);
    CHECK(delivered_ps(run, 1) == 2 * (kS + kD));  // 2,168,000 ps
  }
  SECTION("6 hops, between pods of a fat tree") {
    FatTreeParams tree;
    tree.k = 4;
    FabricRun run(build(tree, one_gpu()), bare_network());
    REQUIRE(run.run({{0, 15, Bytes(1000)}}) == RunEnd::kFinished);
    CHECK(delivered_ps(run, 15) == 6 * (kS + kD));  // 6,504,000 ps
    // Its ACK of 50 B (4,000 ps a hop) comes back over 6 hops: + 6 * 1,004,000.
    CHECK(run.process(0).last_sent().ps() == 6 * (kS + kD) + 6 * (4'000 + kD));
  }
  SECTION("the pipeline latency of a switch adds once per switch") {
    NetworkParams params = bare_network();
    params.switches.latency = Duration::ns(400);
    FabricRun run(build(SingleSwitchParams{2}, one_gpu()), params);
    REQUIRE(run.run({{0, 1, Bytes(1000)}}) == RunEnd::kFinished);
    CHECK(delivered_ps(run, 1) == 2 * (kS + kD) + 400'000);
  }
}

TEST_CASE("an encapsulation lengthens every frame") {
  // 2 hops of 80 ps per byte, data and ACK: a message of one packet and its acknowledgement take 4
  // e
  // * 80 ps longer.
  for (const auto& [encapsulation, e] :
       {std::pair(Encapsulation::kIpv4, 0), std::pair(Encapsulation::kIpv6, 20),
        std::pair(Encapsulation::kVxlan, 50), std::pair(Encapsulation::kVxlanIpv6, 70)}) {
    CAPTURE(e);
    NetworkParams params = bare_network();
    params.transport.encapsulation = encapsulation;
    FabricRun run(build(SingleSwitchParams{2}, one_gpu()), params);
    REQUIRE(run.run({{0, 1, Bytes(1000)}}) == RunEnd::kFinished);
    CHECK(delivered_ps(run, 1) == 2 * (kS + kD) + 2 * e * 80);
    CHECK(run.records().messages.at(0).ideal.ps() == delivered_ps(run, 1));
    CHECK(run.process(0).last_sent().ps() == 2 * (kS + kD) + 2 * (4'000 + kD) + 4 * e * 80);
  }
}

TEST_CASE("a flow of N packets takes n (s + d) + (N - 1) s") {
  FatTreeParams tree;
  tree.k = 4;
  FabricRun run(build(tree, one_gpu()), bare_network());
  REQUIRE(run.run({{0, 15, Bytes(500 * 1000)}}) == RunEnd::kFinished);
  CHECK(delivered_ps(run, 15) == 6 * (kS + kD) + 499 * kS);
  CHECK(run.records().messages.at(0).ideal.ps() == 6 * (kS + kD) + 499 * kS);
  CHECK(run.records().flows.at(0).packets == 500);
}

TEST_CASE("a short last packet is shorter on every wire but the slowest's queue") {
  // 2.5 packets: two full ones and 500 B payload = 550 B = 44,000 ps. On each hop the last follows
  // the full one before it: arrival at hop 1's end: 2 s + l + d; hop 2 is free again at
  // (s + d) + 2 s = 1,252,000 > 2 s + l + d = 1,212,000, so it starts there: + l + d.
  FabricRun run(build(SingleSwitchParams{2}, one_gpu()), bare_network());
  REQUIRE(run.run({{0, 1, Bytes(2500)}}) == RunEnd::kFinished);
  CHECK(delivered_ps(run, 1) == (kS + kD) + 2 * kS + 44'000 + kD);
  CHECK(run.records().messages.at(0).ideal.ps() == delivered_ps(run, 1));
}

TEST_CASE("a slow middle link spaces the packets: s + d + N s' + d + s + d") {
  // Bottleneck of 25 Gbps: 320 ps per byte, s' = 336,000 ps.
  FabricRun run(build(DumbbellParams{1, 1, 1}, one_gpu(BitRate::gbps(25))), bare_network());
  REQUIRE(run.run({{0, 1, Bytes(100 * 1000)}}) == RunEnd::kFinished);
  const std::int64_t expected = kS + kD + 100 * 336'000 + kD + kS + kD;
  CHECK(delivered_ps(run, 1) == expected);
  CHECK(run.records().messages.at(0).ideal.ps() == expected);
}

TEST_CASE("two flows share a link; an incast ends when the last link has sent everything") {
  // The receiver's link sends k N packets back to back from s + d on: s + d + k N s + d.
  const std::uint32_t senders = GENERATE(2U, 8U, 32U);
  FabricRun run(build(SingleSwitchParams{senders + 1}, one_gpu()), bare_network());
  std::vector<test::FlowSpec> flows;
  for (std::uint32_t i = 1; i <= senders; ++i) flows.push_back({i, 0, Bytes(100 * 1000)});
  REQUIRE(run.run(flows) == RunEnd::kFinished);
  CHECK(delivered_ps(run, 0) == kS + kD + senders * 100 * kS + kD);
  CHECK(run.records().totals.drops == 0);
  // All arrive at once and queue: round j (from 0) arrives when packet j - 1 of the queue's output
  // would end, and is counted before that departure: k (j + 1) - j packets, longest for j = 99.
  const auto queue = run.records().links[run.graph().port(run.graph().switches()[0], 0).index()];
  CHECK(queue.max_queue.count() == (senders * 100 - 99) * 1050);
  // Fair shares: every sender's last packet leaves within one round of the end.
  for (const MessageRecord& m : run.records().messages)
    CHECK(m.delivered.ps() >= delivered_ps(run, 0) - senders * kS);
}

TEST_CASE("two queue pairs of one NIC take turns packet by packet") {
  // Both flows have N packets; the first ends one packet before the second: 2N - 1 and 2N starts.
  FabricRun run(build(SingleSwitchParams{3}, one_gpu()), bare_network());
  REQUIRE(run.run({{0, 1, Bytes(50 * 1000)}, {0, 2, Bytes(50 * 1000)}}) == RunEnd::kFinished);
  CHECK(delivered_ps(run, 1) == 2 * (kS + kD) + 98 * kS);
  CHECK(delivered_ps(run, 2) == 2 * (kS + kD) + 99 * kS);
}

TEST_CASE("a window of one packet: one packet per round trip") {
  // Round trip: 2 (s + d) out and 2 (4,000 + d) back = 4,176,000 ps. bdp_multiple so small that the
  // window is the least legal, one MTU: packet k starts at k RTT.
  NetworkParams params = bare_network();
  params.transport.congestion_control.none.bdp_multiple = 0.001;
  FabricRun run(build(SingleSwitchParams{2}, one_gpu()), params);
  REQUIRE(run.run({{0, 1, Bytes(10 * 1000)}}) == RunEnd::kFinished);
  CHECK(delivered_ps(run, 1) == 9 * 4'176'000 + 2 * (kS + kD));
}

TEST_CASE("coalesced acknowledgements: one per interval and one at the end") {
  NetworkParams params = bare_network();
  params.transport.ack_interval = 16;
  FabricRun run(build(SingleSwitchParams{2}, one_gpu()), params);
  REQUIRE(run.run({{0, 1, Bytes(100 * 1000)}}) == RunEnd::kFinished);
  // 100 packets: ACKs after 16, 32, ..., 96 and after the last = 7; each crosses 2 links.
  CHECK(run.records().totals.packet_hops == 2 * (100 + 7));
}

TEST_CASE("an empty message is one header") {
  FabricRun run(build(SingleSwitchParams{2}, one_gpu()), bare_network());
  REQUIRE(run.run({{0, 1, Bytes(0)}}) == RunEnd::kFinished);
  CHECK(delivered_ps(run, 1) == 2 * (50 * 80 + kD));
}

}  // namespace plait
