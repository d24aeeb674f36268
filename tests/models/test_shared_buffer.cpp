// SPDX-License-Identifier: Apache-2.0
// Rules of the shared buffer beyond the plain dynamic threshold: static thresholds, alpha by port
// rate, headroom rules, lossy reserves, buffers beyond 2 GiB; marking rules by priority.
#include <catch2/catch.hpp>
#include <optional>

#include "models/ecn_rules.hpp"
#include "models/headroom.hpp"
#include "models/network_context.hpp"
#include "models/shared_buffer.hpp"
#include "sim/error.hpp"
#include "sim/random.hpp"
#include "tests/support/fabric_run.hpp"

namespace plait {
namespace {

using Verdict = SharedBuffer::Verdict;

SwitchParams static_switch() {
  SwitchParams p;
  p.buffer = Bytes(1'000'000);
  p.pfc.threshold = PfcThreshold::kStatic;
  p.pfc.reserve = Bytes(1000);
  p.pfc.xoff = Bytes(5000);
  p.pfc.xon = Bytes(3000);
  return p;
}

/// The ns-3 models' switch: 32 MiB, reserve 4096, alpha 1/8 at 100G, headroom of three delays.
SwitchParams ns3_switch() {
  SwitchParams p;
  p.pfc.alpha_reference_rate = BitRate::gbps(100);
  return p;
}

/// Largest x = I - r at which the ingress of an otherwise empty ns-3 switch is not paused.
std::int64_t largest_quiet(std::uint32_t port, std::int64_t guess) {
  const std::vector<std::int64_t> headroom{37'500, 150'000, 0};
  const std::vector<BitRate> rates{BitRate::gbps(100), BitRate::gbps(400), BitRate::gbps(1600)};
  for (std::int64_t x = guess - 2;; ++x) {
    SharedBuffer buffer(ns3_switch(), headroom, 1100, rates);
    REQUIRE(x < guess + 3);
    if (buffer.enter(port, 3, static_cast<std::uint32_t>(4096 + x)) == Verdict::kAdmittedPause)
      return x - 1;
  }
}

}  // namespace

TEST_CASE("static threshold: above xoff pauses, below xon resumes, to the byte",
          "[shared_buffer]") {
  SharedBuffer buffer(static_switch(), {10'000, 10'000}, 1000);
  // htsim pauses when bytes > xoff: 5000 do not, 5001 do.
  for (int i = 0; i < 5; ++i) CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK_FALSE(buffer.surely_quiet(0, 3, 1));
  CHECK(buffer.surely_quiet(1, 3, 5000));
  CHECK_FALSE(buffer.surely_quiet(1, 3, 5001));
  CHECK(buffer.enter(0, 3, 1) == Verdict::kAdmittedPause);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);  // in flight when the pause was sent
  CHECK(buffer.ingress_bytes(0, 3) == 6001);
  CHECK_FALSE(buffer.leave(0, 3, 1, 0));
  // It resumes when bytes < xon: 3000 do not, 2999 do.
  for (int i = 0; i < 3; ++i) CHECK_FALSE(buffer.leave(0, 3, 1000, 0));
  CHECK(buffer.ingress_bytes(0, 3) == 3000);
  CHECK(buffer.leave(0, 3, 1, 0));
  CHECK(buffer.paused_count() == 0);
  for (const std::uint32_t rest : {999U, 1000U, 1000U}) CHECK_FALSE(buffer.leave(0, 3, rest, 0));
  CHECK(buffer.shared_bytes() == 0);
}

TEST_CASE("static threshold: what comes after it goes to the headroom, then is lost",
          "[shared_buffer]") {
  SharedBuffer buffer(static_switch(), {3000, 3000}, 1000);
  for (int i = 0; i < 5; ++i) CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmittedPause);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kDropped);  // 3 headroom packets are there
  CHECK(buffer.shared_bytes() == 4000);                  // 5000 less the reserve
}

TEST_CASE("static threshold: an xon or a reserve above xoff is refused", "[shared_buffer]") {
  SwitchParams params = static_switch();
  params.pfc.xon = Bytes(5001);
  CHECK_THROWS_WITH(SharedBuffer(params, {3000}, 1000), Catch::Contains("must not be above xoff"));
}

TEST_CASE("alpha doubles with the port rate, up to 1, as a shift in ns-3 does", "[shared_buffer]") {
  // pool = 33,554,432 - 187,500 - 3 * 4096 = 33,354,644. Paused when x >= (pool - x) >> a.
  // 100G, a = 3: x = 3,706,071 meets (29,648,573 >> 3) = 3,706,071; x - 1 = 3,706,070 does not.
  CHECK(largest_quiet(0, 3'706'071) == 3'706'070);
  // 400G, a = 1: 3 x >= pool: x = 11,118,215 meets (22,236,429 >> 1) = 11,118,214; 11,118,214
  // meets (22,236,430 >> 1) = 11,118,215 not.
  CHECK(largest_quiet(1, 11'118'215) == 11'118'214);
  // 1.6T: four doublings would give 2; it stays at 1: x = 16,677,322 meets pool - x = 16,677,322.
  CHECK(largest_quiet(2, 16'677'322) == 16'677'321);
}

