// SPDX-License-Identifier: Apache-2.0
// Properties of the packet model on random fabrics and random traffic: nothing is lost with PFC,
// nothing is lost or doubled end to end without it, and neither threads, nor the length of windows,
// nor the switches' lazy catching-up show in the results.
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "tests/properties/random_network.hpp"

namespace plait {
namespace {

using namespace test;

// Over several paths a message can be faster than the ideal, which is that of one path.
void check_everything_arrived(const FabricRun& run, const std::vector<FlowSpec>& flows,
                              bool one_path = true) {
  check_delivered_once(run, flows);
  for (const MessageRecord& m : run.records().messages) {
    if (one_path) CHECK(m.delivered >= m.posted + m.ideal);
    CHECK(m.acked > m.delivered);
  }
}

}  // namespace

TEST_CASE("PFC with enough headroom never drops, and every byte arrives") {
  std::uint64_t pauses = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random);
    params.switches.pfc.priorities = "3 6";  // control frames are lossless too
    params.transport.rto = Duration::s(1);   // a pause is not a loss
    shrink_buffer(params, graph);
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    CHECK(run.records().totals.drops == 0);
    CHECK(run.records().totals.retransmitted == 0);
    check_everything_arrived(run, flows);
    pauses += run.records().totals.pfc_pauses;
  }
  CHECK(pauses > 500);  // the property was put to the test (924 when written)
}

TEST_CASE("too little headroom drops: the accounting is not just generous") {
  FabricParts parts;
  parts.host = {1, 1};
  NetworkParams params = test::bare_network();
  params.switches.pfc.headroom = Bytes(2000);
  params.switches.buffer = Bytes::kilo(200);
  FabricRun run(build(SingleSwitchParams{9}, parts), params);
  std::vector<FlowSpec> flows;
  for (std::uint32_t i = 1; i < 9; ++i) flows.push_back({i, 0, Bytes(300'000)});
  REQUIRE(run.run(flows) == RunEnd::kFinished);
  CHECK(run.records().totals.drops > 0);
  check_everything_arrived(run, flows);
}

TEST_CASE("without PFC packets are dropped, and every message still arrives exactly once") {
  std::uint64_t drops = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random);
    params.switches.pfc.enabled = false;
    params.switches.buffer = Bytes::kilo(random.between(20, 200));
    params.transport.rto = Duration::us(200);
    params.transport.nack_interval = Duration::us(50);
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    check_everything_arrived(run, flows);
    drops += run.records().totals.drops;
  }
  CHECK(drops > 1000);
}

TEST_CASE("under random loss on links every message arrives exactly once") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random);
    params.wire.loss = 0.02;
    params.transport.rto = Duration::us(200);
    params.transport.nack_interval = Duration::us(20);
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    CHECK(run.records().totals.retransmitted > 0);
    check_everything_arrived(run, flows);
  }
}

TEST_CASE("any lanes and recovery: under loss and drops every message arrives exactly once") {
  std::uint64_t drops = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_streams(random, graph.hosts().size());
    NetworkParams params = random_network(random);
    random_transport(random, params.transport);
    params.switches.pfc.enabled = seed % 2 == 0;
    params.switches.buffer = Bytes::kilo(params.switches.pfc.enabled ? 20'000 : 50);
    params.wire.loss = 0.02;
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    CHECK(run.records().totals.retransmitted > 0);
    check_everything_arrived(run, flows, params.transport.queue_pairs == 1);
    drops += run.records().totals.drops;
  }
  CHECK(drops > 1000);
}

TEST_CASE(
    "spraying with selective repeat: every message arrives exactly once, nothing is repeated") {
  std::uint64_t repeated_with_loss = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_multipath(random);
    const auto flows = random_streams(random, graph.hosts().size());
    NetworkParams params = random_network(random);
    random_transport(random, params.transport);
    params.transport.reliability = Reliability::kSelectiveRepeat;
    params.transport.reorder_threshold = 0;
    params.transport.rto = seed % 2 == 0 ? Duration::us(200) : Duration::s(1);
    params.switches.load_balancing.kind =
        random.any_of({LoadBalancing::kRandom, LoadBalancing::kRoundRobin});
    params.wire.loss = seed % 2 == 0 ? 0.02 : 0.0;
    params.switches.buffer = Bytes::kilo(50'000);
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    check_everything_arrived(run, flows, false);
    const RunTotals& totals = run.records().totals;
    if (params.wire.loss == 0.0) CHECK(totals.retransmitted == 0);  // late is not lost
    repeated_with_loss += totals.retransmitted;
  }
  CHECK(repeated_with_loss > 1000);
}

