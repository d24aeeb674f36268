// SPDX-License-Identifier: Apache-2.0
// The fast paths (switches that serve a calm window port by port, groups with clocks) against the
// plain ones: the same bytes in every figure of every link.
#include <algorithm>

#include "tests/properties/random_network.hpp"

namespace plait {
namespace {

using test::Random;

struct Outcome {
  RunTotals totals;
  std::vector<LinkRecord> links;
};

// Buffers from ample to tight, several priorities that share by weight or strictly, congestion
// control with and without telemetry, lossy classes with limits, routes drawn by packet or by load.
NetworkParams random_params(Random& random, const FabricGraph& graph) {
  NetworkParams p = test::random_network(random);
  p.transport.rto = Duration::us(300);
  p.transport.congestion_control.kind =
      random.any_of({CcKind::kNone, CcKind::kDcqcn, CcKind::kHpcc, CcKind::kDctcp});
  if (p.transport.congestion_control.kind == CcKind::kHpcc) p.transport.ack_interval = 1;
  p.transport.control_priority = random.any_of({1, 3, 6});
  p.transport.data_priority = random.any_of({2, 3});
  if (random.between(0, 1) == 0) {
    p.transport.reliability = Reliability::kSelectiveRepeat;
    p.switches.load_balancing.kind = random.any_of(
        {LoadBalancing::kRandom, LoadBalancing::kRoundRobin, LoadBalancing::kWeightedEcmp,
         LoadBalancing::kFlowlet, LoadBalancing::kAdaptive, LoadBalancing::kAdaptiveFlowlet});
  }
  p.switches.strict_from = random.any_of({0, 3, 6, 8});
  p.switches.dwrr_weights = random.between(0, 1) == 0 ? "1 1 1 1 1 1 1 1" : "1 7 2 1 1 1 1 1";
  p.switches.pfc.priorities = random.any_of({"3", "2 3", "1 2 3", "6"});
  p.switches.lossy_port_limit = Bytes(random.any_of({0, 60'000}));
  p.switches.ecn.by_priority = "2:5KB:20KB:0.5";
  if (random.between(0, 2) == 0) test::shrink_buffer(p, graph);
  return p;
}

Outcome run_with(std::uint64_t seed, bool plain, unsigned threads) {
  Random random(seed);
  FabricGraph graph = test::random_fabric(random);
  const auto flows = test::random_flows(random, graph.hosts().size());
  NetworkParams params = random_params(random, graph);
  params.plain_paths = plain;
  test::FabricRun run(std::move(graph), params);
  REQUIRE(run.run(flows, threads, SimTime::at(Duration::ms(20))) != RunEnd::kDeadlock);
  return {run.records().totals, run.records().links};
}

void check_same(const LinkRecord& a, const LinkRecord& b) {
  CHECK(a.packets == b.packets);
  CHECK(a.wire_bytes == b.wire_bytes);
  CHECK(a.busy == b.busy);
  CHECK(a.paused == b.paused);
  CHECK(a.max_queue == b.max_queue);
  CHECK(a.ecn_marks == b.ecn_marks);
  CHECK(a.drops == b.drops);
  CHECK(a.lossless_drops == b.lossless_drops);
  CHECK(a.pauses_sent == b.pauses_sent);
}

}  // namespace

TEST_CASE("200 random networks give the same on the fast paths and on the plain ones") {
  RunTotals sum;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const Outcome plain = run_with(seed, true, 1);
    const Outcome fast = run_with(seed, false, seed % 4 == 0 ? 3 : 1);
    CHECK(fast.totals.fingerprint == plain.totals.fingerprint);
    CHECK(fast.totals.end == plain.totals.end);
    CHECK(fast.totals.packet_hops == plain.totals.packet_hops);
    for (std::size_t i = 0; i < plain.links.size(); ++i) {
      CAPTURE(i);
      check_same(fast.links[i], plain.links[i]);
    }
    CHECK(plain.totals.calm_visits == 0);
    sum.calm_visits += fast.totals.calm_visits;
    sum.ecn_marks += fast.totals.ecn_marks;
    sum.drops += fast.totals.drops;
    sum.pfc_pauses += fast.totals.pfc_pauses;
  }
  CAPTURE(sum.calm_visits, sum.ecn_marks, sum.drops, sum.pfc_pauses);
  CHECK(sum.calm_visits > 10'000);  // the property was put to the test
  CHECK(sum.ecn_marks > 1000);
  CHECK(sum.drops > 100);
  CHECK(sum.pfc_pauses > 100);
}

}  // namespace plait