TEST_CASE("headroom by the rule of three delays", "[shared_buffer]") {
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 1), b = graph.add_host("b", 1);
  const NodeId leaf = graph.add_switch("leaf", 1);
  graph.connect(a, leaf, {.rate = BitRate::gbps(100), .delay = Duration::us(1)});
  graph.connect(b, leaf, {.rate = BitRate::gbps(400), .delay = Duration::us(1)});
  graph.finalize();
  const RouteTable routes(graph);
  NetworkParams params = test::bare_network();
  params.switches.pfc.headroom_rule = HeadroomRule::kThreeDelays;
  // 3 * 100e9 * 1e-6 / 8 = 37,500; four times that.
  CHECK(headroom_of_ports(NetworkContext(graph, routes, params), leaf) ==
        std::vector<std::int64_t>{37'500, 150'000});
  params.switches.pfc.headroom = Bytes(1);
  CHECK(headroom_of_ports(NetworkContext(graph, routes, params), leaf) ==
        std::vector<std::int64_t>{1, 1});
}

TEST_CASE("a lossy queue has its reserve whatever the others take", "[shared_buffer]") {
  SwitchParams params;
  params.pfc.enabled = false;
  params.buffer = Bytes(100'000);
  params.lossy_reserve = Bytes(1000);
  params.lossy_alpha = 1.0 / 1024;
  // pool = 100,000 - 8 * 1000 = 92,000; T = 92,000 / 1024 = 89.8 -> 89.
  SharedBuffer buffer(params, {0}, 1000);
  CHECK(buffer.lossy_fits(0, 1089));
  CHECK_FALSE(buffer.lossy_fits(0, 1090));
  buffer.enter_lossy(0, 600);
  CHECK(buffer.shared_bytes() == 0);
  buffer.enter_lossy(600, 450);
  CHECK(buffer.shared_bytes() == 50);
  CHECK_FALSE(buffer.leave(0, 3, 600, 450));
  CHECK(buffer.shared_bytes() == 0);
}

namespace {

/// A switch with random thresholds, on which random packets come and go until `steps` are over or
/// one causes a pause or a drop, which it then has not.
struct RandomBuffer {
  explicit RandomBuffer(std::uint64_t seed) : random(seed, 7, 7) {
    SwitchParams params;
    const bool all_lossless = random.below(4) == 0;
    params.buffer =
        Bytes((all_lossless ? 250'000 : 60'000) + static_cast<std::int64_t>(random.below(300'000)));
    params.pfc.threshold = random.below(3) == 0 ? PfcThreshold::kStatic : PfcThreshold::kDynamic;
    params.pfc.enabled = random.below(4) != 0;
    params.pfc.priorities = all_lossless ? "0 1 2 3 4 5 6 7" : random.below(2) == 0 ? "3" : "3 5";
    params.pfc.alpha = random.below(2) == 0 ? 0.125 : 1.0;
    params.pfc.reserve = Bytes(static_cast<std::int64_t>(random.below(3000)));
    params.pfc.xoff = Bytes(4000 + static_cast<std::int64_t>(random.below(20'000)));
    params.pfc.xon = Bytes(3000);
    params.lossy_alpha = random.below(2) == 0 ? 0.25 : 1.0;
    params.lossy_reserve = Bytes(static_cast<std::int64_t>(random.below(500)));
    buffer.emplace(params, std::vector<std::int64_t>(kPorts, 3000), kPacket);
  }
  /// A packet of at most `most` bytes, of any ingress, egress and priority, or like the one before.
  /// @return whether it came in without a pause or a drop.
  bool enter(std::int64_t most, bool alike = false) {
    const auto bytes = static_cast<std::uint32_t>(
        1 + random.below(static_cast<std::uint64_t>(std::min<std::int64_t>(most, kPacket))));
    if (!alike) last = {random.below(kPorts), random.below(kPorts), random.below(kPriorities), 0};
    const Held packet{last.in, last.out, last.priority, bytes};
    const auto in = static_cast<std::uint32_t>(packet.in);
    const auto priority = static_cast<std::uint32_t>(packet.priority);
    std::int64_t& queue = queues[packet.out][priority];
    if (!buffer->lossless(priority)) {
      if (!buffer->lossy_fits(queue, bytes)) return false;
      buffer->enter_lossy(queue, bytes);
    } else if (buffer->surely_quiet(in, priority, bytes)) {
      buffer->enter_quiet(in, priority, bytes);
    } else {
      return false;
    }
    queue += bytes;
    sum += bytes;
    entered = bytes;
    held.push_back(packet);
    return true;
  }
  void leave() {
    if (held.empty()) return;
    std::swap(held[random.below(held.size())], held.back());
    const Held packet = held.back();
    held.pop_back();
    const auto priority = static_cast<std::uint32_t>(packet.priority);
    std::int64_t& queue = queues[packet.out][priority];
    queue -= packet.bytes;
    sum -= packet.bytes;
    buffer->leave(static_cast<std::uint32_t>(packet.in), priority, packet.bytes, queue);
  }

  static constexpr std::uint32_t kPorts = 4, kPacket = 1000;
  struct Held {
    std::uint64_t in, out, priority;
    std::uint32_t bytes;
  };
  RandomStream random;
  std::optional<SharedBuffer> buffer;
  std::int64_t queues[kPorts][kPriorities] = {};
  Held last{};
  std::vector<Held> held;
  std::int64_t sum = 0, entered = 0;
};

}  // namespace

TEST_CASE(
    "property: what is said to fit in any way does, and the buffer holds no more than it says",
    "[shared_buffer]") {
  int quiet = 0, not_quiet = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    RandomBuffer world(seed);
    for (auto steps = world.random.below(200); steps > 0; --steps) {
      if (world.random.below(3) == 0) world.leave();
      if (!world.enter(RandomBuffer::kPacket)) break;
    }
    REQUIRE(world.sum <= world.buffer->most_held());
    auto total = static_cast<std::int64_t>(world.random.below(30'000));
    if (!world.buffer->all_stay_quiet(total)) {
      ++not_quiet;
      continue;
    }
    ++quiet;
    const bool alike = world.random.below(3) != 0;
    while (total > 0) {
      if (world.random.below(6) == 0) world.leave();
      REQUIRE(world.enter(total, alike));
      total -= world.entered;
      REQUIRE(world.sum <= world.buffer->most_held());
    }
  }
  CHECK(quiet > 100);
  CHECK(not_quiet > 100);
}

TEST_CASE(
    "a deep buffer is legal; ingresses pause before one egress holds more than 32 bits can count",
    "[shared_buffer]") {
  SwitchParams params;
  params.buffer = Bytes::gibi(64);
  params.pfc.alpha = 1.0;
  SharedBuffer buffer(params, {10'000, 10'000}, 1000);
  // T would be 32 GiB; it is cut to half of 2^31 - 2^25, shared by two ports: 528,482,304 beyond
  // the reserve.
  CHECK(buffer.surely_quiet(0, 3, 4096 + 528'482'303));
  CHECK(buffer.enter(0, 3, 4096 + 528'482'303) == Verdict::kAdmitted);
  CHECK(buffer.enter(0, 3, 1) == Verdict::kAdmittedPause);
  CHECK(buffer.enter(0, 3, 10'000) == Verdict::kAdmitted);
  CHECK(buffer.enter(0, 3, 1) == Verdict::kDropped);
  CHECK(buffer.enter(1, 3, 4096 + 500'000'000) == Verdict::kAdmitted);
  CHECK(buffer.shared_bytes() == 1'028'482'304);
}

TEST_CASE("marking rules by priority", "[ecn]") {
  EcnParams params;
  params.priorities = "3 4";
  params.by_priority = "4:10KB:20KB:0.5 5:1KB:2KB";
  const auto rules = ecn_rules(params);
  CHECK(rules[3].marks);
  CHECK(rules[3].k_min == Bytes::kilo(400));
  CHECK(rules[4].marks);
  CHECK(rules[4].k_max == Bytes::kilo(20));
  CHECK(rules[4].p_max == 0.5);
  CHECK_FALSE(rules[5].marks);  // own thresholds do not make it mark
  CHECK_FALSE(rules[0].marks);
  params.by_priority = GENERATE("8:1KB:2KB", "3:2KB:1KB", "3:1KB", "3:1KB:2KB:1.5", "3:1KB:2KB:x");
  CHECK_THROWS_WITH(ecn_rules(params), Catch::Contains("is not PRIORITY:K_MIN:K_MAX"));
}

TEST_CASE("marking thresholds scale with the rate of the port") {
  const auto link = [](std::int64_t gbps) {
    return LinkClass(BitRate::gbps(gbps), Duration::us(1), Duration::ps(1));
  };
  const std::vector<LinkClass> links{link(100), link(25)};
  EcnParams params;
  params.priorities = "3";
  params.by_priority = "3:100KB:401KB:0.25";
  params.reference_rate = BitRate::gbps(50);
  const auto at = [&](std::size_t row, std::size_t priority) {
    const auto table = mark_thresholds(params, links);
    REQUIRE(table.size() == 2 * kPriorities);
    return table[row * kPriorities + priority];
  };
  CHECK(at(0, 3).k_min == 200'000);
  CHECK(at(0, 3).k_max == 802'000);
  CHECK(at(0, 3).p_max == 0.25);
  CHECK(at(1, 3).k_min == 50'000);
  CHECK(at(1, 3).k_max == 200'500);
  CHECK(at(1, 2).k_min == UINT32_MAX);  // never
  params.reference_rate = BitRate();    // not scaled
  CHECK(at(1, 3).k_min == 100'000);
  params.by_priority = "3:1GB:1GB";  // 100 GB at 100 times the rate: no queue is that long
  params.reference_rate = BitRate::gbps(1);
  CHECK(at(0, 3).k_min == UINT32_MAX);
  params.enabled = false;
  CHECK(at(0, 3).k_min == UINT32_MAX);
}

}  // namespace plait