TEST_CASE("any lanes and recovery: threads and window length do not show") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto fingerprint = [&](unsigned threads, Duration max_window) {
      Random random(seed);
      FabricGraph graph = random_fabric(random);
      const auto flows = random_streams(random, graph.hosts().size());
      NetworkParams params = random_network(random);
      random_transport(random, params.transport);
      params.switches.load_balancing.kind =
          random.any_of({LoadBalancing::kEcmp, LoadBalancing::kRandom});
      params.switches.forwarding =
          random.any_of({Forwarding::kStoreAndForward, Forwarding::kCutThrough});
      params.wire.loss = seed % 2 == 0 ? 0.02 : 0.0;
      FabricRun run(std::move(graph), params);
      REQUIRE(run.run(flows, threads, SimTime::never(), max_window) == RunEnd::kFinished);
      return run.records().totals.fingerprint;
    };
    const std::uint64_t reference = fingerprint(1, Duration::max());
    CHECK(fingerprint(2, Duration::max()) == reference);
    CHECK(fingerprint(3, Duration::max()) == reference);
    CHECK(fingerprint(8, Duration::max()) == reference);
    CHECK(fingerprint(1, Duration::ns(37)) == reference);
  }
}

TEST_CASE("threads, window length and lazy catching-up do not show") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const auto fingerprint = [&](unsigned threads, Duration max_window, bool always) {
      Random random(seed);
      FabricGraph graph = random_fabric(random);
      const auto flows = random_flows(random, graph.hosts().size());
      NetworkParams params = random_network(random);
      params.transport.rto = Duration::us(300);
      if (seed % 4 != 0) shrink_buffer(params, graph);
      if (seed % 3 == 0) params.wire.loss = 0.001;
      params.plain_paths = always;
      FabricRun run(std::move(graph), params);
      REQUIRE(run.run(flows, threads, SimTime::never(), max_window) == RunEnd::kFinished);
      return run.records().totals.fingerprint;
    };
    const std::uint64_t reference = fingerprint(1, Duration::max(), false);
    CHECK(fingerprint(2, Duration::max(), false) == reference);
    CHECK(fingerprint(3, Duration::max(), false) == reference);
    CHECK(fingerprint(8, Duration::max(), false) == reference);
    CHECK(fingerprint(1, Duration::ns(37), false) == reference);
    CHECK(fingerprint(1, Duration::max(), true) == reference);
  }
}

TEST_CASE("whatever balances the load, threads, window length and lazy catching-up do not show") {
  // Every kind of the switches, each with every kind of the NICs.
  for (std::uint64_t seed = 0; seed < 56; ++seed) {
    CAPTURE(seed);
    const auto fingerprint = [&](unsigned threads, Duration max_window, bool always) {
      Random random(seed);
      FabricGraph graph = random_multipath(random);
      const auto flows = random_flows(random, graph.hosts().size());
      NetworkParams params = random_network(random);
      params.transport.rto = Duration::us(300);
      params.transport.nack_interval = Duration::us(20);
      params.transport.cnp_mode = CnpMode::kAckEcho;
      LoadBalancingParams& balancing = params.switches.load_balancing;
      balancing.kind = static_cast<LoadBalancing>(seed % 7);
      balancing.hash_seed = random.any_of({HashSeed::kPerSwitch, HashSeed::kShared});
      balancing.flowlet_gap = Duration::ns(random.any_of({0, 500, 5000}));
      balancing.flowlet_entries = random.any_of({1, 16, 4096});
      balancing.samples = random.any_of({0, 2});
      balancing.load_quantum = Duration::ns(random.any_of({0, 200}));
      params.transport.entropy.kind = static_cast<EntropyKind>(seed / 7 % 4);
      params.transport.entropy.paths = random.any_of({2, 64});
      params.transport.reliability =
          random.any_of({Reliability::kGoBackN, Reliability::kSelectiveRepeat});
      if (seed % 3 != 0) shrink_buffer(params, graph);
      if (seed % 5 == 0) params.wire.loss = 0.001;
      params.plain_paths = always;
      FabricRun run(std::move(graph), params);
      REQUIRE(run.run(flows, threads, SimTime::never(), max_window) == RunEnd::kFinished);
      check_everything_arrived(run, flows, false);
      return run.records().totals.fingerprint;
    };
    const std::uint64_t reference = fingerprint(1, Duration::max(), false);
    CHECK(fingerprint(2, Duration::max(), false) == reference);
    CHECK(fingerprint(8, Duration::max(), false) == reference);
    CHECK(fingerprint(1, Duration::ns(37), false) == reference);
    CHECK(fingerprint(1, Duration::max(), true) == reference);
  }
}

