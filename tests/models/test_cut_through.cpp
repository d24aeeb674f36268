// SPDX-License-Identifier: Apache-2.0
// Cut-through forwarding. bare_network(): a full packet has 1050 B; at 100 Gbps s = 84,000 ps. A
// switch starts to forward when the first 64 B are there: c = 5,120 ps. Cables of d = 1 us.
#include <catch2/catch.hpp>

#include "tests/support/fabric_run.hpp"
#include "topologies/dumbbell.hpp"
#include "topologies/fat_tree.hpp"

namespace plait {
namespace {

using test::FabricRun;

constexpr std::int64_t kS = 84'000, kC = 5'120, kD = 1'000'000;

FabricParts parts_of(std::int64_t host_gbps, std::int64_t fabric_gbps) {
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link.rate = BitRate::gbps(host_gbps);
  parts.fabric_link.rate = BitRate::gbps(fabric_gbps);
  return parts;
}

NetworkParams cut_through() {
  NetworkParams params = test::bare_network();
  params.switches.forwarding = Forwarding::kCutThrough;
  return params;
}

FabricGraph fat_tree(const FabricParts& parts) {
  FatTreeParams tree;
  tree.k = 4;
  return build(tree, parts);
}

}  // namespace

TEST_CASE("cut-through: one serialisation, and the cut once per switch", "[link]") {
  // 6 hops, 5 switches: the last wire ends s after the packet's start on it.
  NetworkParams params = cut_through();
  params.switches.latency = Duration::ns(300);
  FabricRun run(fat_tree(parts_of(100, 100)), params);
  REQUIRE(run.run({{0, 15, Bytes(1000)}}) == RunEnd::kFinished);
  const std::int64_t expected = 6 * kD + 5 * (300'000 + kC) + kS;
  CHECK(run.process(15).last_received().ps() == expected);
  CHECK(run.records().messages.at(0).ideal.ps() == expected);
  // The ACK of 50 B is shorter than the cut, so stored and forwarded: 6 times 4,000 ps.
  CHECK(run.process(0).last_sent().ps() == expected + 6 * kD + 5 * 300'000 + 6 * 4'000);
}

TEST_CASE("cut-through: a train of N packets ends (N - 1) s later", "[link]") {
  FabricRun run(fat_tree(parts_of(100, 100)), cut_through());
  REQUIRE(run.run({{0, 15, Bytes(200 * 1000)}}) == RunEnd::kFinished);
  const std::int64_t expected = 6 * kD + 5 * kC + 200 * kS;
  CHECK(run.process(15).last_received().ps() == expected);
  CHECK(run.records().messages.at(0).ideal.ps() == expected);
}

TEST_CASE("cut-through: what comes slower than it could leave is stored first", "[link]") {
  SECTION("hosts at 100, fabric at 400 Gbps") {
    // Into leaf0 at 100 Gbps: a port of it drains four times as fast, so the packet is stored (s).
    // leaf0 -> leaf1 at 400 Gbps: s / 4 long; leaf1 has no faster port, it may cut: c / 4. The last
    // link takes s.
    FabricRun run(build(DumbbellParams{1, 1, 1}, parts_of(100, 400)), cut_through());
    REQUIRE(run.run({{0, 1, Bytes(1000)}}) == RunEnd::kFinished);
    const std::int64_t expected = kS + kD + kC / 4 + kD + kS + kD;
    CHECK(run.process(1).last_received().ps() == expected);
    CHECK(run.records().messages.at(0).ideal.ps() == expected);
  }
  SECTION("hosts at 400, fabric at 100 Gbps") {
    // Into leaf0: cut after c / 4. Then s on the slow link; leaf1 has a faster port: stored. s / 4.
    FabricRun run(build(DumbbellParams{1, 1, 1}, parts_of(400, 100)), cut_through());
    REQUIRE(run.run({{0, 1, Bytes(1000)}}) == RunEnd::kFinished);
    const std::int64_t expected = kC / 4 + kD + kS + kD + kS / 4 + kD;
    CHECK(run.process(1).last_received().ps() == expected);
    CHECK(run.records().messages.at(0).ideal.ps() == expected);
  }
}

TEST_CASE("cut-through: in a loaded fabric everything arrives, for any number of threads",
          "[link]") {
  const auto fingerprint = [](unsigned threads) {
    FabricRun run(fat_tree(parts_of(100, 100)), cut_through());
    std::vector<test::FlowSpec> flows;
    for (std::uint32_t i = 1; i < 16; ++i) {
      flows.push_back({i, 0, Bytes(100'000)});
      flows.push_back({i, (i + 5) % 16, Bytes(100'000), 1});
    }
    REQUIRE(run.run(flows, threads) == RunEnd::kFinished);
    CHECK(run.process(0).received_bytes().count() == 15 * 100'000 + 100'000);
    // The receiver's link is busy from the first arrival on: at least 16 flows of 100 packets.
    CHECK(run.process(0).last_received().ps() >= 16 * 100 * kS + 2 * kD);
    for (const MessageRecord& message : run.records().messages)
      CHECK(message.delivered >= message.posted + message.ideal);
    return run.records().totals.fingerprint;
  };
  const std::uint64_t reference = fingerprint(1);
  for (const unsigned threads : {2U, 3U, 8U}) CHECK(fingerprint(threads) == reference);
}

}  // namespace plait
