// SPDX-License-Identifier: Apache-2.0
// Several queue pairs per connection: how messages are cut, and that they come out whole and in
// order whatever happens to the parts. Times as in test_selective_repeat.cpp: s = 84,000 ps, d = 1
// us.
#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/hash.hpp"
#include "tests/support/scripted_wire.hpp"

namespace plait {
namespace {

using test::Fate;
using test::ScriptedRun;

constexpr std::int64_t kS = 84'000, kD = 1'000'000;

NetworkParams network(std::int64_t queue_pairs, Striping striping = Striping::kSplit) {
  NetworkParams p = test::bare_network();
  p.transport.queue_pairs = queue_pairs;
  p.transport.striping = striping;
  p.transport.rto = Duration::us(200);
  p.transport.retry_limit = 0;
  return p;
}

Fate pass(const Packet&, std::uint32_t) { return {}; }

// Data packets per lane.
std::vector<std::size_t> lane_packets(const ScriptedRun& run, std::size_t lanes) {
  std::vector<std::size_t> packets(lanes);
  for (const auto& seen : run.seen())
    if (seen.packet.kind() == PacketKind::kData) ++packets.at(seen.packet.lane());
  return packets;
}

std::vector<std::int64_t> delivered_sizes(const ScriptedRun& run) {
  std::vector<std::int64_t> sizes;
  for (const auto& delivery : run.receiver().delivered()) sizes.push_back(delivery.size);
  return sizes;
}

}  // namespace

TEST_CASE("split: parts in whole packets, as equal as possible, lanes go on where they ended",
          "[transport]") {
  // 10 packets on 4 lanes: 3 3 2 2 on lanes 0 to 3. Then 2 packets on lanes 0 and 1, 3 packets on
  // lanes 2, 3 and 0, and an empty message, one packet, on lane 1.
  const ScriptedRun run(network(4), {9'500, 2'000, 2'001, 0}, pass);
  REQUIRE(run.finished());
  CHECK(lane_packets(run, 4) == std::vector<std::size_t>{3 + 1 + 1, 3 + 1 + 1, 2 + 1, 2 + 1});
  CHECK(delivered_sizes(run) == std::vector<std::int64_t>{9'500, 2'000, 2'001, 0});
  CHECK(run.sender().acked() == std::vector<std::uint64_t>{0, 1, 2, 3});
  // One flow record per queue pair: its own part of the payload.
  REQUIRE(run.records().flows.size() == 4);
  const std::int64_t payload[] = {3'000 + 1'000 + 1, 3'000 + 1'000 + 0, 2'000 + 1'000,
                                  1'500 + 1'000};
  for (std::size_t lane = 0; lane < 4; ++lane) {
    CHECK(run.records().flows[lane].lane == lane);
    CHECK(run.records().flows[lane].payload.count() == payload[lane]);
  }
  // The wire is never idle: the last of 10 packets, the short one, is the last of lane 3.
  const std::int64_t short_s = 550 * 80;
  CHECK(run.receiver().delivered()[0].at.ps() <= (10 + 2 + 3) * kS + short_s + 2 * kD);
}

TEST_CASE("round robin: whole messages in turn", "[transport]") {
  const ScriptedRun run(network(3, Striping::kRoundRobin), {5'000, 3'000, 1'000, 2'000}, pass);
  REQUIRE(run.finished());
  CHECK(lane_packets(run, 3) == std::vector<std::size_t>{5 + 2, 3, 1});
  // Message 2 (one packet) is complete at its lane's first turn, but follows 0 and 1.
  CHECK(delivered_sizes(run) == std::vector<std::int64_t>{5'000, 3'000, 1'000, 2'000});
  CHECK(run.sender().acked() == std::vector<std::uint64_t>{0, 1, 2, 3});
}

TEST_CASE("lanes differ in entropy, and lane 0 has that of a single queue pair", "[transport]") {
  const ScriptedRun one(network(1), {1'000}, pass);
  const ScriptedRun run(network(16), {16'000}, pass);
  std::vector<std::uint16_t> entropy;
  for (const auto& seen : run.seen())
    if (seen.packet.kind() == PacketKind::kData) entropy.push_back(seen.packet.entropy);
  REQUIRE(entropy.size() == 16);
  CHECK(entropy[0] == one.seen()[0].packet.entropy);
  std::sort(entropy.begin(), entropy.end());
  CHECK(std::unique(entropy.begin(), entropy.end()) == entropy.end());
  CHECK_FALSE(one.seen()[0].packet.is_final_stripe());  // nothing on the wire differs with one
}

TEST_CASE("a lost packet holds up its own lane only; delivery waits for it, in order",
          "[transport]") {
  // Two lanes, go-back-N: packets 0 to 3 of a message are (lane, psn) (0,0) (1,0) (0,1) (1,1).
  // Losing the first costs lane 0 its two packets again and lane 1 nothing.
  const ScriptedRun run(network(2), {4'000, 4'000}, [](const Packet& packet, std::uint32_t copy) {
    const bool hit = packet.kind() == PacketKind::kData && packet.lane() == 0 && packet.psn == 0;
    return Fate{hit && copy == 0 ? Fate::kDrop : Fate::kPass};
  });
  REQUIRE(run.finished());
  CHECK(run.records().flows[0].retransmitted == 4);  // both its parts: they were in flight
  CHECK(run.records().flows[1].retransmitted == 0);
  CHECK(delivered_sizes(run) == std::vector<std::int64_t>{4'000, 4'000});
  CHECK(run.sender().acked() == std::vector<std::uint64_t>{0, 1});
}

TEST_CASE("whatever is lost, late or trimmed, messages arrive once, whole and in order",
          "[transport]") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    const auto draw = [&](std::uint64_t what, std::uint64_t below) {
      return hash64(seed, what) % below;
    };
    NetworkParams params = network(1 + static_cast<std::int64_t>(draw(1, 16)),
                                   draw(2, 3) == 0 ? Striping::kRoundRobin : Striping::kSplit);
    params.transport.reliability =
        draw(3, 3) == 0 ? Reliability::kGoBackN : Reliability::kSelectiveRepeat;
    params.transport.ack_interval = draw(4, 2) == 0 ? 1 : 5;
    params.transport.reorder_threshold = static_cast<std::int64_t>(draw(5, 6));
    params.transport.reorder_window = draw(6, 2) == 0 ? 1024 : 4;
    params.transport.nack_interval = Duration::us(5);
    params.transport.congestion_control.none.bdp_multiple = draw(7, 2) == 0 ? 0.0 : 1.0;
    std::vector<std::int64_t> sizes;
    for (std::uint64_t m = 0; m < 40; ++m)
      sizes.push_back(static_cast<std::int64_t>(draw(8, 2) == 0 ? draw(100 + m, 30'000)
                                                                : draw(100 + m, 2'500)));
    const ScriptedRun run(params, sizes, [&](const Packet& packet, std::uint32_t copy) {
      const std::uint64_t dice =
          hash64(hash64(seed, static_cast<std::uint64_t>(packet.to) << 32 | packet.psn),
                 static_cast<std::uint64_t>(packet.kind()) << 32 | copy);
      const auto late = Duration::ps(static_cast<std::int64_t>((dice >> 20) % 2'000'000));
      const bool reorders = draw(9, 2) == 0;
      if (dice % 100 < 3) return Fate{Fate::kDrop};
      if (dice % 100 < 6 && packet.kind() == PacketKind::kData) return Fate{Fate::kTrim};
      return Fate{Fate::kPass, reorders ? late : Duration()};
    });
    REQUIRE(run.finished());
    CHECK(delivered_sizes(run) == sizes);
    REQUIRE(run.sender().acked().size() == sizes.size());
    CHECK(std::is_sorted(run.sender().acked().begin(), run.sender().acked().end()));
    std::int64_t payload = 0, sent = 0;
    for (const std::int64_t size : sizes) sent += size;
    for (const FlowRecord& flow : run.records().flows) payload += flow.payload.count();
    CHECK(payload == sent);
  }
}

}  // namespace plait
