// SPDX-License-Identifier: Apache-2.0
// Up-down routes on trees cannot deadlock, however small the buffers: a packet that has turned down
// never waits for one that goes up, so no paused queue waits for itself.
#include <catch2/catch.hpp>

#include "tests/properties/random_network.hpp"

namespace plait {

using test::Random;

namespace {

// Random flows, and everyone sends to two hosts in turn.
std::vector<test::FlowSpec> incasts(Random& random, std::size_t hosts) {
  std::vector<test::FlowSpec> flows = test::random_flows(random, hosts);
  const auto last = static_cast<std::int64_t>(hosts) - 1;
  for (int i = 0; i < 2; ++i) {
    const auto to = static_cast<std::uint32_t>(random.between(0, last));
    for (std::uint32_t from = 0; from < hosts; ++from)
      if (from != to)
        flows.push_back({from, to, Bytes(random.between(20'000, 200'000)),
                         static_cast<std::uint32_t>(1000 + flows.size())});
  }
  return flows;
}

}  // namespace

TEST_CASE("up-down routes on trees never deadlock, and all flows end", "[properties][deadlock]") {
  std::uint64_t pauses = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = test::random_multipath(random);
    NetworkParams params = test::random_network(random);
    params.transport.congestion_control.kind = CcKind::kNone;  // nothing but pauses holds back
    params.switches.load_balancing.kind = random.any_of(
        {LoadBalancing::kEcmp, LoadBalancing::kFlowlet, LoadBalancing::kAdaptiveFlowlet});
    test::shrink_buffer(params, graph);
    const std::size_t hosts = graph.hosts().size();
    test::FabricRun run(std::move(graph), params);
    RunOptions options;
    options.deadlock_check = Duration::us(5);
    CHECK(run.run(incasts(random, hosts), options) == RunEnd::kFinished);
    CHECK(run.records().pause_cycles.empty());
    CHECK(run.records().totals.drops == 0);
    pauses += run.records().totals.pfc_pauses;
  }
  CHECK(pauses > 10'000);
}

}  // namespace plait
