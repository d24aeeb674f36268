// SPDX-License-Identifier: Apache-2.0
// Deadlocks of priority flow control: cycles in the graph of paused queues, and a ring of switches
// that runs into one.
#include <catch2/catch.hpp>

#include "models/pause_graph.hpp"
#include "models/shared_buffer.hpp"
#include "tests/support/switch_ring.hpp"

namespace plait {
namespace {

std::vector<std::uint32_t> ports_of(const PauseCycle& cycle) {
  std::vector<std::uint32_t> ports;
  for (const PortId port : cycle.ports) ports.push_back(port.value());
  return ports;
}

PauseGraph graph_of(std::uint32_t vertices,
                    const std::vector<std::pair<std::uint32_t, std::uint32_t>>& waits) {
  PauseGraph graph;
  for (std::uint32_t v = 0; v < vertices; ++v)
    graph.add({PortId(v), 3, SimTime::at(Duration::us(v))});
  for (const auto& [from, to] : waits) graph.add_wait(from, to);
  return graph;
}

using Ports = std::vector<std::uint32_t>;

/// Reserve and headroom of three ports take 101 KB of it, so little is shared.
NetworkParams small_buffers() {
  NetworkParams params = test::bare_network();
  params.switches.buffer = Bytes::kilo(200);
  params.transport.rto = Duration::us(500);
  params.transport.retry_limit = 0;  // NICs would try for ever
  return params;
}

struct Ring : test::FabricRun {
  Ring(std::size_t switches, std::size_t steps, const NetworkParams& params)
      : FabricRun(test::switch_ring(switches), params) {
    simulation().pin_paths(test::clockwise(graph(), steps));
  }
};

}  // namespace

TEST_CASE("the pause graph names one shortest cycle per component", "[deadlock]") {
  CHECK(graph_of(4, {{0, 1}, {1, 2}, {0, 2}, {2, 3}}).cycles().empty());
  // 5 -> 2 -> 4 -> 5 with a detour 4 -> 3 -> 5; 0 -> 5 only leads into it; 1 and 6 hold each other.
  const auto found =
      graph_of(7, {{5, 2}, {2, 4}, {4, 3}, {4, 5}, {3, 5}, {0, 5}, {1, 6}, {6, 1}}).cycles();
  REQUIRE(found.size() == 2);
  CHECK(ports_of(found[0]) == Ports{1, 6});
  CHECK(found[0].since == SimTime::at(Duration::us(6)));
  CHECK(ports_of(found[1]) == Ports{2, 4, 5});
  CHECK(found[1].since == SimTime::at(Duration::us(5)));
  CHECK(found[1].priority == 3);
}

TEST_CASE("the log of cycles knows them again, and sees them dissolve", "[deadlock]") {
  const auto at = [](std::int64_t us) { return SimTime::at(Duration::us(us)); };
  PauseCycleLog log;
  const PauseGraph two = graph_of(3, {{1, 2}, {2, 1}});
  log.update(at(11), Duration::us(10), two);  // formed at 2 us: 9 us old
  CHECK(log.cycles().empty());
  log.update(at(12), Duration::us(10), two);
  REQUIRE(log.cycles().size() == 1);
  // A lower port joins the component: still the same cycle.
  log.update(at(20), Duration::us(10), graph_of(3, {{1, 2}, {2, 1}, {0, 1}, {1, 0}}));
  CHECK(log.cycles().size() == 1);
  CHECK(log.any_stands());
  // Both ports are paused again, but since later: another cycle.
  PauseGraph later;
  later.add({PortId(1), 3, at(21)});
  later.add({PortId(2), 3, at(21)});
  later.add_wait(0, 1);
  later.add_wait(1, 0);
  log.update(at(40), Duration::us(10), later);
  REQUIRE(log.cycles().size() == 2);
  CHECK(log.cycles()[0].resolved == at(40));
  CHECK(log.cycles()[1].since == at(21));
  log.update(at(50), Duration::us(10), {});
  CHECK_FALSE(log.any_stands());
}

TEST_CASE("an ingress stays paused while enough of its bytes cannot leave", "[deadlock]") {
  SwitchParams params;
  params.buffer = Bytes(128'192);  // less 2 x (10,000 headroom + 4096 reserve): 100,000 shared
  SharedBuffer buffer(params, {10'000, 10'000}, 1000);
  while (buffer.enter(0, 3, 1000) != SharedBuffer::Verdict::kAdmittedPause) {
  }
  const std::int64_t all = buffer.ingress_bytes(0, 3);
  CHECK(all > 15'207);  // x >= (100,000 - x) / 8 from x = 11,111 on, reserve 4096
  const auto stays = [&](std::int64_t held) {
    return buffer.stays_paused(0, 3, held, buffer.least_shared(0, 3, held));
  };
  CHECK(stays(all));
  // x = 9904: x + 3072 = 12,976 > (100,000 - 9904) / 8 = 11,262.
  CHECK(buffer.least_shared(0, 3, 14'000) == 9904);
  CHECK(stays(14'000));
  // x = 7904: 10,976 <= 11,512.
  CHECK_FALSE(stays(12'000));
  CHECK_FALSE(stays(4096));
}

TEST_CASE("a ring of switches with routes all round deadlocks, and the cycle is named",
          "[deadlock]") {
  const std::size_t count = GENERATE(std::size_t{3}, std::size_t{4});
  // Each ring link carries count - 1 flows of 100 Gb/s, and every switch waits for the next.
  std::vector<std::uint64_t> fingerprints;
  for (const unsigned threads : {1U, 3U}) {
    CAPTURE(count, threads);
    Ring run(count, count - 1, small_buffers());
    REQUIRE(run.run(test::clockwise_flows(count, count - 1, Bytes::mega(1)), threads) ==
            RunEnd::kDeadlock);
    REQUIRE(run.records().pause_cycles.size() == 1);
    const PauseCycle& cycle = run.records().pause_cycles[0];
    CHECK(test::names(run.graph(), cycle) == (count == 3 ? "s0 s1 s2" : "s0 s1 s2 s3"));
    CHECK(cycle.priority == 3);
    CHECK(cycle.resolved == SimTime::never());
    // A flow's 1 MB takes 84 us alone; the buffers of the whole ring hold 0.8 MB of 4.
    CHECK(cycle.since < SimTime::at(Duration::us(200)));
    // Found at the first event after a whole millisecond at which it has stood for one; retries
    // give an event every 0.5 ms.
    const Duration stood = run.records().totals.end - cycle.since;
    CHECK(stood >= Duration::ms(1));
    CHECK(stood < Duration::us(2500));
    CHECK(run.records().totals.drops == 0);
    fingerprints.push_back(run.records().totals.fingerprint);
  }
  CHECK(fingerprints[0] == fingerprints[1]);
}

TEST_CASE("the same ring with shortest paths, or large buffers, does not", "[deadlock]") {
  SECTION("shortest paths: three switches, one step back") {
    test::FabricRun run(test::switch_ring(3), small_buffers());
    CHECK(run.run(test::clockwise_flows(3, 2, Bytes::mega(1))) == RunEnd::kFinished);
    CHECK(run.records().pause_cycles.empty());
  }
  SECTION("buffers that hold all flows") {
    NetworkParams params = small_buffers();
    params.switches.buffer = Bytes::mega(40);
    Ring run(4, 3, params);
    CHECK(run.run(test::clockwise_flows(4, 3, Bytes::mega(1))) == RunEnd::kFinished);
    CHECK(run.records().pause_cycles.empty());
  }
}

TEST_CASE("a deadlock is found at the end of the run where nobody looked before", "[deadlock]") {
  NetworkParams params = small_buffers();
  params.transport.retry_limit = 3;  // NICs give up, and nothing is left to happen
  Ring run(4, 3, params);
  RunOptions options;
  options.deadlock_check = Duration();
  REQUIRE(run.run(test::clockwise_flows(4, 3, Bytes::mega(1)), options) == RunEnd::kDeadlock);
  CHECK(run.records().pause_cycles.size() == 1);
}

TEST_CASE("the watchdog breaks a deadlock: the log says so, and all data arrive", "[deadlock]") {
  NetworkParams params = small_buffers();
  params.switches.pfc.watchdog = {true, Duration::us(600), Duration::us(300),
                                  WatchdogAction::kDrop};
  params.transport.rto = Duration::us(100);  // events between which to look
  Ring run(4, 3, params);
  RunOptions options;
  options.deadlock_check = Duration::us(100);
  REQUIRE(run.run(test::clockwise_flows(4, 3, Bytes::mega(1)), options) == RunEnd::kFinished);
  REQUIRE_FALSE(run.records().pause_cycles.empty());
  for (const PauseCycle& cycle : run.records().pause_cycles) {
    // The first of its pauses is stuck 600 us after it began, which a check sees within 200 us.
    CHECK(cycle.resolved - cycle.since <= Duration::us(800));
    CHECK(cycle.resolved - cycle.since >= Duration::us(100));
  }
  CHECK(run.records().totals.watchdog_drops > 0);
  for (std::uint32_t host = 0; host < 4; ++host)
    CHECK(run.process(host).received_bytes() == Bytes::mega(1));
}

}  // namespace plait
