// SPDX-License-Identifier: Apache-2.0
// Parts of the switch: shared buffer, egress scheduler, link serialisation.
#include <catch2/catch.hpp>

#include "models/egress_port.hpp"
#include "models/link.hpp"
#include "models/packet.hpp"
#include "models/shared_buffer.hpp"
#include "sim/error.hpp"

namespace plait {
namespace {

using Verdict = SharedBuffer::Verdict;

/// B = 100,000, two ports, r = 1000, H = 10,000, alpha = 1: pool = 100,000 - 2 * 11,000 = 78,000.
SwitchParams small_switch() {
  SwitchParams p;
  p.buffer = Bytes(100'000);
  p.pfc.reserve = Bytes(1000);
  p.pfc.alpha = 1.0;
  p.pfc.resume_offset = Bytes(2000);
  return p;
}

}  // namespace

TEST_CASE("pause frames are told from all else by one bit, whatever the flags", "[packet]") {
  std::uint32_t all = 0;
  for (unsigned kind = 0; kind <= static_cast<unsigned>(PacketKind::kResume); ++kind) {
    if (kind == 7) continue;  // no such kind
    Packet packet = Packet::make(static_cast<PacketKind>(kind), EndpointId(0xffffffU),
                                 EndpointId(0xffffffU), 7, 64);
    for (const PacketFlag flag : {kFlagMarked, kFlagLast, kFlagEcho, kFlagAskAck}) packet.set(flag);
    const bool pfc = packet.kind() == PacketKind::kPause || packet.kind() == PacketKind::kResume;
    CHECK(packet.is_pfc() == pfc);
    CHECK(Packet::any_pfc(all |= packet.from) == pfc);
  }
}

TEST_CASE("shared buffer: reserve first, then shared, then headroom", "[shared_buffer]") {
  SharedBuffer buffer(small_switch(), {10'000, 10'000}, 1000);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK(buffer.shared_bytes() == 0);  // fits the reserve
  // x = I - r and T = 78,000 - x meet at x = 39,000: with I = 39,000, x = 38,000 < T = 40,000.
  for (int i = 0; i < 38; ++i) CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK(buffer.shared_bytes() == 38'000);
  CHECK_FALSE(buffer.surely_quiet(0, 3, 1000));
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmittedPause);  // x = 39,000 >= T = 39,000
  CHECK(buffer.paused_count() == 1);
  // From now on into headroom: ten packets fit, the eleventh does not.
  for (int i = 0; i < 10; ++i) CHECK(buffer.enter(0, 3, 1000) == Verdict::kAdmitted);
  CHECK(buffer.enter(0, 3, 1000) == Verdict::kDropped);
  CHECK(buffer.shared_bytes() == 39'000);
  CHECK(buffer.ingress_bytes(0, 3) == 50'000);
  // Headroom drains first; then x + 2000 <= T: x <= 38,000, one packet below the pause point.
  for (int i = 0; i < 10; ++i) CHECK_FALSE(buffer.leave(0, 3, 1000, 0));
  CHECK(buffer.leave(0, 3, 1000, 0));
  CHECK(buffer.paused_count() == 0);
  for (int i = 0; i < 39; ++i) CHECK_FALSE(buffer.leave(0, 3, 1000, 0));
  CHECK(buffer.ingress_bytes(0, 3) == 0);
  CHECK(buffer.shared_bytes() == 0);
}

TEST_CASE("shared buffer: a lossy queue gets its share of what is free", "[shared_buffer]") {
  SwitchParams params = small_switch();
  params.lossy_alpha = 0.5;
  SharedBuffer buffer(params, {10'000, 10'000}, 1000);
  std::int64_t queue = 0;
  while (buffer.lossy_fits(queue, 1000)) {
    buffer.enter_lossy(queue, 1000);
    queue += 1000;
  }
  // q + 1000 <= (78,000 - q) / 2 holds up to q = 25,000: 26,000 <= 26,500; then 27,000 > 26,000.
  CHECK(queue == 26'000);
}

TEST_CASE("shared buffer: too small for its reserves is an error that says so", "[shared_buffer]") {
  SwitchParams params = small_switch();
  params.buffer = Bytes(22'000);
  CHECK_THROWS_WITH(SharedBuffer(params, {10'000, 10'000}, 1000),
                    Catch::Contains("switch buffer of 22KB is too small") &&
                        Catch::Contains("22KB; enlarge fabric.switch.buffer"));
}

TEST_CASE("scheduler: pause frames, strict priorities, then weights", "[scheduler]") {
  SwitchParams params;
  params.dwrr_weights = "1 3 1 1 1 1 1 1";
  const EgressScheduler scheduler(params);
  ChunkPool<Packet> pool;
  EgressPort port;
  EgressQueue queues[kQueues];
  const auto fill = [&](unsigned q, int count) {
    for (int i = 0; i < count; ++i)
      queues[q].packets.append(
          pool, Packet::make(PacketKind::kData, EndpointId(0), EndpointId(1), q % 8, 1024));
    port.waiting |= static_cast<std::uint16_t>(1U << q);
  };
  const auto take = [&] {
    const int q = scheduler.pick(port, EgressQueues(queues, 1));
    if (q < 0) return q;
    queues[q].packets.pop(pool);
    if (queues[q].empty()) port.waiting &= static_cast<std::uint16_t>(~(1U << q));
    return q;
  };
  CHECK(take() == -1);
  fill(0, 400);
  fill(1, 400);
  fill(6, 1);
  fill(7, 1);
  fill(kPfcQueue, 1);
  CHECK(take() == 8);
  CHECK(take() == 7);
  CHECK(take() == 6);
  int served[2] = {0, 0};
  for (int i = 0; i < 360; ++i) ++served[take()];
  // Quanta of 9216 and 27,648 bytes hold 9 and 27 packets: rounds of 36, so 90 and 270.
  CHECK(std::abs(served[0] - 90) <= 9);
  CHECK(std::abs(served[1] - 270) <= 27);
  port.paused = 1U << 1;
  CHECK(take() == 0);
  port.paused = 3;
  CHECK(take() == -1);
}

TEST_CASE("scheduler: weights that are no weights are refused", "[scheduler]") {
  SwitchParams params;
  params.dwrr_weights = GENERATE("1 1 1", "1 1 1 1 1 1 1 0", "1 1 1 1 1 1 1 1 1", "a", "");
  CHECK_THROWS_WITH(EgressScheduler(params), Catch::Contains("eight whole numbers"));
}

TEST_CASE("link: exact at usual rates, rounded up elsewhere, or on a coarse clock", "[link]") {
  const Duration us = Duration::us(1);
  CHECK(LinkClass(BitRate::gbps(400), us, Duration::ps(1)).serialisation_ps(4178) == 83'560);
  // 8 * 1000 / 0.3 Tbps = 26,666.67 ps.
  CHECK(LinkClass(BitRate::gbps(300), us, Duration::ps(1)).serialisation_ps(1000) == 26'667);
  // 1036 B at 100G: 82,880 ps -> 83 ns; 31 B: 2480 -> 2 ns; 48 B: 3840 -> 4 ns.
  const LinkClass coarse(BitRate::gbps(100), us, Duration::ns(1));
  CHECK(coarse.serialisation_ps(1036) == 83'000);
  CHECK(coarse.serialisation_ps(31) == 2'000);
  CHECK(coarse.serialisation_ps(48) == 4'000);
}

TEST_CASE("priority sets", "[params]") {
  CHECK(parse_priority_set("3") == 8);
  CHECK(parse_priority_set("0 7") == 129);
  CHECK(parse_priority_set("") == 0);
  CHECK_THROWS_WITH(parse_priority_set("8"), Catch::Contains("'8' is not a priority"));
}

}  // namespace plait
