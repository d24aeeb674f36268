// SPDX-License-Identifier: Apache-2.0
// Small cases by hand; LogGOPSim's own results are in tests/validation/test_loggops.cpp.
#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "models/loggops/expand.hpp"
#include "models/loggops/simulator.hpp"
#include "tests/models/rank_world.hpp"
#include "workloads/goal/reader.hpp"

using namespace plait;
using testing::Script;
using testing::workload_of;
using testing::World;

namespace {

Workload goal(const std::string& text) {
  std::ofstream("loggops.goal") << text;
  return load_goal_workload("loggops.goal");
}

constexpr Duration ns(std::int64_t n) { return Duration::ns(n); }
SimTime at_ns(std::int64_t n) { return SimTime::at(ns(n)); }

// L = 1000, o = 100, g = 50, G = 2 per byte, O = 0; rendezvous above 1000 bytes.
LogGopsParams params() { return {ns(1000), ns(100), ns(50), ns(2), Duration{}, Bytes(1000)}; }

LogGopsSimulator run(const Workload& workload) {
  LogGopsSimulator simulator(workload, params(), GpuParams(), SimTime::zero());
  simulator.run(SimTime::never());
  return simulator;
}

}  // namespace

// o + L, then o + (s - 1) G at the receiver: 100 + 1000 + 100 + 10 * 2 = 1220.
TEST_CASE("LogGOPS: one message", "[loggops]") {
  const Workload w = goal("num_ranks 2 rank 0 {\nsend 11b to 1\n} rank 1 {\nrecv 11b from 0\n}");
  const LogGopsSimulator simulator = run(w);
  CHECK(simulator.finish(RankId(0)) == at_ns(100));
  CHECK(simulator.finish(RankId(1)) == at_ns(1220));
  CHECK(simulator.messages() == 1);
}

// The second send starts when the NIC is free, at max(o, g + 10 G) = 100 (CPU) or 70 (NIC); with
// 101 bytes at g + 100 G = 250. It arrives at 250 + 1100; the first keeps the CPU of the receiver
// until 1100 + 100 + 200 = 1400: then o + 200 follow.
TEST_CASE("LogGOPS: gaps at the sender, CPU of the receiver", "[loggops]") {
  const Workload w = goal(
      "num_ranks 2 rank 0 {\nsend 101b to 1\nsend 101b to 1\n} rank 1 {\nrecv 101b from 0\n"
      "recv 101b from 0\n}");
  const LogGopsSimulator simulator = run(w);
  CHECK(simulator.op_start(RankId(0), OpId(1)) == at_ns(250));
  CHECK(simulator.finish(RankId(1)) == at_ns(1700));
}

// 1001 bytes wait for their receive. The message comes at 1100, the calc of 9000 has the CPU, so it
// is handled at 9000: nobody has asked for it yet. The receive is posted at 9000, too, and frees
// the sender then. The message keeps the CPU until 9000 + 100 + 1000 * 2.
TEST_CASE("LogGOPS: a rendezvous send ends with the match", "[loggops]") {
  const Workload w = goal(
      "num_ranks 2 rank 0 {\na: send 1001b to 1\nb: calc 5\nb requires a\n} rank 1 {\n"
      "a: calc 9000\nb: recv 1001b from 0\nb requires a\n}");
  const LogGopsSimulator simulator = run(w);
  REQUIRE(simulator.finished());
  CHECK(simulator.op_start(RankId(1), OpId(1)) == at_ns(9000));
  CHECK(simulator.op_end(RankId(0), OpId(0)) == at_ns(9000));
  CHECK(simulator.finish(RankId(0)) == at_ns(9005));
  CHECK(simulator.finish(RankId(1)) == at_ns(11100));
}

// Eager: at 1000 bytes the send ends after o.
TEST_CASE("LogGOPS: an eager send ends at once", "[loggops]") {
  const Workload w = goal(
      "num_ranks 2 rank 0 {\na: send 1000b to 1\nb: calc 5\nb requires a\n} rank 1 {\n"
      "a: calc 9000\nb: recv 1000b from 0\nb requires a\n}");
  CHECK(run(w).finish(RankId(0)) == at_ns(105));
}

// The receive with a wildcard was posted first and takes the first message that comes, from rank 2;
// the exact receives take theirs.
TEST_CASE("LogGOPS: wildcards match in the order of posting", "[loggops]") {
  const Workload w = goal(
      "num_ranks 3 rank 0 {\na: recv 8b from -1 tag -1\nb: recv 8b from 1 tag 7\nc: calc 1\n"
      "c requires a\nd: calc 1 cpu 1\nd requires b\n} rank 1 {\na: calc 5000\nb: send 8b to 0 tag 7"
      "\nb requires a\n} rank 2 {\nsend 8b to 0 tag 3\n}");
  const LogGopsSimulator simulator = run(w);
  REQUIRE(simulator.finished());
  CHECK(simulator.op_end(RankId(0), OpId(0)) == at_ns(100 + 1000 + 100 + 14));
  CHECK(simulator.op_end(RankId(0), OpId(1)) == at_ns(5000 + 100 + 1000 + 100 + 14));
}

