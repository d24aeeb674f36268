// SPDX-License-Identifier: Apache-2.0
// Loss recovery, packet by packet. bare_network(): 1000 B payload + 50 B = 1050 B at 100 Gbps are
// s = 84,000 ps, an ACK of 50 B is a = 4,000 ps, each of the two cables d = 1 us. Packet k starts
// at k s and arrives at (k + 1) s + 2 d; its answer is back at the sender (k + 1) s + a + 4 d,
// while the sender is about to start packet n = ceil(((k + 1) s + a + 4 d) / s) = k + 1 + 48 = k +
// 49 (4,004,000 / 84,000 = 47.7).
#include <catch2/catch.hpp>

#include "tests/support/scripted_wire.hpp"

namespace plait {
namespace {

using test::Fate;
using test::ScriptedRun;

constexpr std::int64_t kS = 84'000, kA = 4'000, kD = 1'000'000;

NetworkParams network(Reliability reliability) {
  NetworkParams p = test::bare_network();
  p.transport.reliability = reliability;
  p.transport.rto = Duration::us(100);
  p.transport.rto_backoff = 1;
  return p;
}

test::Script drop(std::uint32_t psn, std::uint32_t copies = 1) {
  return [=](const Packet& packet, std::uint32_t copy) {
    const bool hit = packet.kind() == PacketKind::kData && packet.psn == psn && copy < copies;
    return Fate{hit ? Fate::kDrop : Fate::kPass};
  };
}

Fate pass(const Packet&, std::uint32_t) { return {}; }

std::vector<std::uint32_t> count_up(std::uint32_t to) {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < to; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

TEST_CASE("without loss the two ways of recovery do not differ", "[transport]") {
  const ScriptedRun back(network(Reliability::kGoBackN), {100'000}, pass);
  const ScriptedRun selective(network(Reliability::kSelectiveRepeat), {100'000}, pass);
  REQUIRE(back.finished());
  REQUIRE(selective.finished());
  CHECK(selective.sent_psns() == count_up(100));
  CHECK(selective.receiver().delivered()[0].at.ps() == 100 * kS + 2 * kD);
  CHECK(back.receiver().delivered()[0].at == selective.receiver().delivered()[0].at);
  CHECK(selective.count(PacketKind::kSelectiveAck) == 0);
}

TEST_CASE("one lost packet costs selective repeat one packet, go-back-N all that followed",
          "[transport]") {
  // Packet 10 is lost. Packet 11's answer (NACK 10 or SACK 11) is back when 11 + 49 = packet 60 is
  // due; 0 to 59 have been sent.
  const ScriptedRun selective(network(Reliability::kSelectiveRepeat), {100'000}, drop(10));
  REQUIRE(selective.finished());
  std::vector<std::uint32_t> expected = count_up(100);
  expected.insert(expected.begin() + 60, 10);
  CHECK(selective.sent_psns() == expected);
  CHECK(selective.records().flows[0].retransmitted == 1);
  CHECK(selective.records().flows[0].timeouts == 0);
  CHECK(selective.records().flows[0].payload.count() == 100'000);
  // One more slot on the wire: 101 s + 2 d.
  CHECK(selective.receiver().delivered()[0].at.ps() == 101 * kS + 2 * kD);
  CHECK(selective.receiver().delivered()[0].size == 100'000);

  const ScriptedRun back(network(Reliability::kGoBackN), {100'000}, drop(10));
  REQUIRE(back.finished());
  CHECK(back.records().flows[0].retransmitted == 50);  // 10 to 59
  CHECK(back.receiver().delivered()[0].at.ps() == 150 * kS + 2 * kD);
}

TEST_CASE("a lost last packet waits for the timer; only it is sent again", "[transport]") {
  // The ACK of packet 98, the last progress, arrives at 99 s + a + 4 d and starts the timer anew.
  const ScriptedRun run(network(Reliability::kSelectiveRepeat), {100'000}, drop(99));
  REQUIRE(run.finished());
  CHECK(run.records().flows[0].retransmitted == 1);
  CHECK(run.records().flows[0].timeouts == 1);
  CHECK(run.receiver().delivered()[0].at.ps() ==
        (99 * kS + kA + 4 * kD) + 100'000'000 + kS + 2 * kD);
}

TEST_CASE("a repeated packet that is lost too is missed by what was sent after it", "[transport]") {
  // The second copy of packet 10 has slot 60. Packet 60 follows in slot 61; its SACK is back at
  // 62 s + a + 4 d, when all is sent: the third copy starts at once.
  const ScriptedRun run(network(Reliability::kSelectiveRepeat), {100'000}, drop(10, 2));
  REQUIRE(run.finished());
  CHECK(run.records().flows[0].retransmitted == 2);
  CHECK(run.records().flows[0].timeouts == 0);
  CHECK(run.receiver().delivered()[0].at.ps() == (62 * kS + kA + 4 * kD) + kS + 2 * kD);
}

TEST_CASE("the reorder threshold counts packets that were sent later", "[transport]") {
  NetworkParams params = network(Reliability::kSelectiveRepeat);
  // Packet 10 is five packet times late: 11 to 15 overtake it, five SACKs. The fifth is back 28,000
  // ps before the next start (4,004,000 = 47 * 84,000 + 56,000), the ACK of packet 10 after it.
  const test::Script late = [](const Packet& packet, std::uint32_t copy) {
    const bool hit = packet.kind() == PacketKind::kData && packet.psn == 10 && copy == 0;
    return Fate{Fate::kPass, Duration::ps(hit ? 5 * kS + 30'000 : 0)};
  };
  for (const auto& [threshold, repeats] : {std::pair(1, 1), std::pair(5, 1), std::pair(6, 0)}) {
    CAPTURE(threshold);
    params.transport.reorder_threshold = threshold;
    const ScriptedRun run(params, {100'000}, late);
    REQUIRE(run.finished());
    CHECK(run.count(PacketKind::kSelectiveAck) == 5);
    CHECK(run.records().flows[0].retransmitted == static_cast<std::uint64_t>(repeats));
    CHECK(run.receiver().delivered()[0].size == 100'000);  // the late copy or its repeat, not both
  }
}

TEST_CASE("a trimmed packet is sent again at once, under either reliability", "[transport]") {
  NetworkParams params = network(Reliability::kSelectiveRepeat);
  params.transport.reorder_threshold = 1024;  // nothing but the notice tells of the loss
  const test::Script trim = [](const Packet& packet, std::uint32_t copy) {
    const bool hit = packet.kind() == PacketKind::kData && packet.psn == 10 && copy == 0;
    return Fate{hit ? Fate::kTrim : Fate::kPass};
  };
  // The wire takes no time for the trimmed packet but its own: the notice is back when an ACK of
  // packet 10 would be, as packet 59 is due.
  const ScriptedRun selective(params, {100'000}, trim);
  REQUIRE(selective.finished());
  CHECK(selective.count(PacketKind::kTrimNack) == 1);
  std::vector<std::uint32_t> expected = count_up(100);
  expected.insert(expected.begin() + 59, 10);
  CHECK(selective.sent_psns() == expected);
  CHECK(selective.receiver().delivered()[0].size == 100'000);

  params.transport.reliability = Reliability::kGoBackN;
  const ScriptedRun back(params, {100'000}, trim);
  REQUIRE(back.finished());
  CHECK(back.count(PacketKind::kNack) == 1);
  CHECK(back.records().flows[0].retransmitted == 49);  // 10 to 58
  CHECK(back.receiver().delivered()[0].size == 100'000);
}

TEST_CASE("the reorder window bounds how far the sender runs ahead of a missing packet",
          "[transport]") {
  NetworkParams params = network(Reliability::kSelectiveRepeat);
  params.transport.reorder_window = 16;
  params.transport.reorder_threshold = 16;  // only the timer
  const ScriptedRun run(params, {100'000}, drop(0));
  REQUIRE(run.finished());
  const std::vector<std::uint32_t> sent = run.sent_psns();
  std::vector<std::uint32_t> expected = count_up(16);
  expected.push_back(0);  // after the timeout, alone
  CHECK(std::vector<std::uint32_t>(sent.begin(), sent.begin() + 17) == expected);
  CHECK(run.records().flows[0].retransmitted == 1);
}

TEST_CASE("a window is not held up by a packet that is missing", "[transport]") {
  // A window of 1.1 round trips, 52 packets. Counted from the oldest unacknowledged packet on, it
  // would be full from packet 62 to the end of the repair, 49 packet times after slot 60.
  NetworkParams params = network(Reliability::kSelectiveRepeat);
  params.transport.congestion_control.none.bdp_multiple = 1.1;
  const ScriptedRun run(params, {200'000}, drop(10));
  REQUIRE(run.finished());
  CHECK(run.receiver().delivered()[0].at.ps() == 201 * kS + 2 * kD);
}

TEST_CASE("lost acknowledgements of either kind do no harm", "[transport]") {
  const auto reliability = GENERATE(Reliability::kGoBackN, Reliability::kSelectiveRepeat);
  const test::Script bad_way_back = [](const Packet& packet, std::uint32_t copy) {
    const bool data = packet.kind() == PacketKind::kData;
    const bool hit = data ? packet.psn % 7 == 3 && copy == 0 : (packet.psn + copy) % 3 != 0;
    return Fate{hit ? Fate::kDrop : Fate::kPass};
  };
  NetworkParams params = network(reliability);
  params.transport.nack_interval = Duration::us(10);
  params.transport.ack_interval = GENERATE(1, 8);
  const ScriptedRun run(params, {30'500, 0, 1, 999, 1000, 1001}, bad_way_back);
  REQUIRE(run.finished());
  std::vector<std::int64_t> sizes;
  for (const auto& delivery : run.receiver().delivered()) sizes.push_back(delivery.size);
  CHECK(sizes == std::vector<std::int64_t>{30'500, 0, 1, 999, 1000, 1001});
  CHECK(run.sender().acked() == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a dead path: retry_limit timeouts are survived, the next ends the queue pair",
          "[transport]") {
  const test::Script dead = [](const Packet&, std::uint32_t) { return Fate{Fate::kDrop}; };
  NetworkParams params = network(GENERATE(Reliability::kGoBackN, Reliability::kSelectiveRepeat));
  params.transport.congestion_control.none.bdp_multiple = 0.001;  // one packet
  const auto failed_at = [&] {
    const ScriptedRun run(params, {5'000}, dead);
    CHECK_FALSE(run.finished());
    const FlowRecord& flow = run.records().flows[0];
    CHECK(flow.packets == static_cast<std::uint64_t>(params.transport.retry_limit) + 1);
    CHECK(flow.timeouts == flow.packets);
    return flow.failed.ps();
  };
  CHECK(failed_at() == 8 * 100'000'000);  // a timer of 100 us: at 0, 100, ... 700, and the last
  params.transport.retry_limit = 3;
  params.transport.rto_backoff = 2.0;
  CHECK(failed_at() == (1 + 2 + 4 + 8) * 100'000'000LL);
}

TEST_CASE("progress resets the retry count and the backoff", "[transport]") {
  // Every packet's first two copies are lost: more timeouts in all than the limit, never more than
  // two in a row. Each packet takes 100 us + 200 us of timers.
  NetworkParams params = network(GENERATE(Reliability::kGoBackN, Reliability::kSelectiveRepeat));
  params.transport.congestion_control.none.bdp_multiple = 0.001;
  params.transport.retry_limit = 2;
  params.transport.rto_backoff = 2.0;
  const ScriptedRun run(params, {10'000}, [](const Packet& packet, std::uint32_t copy) {
    return Fate{packet.kind() == PacketKind::kData && copy < 2 ? Fate::kDrop : Fate::kPass};
  });
  REQUIRE(run.finished());
  CHECK(run.records().flows[0].timeouts == 20);
  CHECK(run.records().flows[0].failed == SimTime::never());
  CHECK(run.receiver().delivered()[0].at.ps() ==
        10 * 300'000'000LL + 10 * (kS + 2 * kD) + 9 * (kA + 2 * kD));
}

TEST_CASE("a timer that never gives up: retry_limit 0", "[transport]") {
  NetworkParams params = network(Reliability::kGoBackN);
  params.transport.retry_limit = 0;
  const ScriptedRun run(params, {1'000}, drop(0, 50));
  REQUIRE(run.finished());
  CHECK(run.records().flows[0].timeouts == 50);
}

TEST_CASE("sent window: what is acknowledged, lost, sent again", "[transport]") {
  SentWindow window(3);
  for (std::uint32_t psn = 0; psn < 8; ++psn) window.note_sent(psn, 100);
  std::int64_t newly = 0;
  CHECK(window.acknowledge(2, newly));
  CHECK_FALSE(window.acknowledge(2, newly));
  CHECK(window.acknowledge(5, newly));
  CHECK(newly == 200);
  CHECK(window.absent_bytes() == 200);
  CHECK_FALSE(window.find_lost());  // two later than 0 and 1, one later than 3 and 4
  CHECK(window.acknowledge(7, newly));
  CHECK(window.find_lost() == 0U);  // and 1: three later; 3 and 4: two
  CHECK(window.absent_bytes() == 500);
  CHECK(window.take_lost() == 0);
  window.note_sent(0, 100);
  CHECK(window.acknowledge(1, newly));  // was late, not lost
  CHECK_FALSE(window.has_lost());
  CHECK(window.absent_bytes() == 400);
  // An answer to 0 may be to either copy: nothing sent between them is lost for it.
  CHECK(window.acknowledge(0, newly));
  CHECK_FALSE(window.find_lost());
  CHECK(window.filler_of(6) == 4U);            // 5 was there: 4 came last
  CHECK(window.acknowledge_before(6) == 200);  // 3 and 4
  CHECK(window.absent_bytes() == 100);         // 7
  window.lose_all();
  CHECK(window.take_lost() == 6);
  CHECK_FALSE(window.has_lost());
}

}  // namespace plait