TEST_CASE("with headroom below a packet, lazy catching-up still does not show") {
  // Found in review: the rule for drops was stricter than surely_quiet() for packets in the
  // reserve.
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const auto run_with = [&](bool always) {
      Random random(seed);
      FabricGraph graph = random_fabric(random);
      const auto flows = random_flows(random, graph.hosts().size());
      NetworkParams params = random_network(random);
      params.transport.rto = Duration::us(300);
      params.switches.pfc.headroom = Bytes(random.between(1, 500));
      params.switches.buffer = Bytes::kilo(random.between(200, 400));
      params.plain_paths = always;
      FabricRun run(std::move(graph), params);
      REQUIRE(run.run(flows) == RunEnd::kFinished);
      check_everything_arrived(run, flows);
      return run.records().totals.fingerprint;
    };
    CHECK(run_with(false) == run_with(true));
  }
}

TEST_CASE("coalesced acknowledgements neither stall a window nor cause timeouts") {
  // A window of one bandwidth-delay product holds fewer packets than an ACK interval: the sender
  // asks.
  const std::int64_t interval = GENERATE(2, 16, 1024);
  NetworkParams params = test::bare_network();
  params.transport.ack_interval = interval;
  params.transport.congestion_control.none.bdp_multiple = GENERATE(0.0, 1.0);
  FabricParts parts;
  parts.host = {1, 1};
  FabricRun run(build(SingleSwitchParams{2}, parts), params);
  REQUIRE(run.run({{0, 1, Bytes(4'000'000)}}) == RunEnd::kFinished);
  CHECK(run.records().totals.timeouts == 0);
  // 4000 packets of 84 ns on two hops of 1 us; an ACK too late costs a round trip, not a timeout.
  CHECK(run.process(1).last_received().ps() < 4000 * 84'000 * 2);
}

TEST_CASE("links too slow for the engine, and buffers that admit nothing, are refused") {
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link.rate = BitRate::mbps(1);
  const FabricGraph slow = build(SingleSwitchParams{2}, parts);
  CHECK_THROWS_WITH(Simulation(slow, RouteTable(slow), test::bare_network()),
                    Catch::Contains("is too slow: a frame of 1050 bytes takes 8.4ms"));
  parts.host_link.rate = BitRate::gbps(100);
  const FabricGraph graph = build(SingleSwitchParams{2}, parts);
  NetworkParams params = test::bare_network();
  params.switches.pfc.reserve = Bytes(0);
  params.switches.pfc.headroom = Bytes(500);
  params.switches.buffer = Bytes(8'000);
  CHECK_THROWS_WITH(Simulation(graph, RouteTable(graph), params),
                    Catch::Contains("even an idle switch would drop a packet of 1050 bytes"));
}

TEST_CASE("a run that ends before its time limit has finished; a cut one ends at the limit") {
  FabricParts parts;
  parts.host = {1, 1};
  const auto run_until = [&](std::int64_t us, SimTime& end) {
    FabricRun run(build(SingleSwitchParams{2}, parts), test::bare_network());
    const RunEnd how = run.run({{0, 1, Bytes(100'000)}}, 1, SimTime::at(Duration::us(us)));
    end = run.records().totals.end;
    return how;
  };
  SimTime end;
  CHECK(run_until(500, end) == RunEnd::kFinished);
  CHECK(end < SimTime::at(Duration::us(20)));
  CHECK(run_until(5, end) == RunEnd::kTimeLimit);
  CHECK(end == SimTime::at(Duration::us(5)));
  // Also where nothing happens between the last window and the limit: the first packet of the flow
  // is 84 ns long, its ACK comes back after 4.176 us; at 2 us the network holds packets, no entity
  // a wish.
  CHECK(run_until(2, end) == RunEnd::kTimeLimit);
  CHECK(end == SimTime::at(Duration::us(2)));
}

}  // namespace plait