// The calc requires the receive (which waits for 5000 + ...), irequires only its start.
TEST_CASE("LogGOPS: irequires waits for the start only", "[loggops]") {
  const std::string text =
      "num_ranks 2 rank 0 {\na: recv 8b from 1\nb: calc 30\nb KIND a\n} rank 1 {\na: calc 5000\n"
      "b: send 8b to 0\nb requires a\n}";
  const auto finish_of_calc = [&](const std::string& kind) {
    std::string one = text;
    return run(goal(one.replace(one.find("KIND"), 4, kind))).op_end(RankId(0), OpId(1));
  };
  CHECK(finish_of_calc("requires") == at_ns(5000 + 100 + 1000 + 100 + 14 + 30));
  CHECK(finish_of_calc("irequires") == at_ns(30));
}

// LogGOPSim starts the second calc when its own CPU is free, at 0, though it requires the first.
TEST_CASE("LogGOPS: a dependency holds across CPUs", "[loggops]") {
  const Workload w =
      goal("num_ranks 1 rank 0 {\na: calc 40\nb: calc 2 cpu 1\nb requires a\nc: calc 50\n}");
  const LogGopsSimulator simulator = run(w);
  CHECK(simulator.op_start(RankId(0), OpId(1)) == at_ns(40));
  CHECK(simulator.finish(RankId(0)) == at_ns(90));
}

TEST_CASE("LogGOPS: who waits is said", "[loggops]") {
  const Workload w = goal(
      "num_ranks 2 rank 0 {\na: recv 8b from 1\nb: send 8b to 1\nb requires a\n} rank 1 {\n"
      "a: recv 8b from -1 tag 4\nb: send 8b to 0\nb requires a\n}");
  const LogGopsSimulator simulator = run(w);
  CHECK(simulator.at_rest());
  CHECK(!simulator.finished());
  CHECK(simulator.stuck_report() ==
        "\n  rank 0, op 'a' (id 2): waits for a message from rank 1, tag 0, 8B"
        "\n  rank 1, op 'a' (id 6): waits for a message from any rank, tag 4, 8B");
}

// A ring all-reduce of n ranks is 2 (n - 1) rounds of c(D / n), c(s) = L + 2 o + (s - 1) G, as the
// schedules of LogGOPSim's schedgen; here expanded from one collective op. Then a second call.
TEST_CASE("LogGOPS: collectives become the messages of their schedules", "[loggops]") {
  std::vector<Script> scripts(4);
  for (Script& script : scripts) {
    script.compute(ns(10));
    script.collective(CollectiveKind::kAllReduce, Bytes(400));
    script.collective(CollectiveKind::kAllReduce, Bytes(400), 0, 1);
  }
  const Workload original = workload_of(scripts);
  CollectiveParams costs;
  costs.channels = 1;
  World world(original, costs, {0, 1, 2, 3});
  const ExpandedWorkload expanded = expand_collectives(world.job(), original);
  LogGopsSimulator simulator(expanded.workload, params(), GpuParams(), SimTime::zero());
  simulator.run(SimTime::never());
  REQUIRE(simulator.finished());
  const std::int64_t c = 1000 + 2 * 100 + 99 * 2;
  for (std::size_t rank = 0; rank < 4; ++rank) {
    CHECK(simulator.finish(RankId(rank)) == at_ns(10 + 2 * 6 * c));
    CHECK(expanded.origin[rank].front() == OpId(0));
    CHECK(expanded.origin[rank].back() == OpId(2));
  }
}

// The same graph on the ranks of the packet model: 1 ns per byte, 1 us of latency.
TEST_CASE("ranks: an op may wait for the start of another", "[rank]") {
  const Workload w = goal(
      "num_ranks 2 rank 0 {\na: recv 8b from 1\nb: calc 30\nb irequires a\n} rank 1 {\n"
      "a: calc 5000\nb: send 8b to 0\nb requires a\n}");
  World world(w, {});
  world.run();
  REQUIRE(world.all_finished());
  CHECK(world.rank(0).op_records()[1].end == at_ns(30));
}

// b waits for a message; the CPU takes c and d before it, one at a time. In an in-order stream both
// would wait for b.
TEST_CASE("ranks: a processor takes what is ready", "[rank]") {
  const Workload w = goal(
      "num_ranks 2 rank 0 {\na: recv 8b from 1\nb: calc 30\nb requires a\nc: calc 10\nd: calc 20\n"
      "e: calc 5 cpu 1\n} rank 1 {\na: calc 5000\nb: send 8b to 0\nb requires a\n}");
  World world(w, {});
  world.run();
  REQUIRE(world.all_finished());
  std::vector<std::int64_t> ends;  // by start, then op
  for (const OpRecord& record : world.rank(0).op_records()) ends.push_back(record.end.ps() / 1000);
  CHECK(ends == std::vector<std::int64_t>{6008, 10, 5, 30, 6038});
}

TEST_CASE("ranks: wildcards are refused", "[rank]") {
  const Workload w = goal("num_ranks 2 rank 0 {\nrecv 8b from -1\n} rank 1 {\nsend 8b to 0\n}");
  CHECK_THROWS_WITH(World(w, {}), Catch::Contains("only run.fidelity loggops takes wildcards"));
}
