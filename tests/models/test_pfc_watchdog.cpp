// SPDX-License-Identifier: Apache-2.0
// The PFC watchdog: its states, and what it does to a fabric whose last link is too slow.
#include <catch2/catch.hpp>
#include <map>
#include <utility>

#include "models/pfc_watchdog.hpp"
#include "tests/support/fabric_run.hpp"

namespace plait {
namespace {

using Queues = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

Queues run_at(PfcWatchdog& watchdog, std::int64_t now) {
  Queues stuck;
  watchdog.run(now, [&](std::uint32_t port, std::uint32_t q) { stuck.emplace_back(port, q); });
  return stuck;
}

WatchdogParams watch(WatchdogAction action) {
  return {true, Duration::us(20), Duration::us(30), action};
}

/// Two hosts send through switch a to switch b, whose link to host c is 50 times slower: b pauses a
/// for about as long as c's link needs for 16 KB, 131 us.
test::FabricRun slow_receiver(NetworkParams params) {
  FabricGraph graph;
  const NodeId h0 = graph.add_host("h0", 1), h1 = graph.add_host("h1", 1);
  const NodeId c = graph.add_host("c", 1);
  const NodeId a = graph.add_switch("a", 1), b = graph.add_switch("b", 1);
  const LinkSpec fast{.rate = BitRate::gbps(50), .delay = Duration::ns(500)};
  graph.connect(h0, a, fast);
  graph.connect(h1, a, fast);
  graph.connect(a, b, fast);
  graph.connect(b, c, {.rate = BitRate::gbps(1), .delay = Duration::ns(500)});
  graph.finalize();
  params.switches.buffer = Bytes::kilo(400);
  params.switches.pfc.resume_offset = Bytes(16'000);
  params.record_pauses = true;
  return {std::move(graph), params};
}

/// Times that a queue got stuck, from the log of frames alone: a pause that lasts 20 us, unless the
/// queue was still stuck, that is until 30 us without a pause.
std::uint64_t stuck_in_log(const FabricGraph& graph, const std::vector<PauseRecord>& log,
                           SimTime end) {
  std::map<std::pair<NodeId, std::uint32_t>, std::vector<PauseRecord>> by_port;
  for (const PauseRecord& frame : log)
    if (graph.node(frame.node).kind == NodeKind::kSwitch)
      by_port[{frame.node, frame.port}].push_back(frame);
  std::uint64_t count = 0;
  for (const auto& [port, frames] : by_port) {
    bool stuck = false;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const SimTime next = i + 1 < frames.size() ? frames[i + 1].time : end;
      const Duration length = next - frames[i].time;
      if (frames[i].pause && !stuck && length >= Duration::us(20)) {
        stuck = true;
        ++count;
      }
      if (!frames[i].pause && length >= Duration::us(30)) stuck = false;
    }
  }
  return count;
}

}  // namespace

TEST_CASE("watchdog: stuck after detection, normal again after restoration", "[watchdog]") {
  PfcWatchdog dog(watch(WatchdogAction::kDrop), 2);
  constexpr std::int64_t kUs = 1'000'000;
  CHECK(dog.due_ps() == INT64_MAX);
  CHECK(dog.on_frame(5 * kUs, 1, 3, true));
  CHECK(dog.due_ps() == 25 * kUs);
  CHECK_FALSE(dog.on_frame(24 * kUs, 1, 3, false));  // in time
  CHECK(dog.on_frame(24 * kUs + 1, 1, 3, true));
  CHECK(run_at(dog, 25 * kUs).empty());
  CHECK(dog.due_ps() == 44 * kUs + 1);
  CHECK(run_at(dog, 44 * kUs + 1) == Queues{{1, 3}});
  CHECK(dog.drops(1, 3));
  CHECK_FALSE(dog.drops(1, 4));
  CHECK(dog.due_ps() == INT64_MAX);
  CHECK_FALSE(dog.on_frame(50 * kUs, 1, 3, false));
  CHECK(dog.on_frame(79 * kUs, 1, 3, true));  // before 80: stuck again, and not counted anew
  CHECK(run_at(dog, 80 * kUs).empty());
  CHECK(dog.drops(1, 3));
  CHECK_FALSE(dog.on_frame(90 * kUs, 1, 3, false));
  CHECK(dog.dropping());
  CHECK(run_at(dog, 120 * kUs).empty());
  CHECK_FALSE(dog.dropping());
}

TEST_CASE("watchdog: when it forwards, a stuck queue ignores pauses", "[watchdog]") {
  PfcWatchdog dog(watch(WatchdogAction::kForward), 1);
  CHECK(dog.on_frame(0, 0, 3, true));
  CHECK(run_at(dog, 20'000'000) == Queues{{0, 3}});
  CHECK_FALSE(dog.dropping());
  CHECK_FALSE(dog.on_frame(21'000'000, 0, 3, false));
  CHECK_FALSE(dog.on_frame(22'000'000, 0, 3, true));
}

TEST_CASE("watchdog: triggers as often as the log of pauses says, and drops", "[watchdog]") {
  NetworkParams params = test::bare_network();
  params.transport.rto = Duration::us(400);
  params.transport.retry_limit = 0;
  SECTION("off: lossless") {
    test::FabricRun run = slow_receiver(params);
    REQUIRE(run.run({{0, 2, Bytes(500'000)}, {1, 2, Bytes(500'000)}}) == RunEnd::kFinished);
    const RunTotals& totals = run.records().totals;
    CHECK(stuck_in_log(run.graph(), run.records().pauses, totals.end) > 0);
    CHECK(totals.watchdog_triggers + totals.watchdog_drops + totals.drops == 0);
  }
  SECTION("drop") {
    params.switches.pfc.watchdog = watch(WatchdogAction::kDrop);
    test::FabricRun run = slow_receiver(params);
    REQUIRE(run.run({{0, 2, Bytes(500'000)}, {1, 2, Bytes(500'000)}}) == RunEnd::kFinished);
    const RunTotals& totals = run.records().totals;
    CHECK(totals.watchdog_triggers == stuck_in_log(run.graph(), run.records().pauses, totals.end));
    CHECK(totals.watchdog_drops > totals.watchdog_triggers);
    CHECK(totals.drops == 0);
    CHECK(run.process(2).received_bytes() == Bytes(1'000'000));
  }
  SECTION("forward") {
    params.switches.pfc.watchdog = watch(WatchdogAction::kForward);
    test::FabricRun run = slow_receiver(params);
    REQUIRE(run.run({{0, 2, Bytes(500'000)}, {1, 2, Bytes(500'000)}}) == RunEnd::kFinished);
    const RunTotals& totals = run.records().totals;
    CHECK(totals.watchdog_triggers > 0);
    CHECK(totals.watchdog_drops == 0);
    CHECK(totals.lossless_drops > 0);  // what a pause was to prevent
    CHECK(totals.lossless_drops == totals.drops);
    CHECK(run.process(2).received_bytes() == Bytes(1'000'000));
  }
}

TEST_CASE("the log of pauses is complete and in order", "[pfc]") {
  test::FabricRun run = slow_receiver(test::bare_network());
  REQUIRE(run.run({{0, 2, Bytes(500'000)}, {1, 2, Bytes(500'000)}}) == RunEnd::kFinished);
  std::uint64_t pauses = 0, resumes = 0;
  SimTime last;
  bool hosts = false, switches = false;
  for (const PauseRecord& frame : run.records().pauses) {
    ++(frame.pause ? pauses : resumes);
    CHECK(frame.time >= last);
    CHECK(frame.priority == 3);
    last = frame.time;
    const bool host = run.graph().node(frame.node).kind == NodeKind::kHost;
    hosts |= host;
    switches |= !host;
  }
  CHECK(pauses == run.records().totals.pfc_pauses);
  CHECK(resumes == pauses);  // every queue is empty in the end
  CHECK(hosts);
  CHECK(switches);
}

TEST_CASE("a pause frame of 0 bytes takes no time on the wire", "[pfc]") {
  NetworkParams params = test::bare_network();
  params.switches.pfc.frame = Bytes(0);
  test::FabricRun run = slow_receiver(params);
  REQUIRE(run.run({{0, 2, Bytes(200'000)}, {1, 2, Bytes(200'000)}}) == RunEnd::kFinished);
  CHECK(run.records().totals.pfc_pauses > 0);
  CHECK(run.records().totals.drops == 0);
  // The link from a to h0 carries ACKs of 50 bytes and pause frames of none.
  const FabricGraph& graph = run.graph();
  const LinkRecord& link = run.records().links[graph.port(graph.switches()[0], 0).index()];
  CHECK(link.wire_bytes.count() == 200 * 50);
  CHECK(link.packets > 200);
}

}  // namespace plait
