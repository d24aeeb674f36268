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

// Times of a rate that is not a whole number of ps per byte do not add up.
bool has_odd_rate(std::uint64_t seed) { return seed % 8 == 1; }

struct Case {
  FabricGraph graph;
  std::vector<test::FlowSpec> flows;
  NetworkParams params;
};

Case random_case(std::uint64_t seed) {
  Random random(seed);
  FabricGraph graph = test::random_fabric(random);
  auto flows = test::random_flows(random, graph.hosts().size());
  NetworkParams params = random_params(random, graph);
  return {std::move(graph), std::move(flows), std::move(params)};
}

// Lossy data that is trimmed above a threshold, in ample buffers and, at times, beside lossless
// traffic that is paused.
Case trimming_case(std::uint64_t seed) {
  Random random(seed);
  FabricGraph graph = test::random_fabric(random);
  auto flows = test::random_flows(random, graph.hosts().size());
  NetworkParams params = random_params(random, graph);
  params.transport.reliability = Reliability::kSelectiveRepeat;
  params.transport.data_priority = 2;
  SwitchParams& p = params.switches;
  p.pfc.priorities = random.any_of({"1", "3", "6"});
  p.trimming.enabled = true;
  p.trimming.priority = random.any_of({4, 7});
  p.trimming.threshold = Bytes(random.any_of({0, 1'000, 5'000, 30'000}));
  return {std::move(graph), std::move(flows), std::move(params)};
}

// Every leaf has spine 0, but not each of the others: from a leaf, some destinations have one next
// hop and others choose among several, that one too.
FabricGraph uneven_leaf_spine(Random& random, const FabricParts& parts) {
  FabricGraph graph;
  std::vector<NodeId> spines;
  for (int s = 0; s < 4; ++s) spines.push_back(graph.add_switch("s" + std::to_string(s), 2));
  for (int l = 0; l < 4; ++l) {
    const std::string name = "l" + std::to_string(l);
    const NodeId leaf = graph.add_switch(name, 1);
    for (int h = 0; h < 4; ++h)
      graph.connect(graph.add_host(name + "h" + std::to_string(h), 1), leaf, parts.host_link);
    for (const NodeId spine : spines)
      if (spine == spines[0] || random.between(0, 2) != 0)
        graph.connect(leaf, spine, parts.fabric_link);
  }
  graph.finalize();
  return graph;
}

FabricGraph random_choice_of_paths(Random& random, const FabricParts& parts) {
  switch (random.between(0, 2)) {
    case 0:
      return test::random_leaf_spine(random, parts, 2);
    case 1:
      return test::small_fat_tree(parts);
    default:
      return uneven_leaf_spine(random, parts);
  }
}

// Lasting load on all ports, and low thresholds in an ample buffer: pauses are short, and their
// frames wait behind data.
void brief_pauses(Random& random, NetworkParams& p, std::vector<test::FlowSpec>& flows) {
  p.switches.buffer = SwitchParams().buffer;
  p.switches.pfc.threshold = PfcThreshold::kStatic;
  p.switches.pfc.priorities = "3";
  p.switches.pfc.frame = Bytes(1500);
  p.switches.pfc.xoff = Bytes(random.any_of({10'000, 20'000, 40'000}));
  p.switches.pfc.xon = p.switches.pfc.xoff - Bytes(random.any_of({1000, 8000}));
  p.transport.data_priority = 3;
  p.transport.congestion_control.kind = CcKind::kNone;
  std::uint32_t hosts = 0;
  for (const test::FlowSpec& flow : flows) hosts = std::max({hosts, flow.from + 1, flow.to + 1});
  for (test::FlowSpec& flow : flows) {
    flow.size = Bytes(50'000);
    if (flow.to != 0) continue;
    flow.to = static_cast<std::uint32_t>(random.between(0, hosts - 2));
    flow.to += flow.to >= flow.from;
  }
}

// Routes by load, over ports of different rates and packets of several priorities.
Case adaptive_case(std::uint64_t seed) {
  Random random(seed);
  FabricParts parts = test::random_parts(random);
  const bool brief = seed % 2 == 0;
  if (brief) {
    parts.host_link.rate = BitRate::gbps(25);
    parts.fabric_link.rate = BitRate::gbps(40);
  }
  if (has_odd_rate(seed)) parts.fabric_link.rate = BitRate::gbps(30);  // 266.7 ps a byte
  FabricGraph graph = random_choice_of_paths(random, parts);
  auto flows = test::random_flows(random, graph.hosts().size());
  NetworkParams params = random_params(random, graph);
  params.transport.reliability = Reliability::kSelectiveRepeat;
  params.switches.forwarding =
      random.any_of({Forwarding::kStoreAndForward, Forwarding::kCutThrough});
  if (brief) brief_pauses(random, params, flows);
  LoadBalancingParams& balancing = params.switches.load_balancing;
  balancing.kind = random.any_of({LoadBalancing::kAdaptive, LoadBalancing::kAdaptiveFlowlet});
  balancing.flowlet_gap = Duration::ns(random.any_of({500, 5000}));
  balancing.flowlet_entries = random.any_of({4, 4096});
  balancing.samples = random.any_of({0, 0, 2});
  balancing.load_quantum = Duration::ns(random.any_of({0, 0, 200}));
  return {std::move(graph), std::move(flows), std::move(params)};
}

Outcome run_with(Case test_case, bool plain, unsigned threads) {
  test_case.params.plain_paths = plain;
  test::FabricRun run(std::move(test_case.graph), test_case.params);
  const RunEnd end = run.run(test_case.flows, threads, SimTime::at(Duration::ms(20)));
  REQUIRE(end != RunEnd::kDeadlock);
  if (end == RunEnd::kFinished) CHECK(run.simulation().telemetry_in_use() == 0);
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
  CHECK(a.trims == b.trims);
}

/// Both paths give the same. @return the totals of the fast ones.
RunTotals check_paths(Case (*make)(std::uint64_t), std::uint64_t seed) {
  const Outcome plain = run_with(make(seed), true, 1);
  const Outcome fast = run_with(make(seed), false, seed % 4 == 0 ? 3 : 1);
  CHECK(fast.totals.fingerprint == plain.totals.fingerprint);
  CHECK(fast.totals.end == plain.totals.end);
  CHECK(fast.totals.packet_hops == plain.totals.packet_hops);
  for (std::size_t i = 0; i < plain.links.size(); ++i) {
    CAPTURE(i);
    check_same(fast.links[i], plain.links[i]);
  }
  CHECK(plain.totals.calm_visits == 0);
  return fast.totals;
}

}  // namespace

TEST_CASE("200 random networks give the same on the fast paths and on the plain ones") {
  RunTotals sum;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    test::add(sum, check_paths(random_case, seed));
  }
  CAPTURE(sum.calm_visits, sum.ecn_marks, sum.drops, sum.pfc_pauses);
  CHECK(sum.calm_visits > 10'000);  // the property was put to the test
  CHECK(sum.ecn_marks > 1000);
  CHECK(sum.drops > 100);
  CHECK(sum.pfc_pauses > 100);
}

TEST_CASE("200 random networks that route by load give the same on both paths") {
  RunTotals sum;
  std::uint64_t calm_at_odd_rates = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const RunTotals totals = check_paths(adaptive_case, seed);
    test::add(sum, totals);
    if (has_odd_rate(seed)) calm_at_odd_rates += totals.calm_visits;
  }
  CAPTURE(sum.calm_visits, sum.ecn_marks, sum.drops, sum.pfc_pauses, calm_at_odd_rates);
  CHECK(sum.calm_visits > 10'000);
  CHECK(sum.ecn_marks > 1000);
  CHECK(sum.drops > 100);
  CHECK(sum.pfc_pauses > 100);
  // Where every switch has a port of an odd rate, only visits without a choice are calm. They are
  // an eighth of the networks.
  CHECK(calm_at_odd_rates > 0);
  CHECK(calm_at_odd_rates < sum.calm_visits / 16);
}

TEST_CASE("100 random networks that trim give the same on both paths") {
  RunTotals sum;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    test::add(sum, check_paths(trimming_case, seed));
  }
  CAPTURE(sum.calm_visits, sum.trims);
  CHECK(sum.calm_visits > 10'000);
  CHECK(sum.trims > 10'000);
}

}  // namespace plait
