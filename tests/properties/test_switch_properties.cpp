// SPDX-License-Identifier: Apache-2.0
// The optional rules of a switch on random fabrics: static thresholds, alpha by port rate, reserves
// and limits of lossy queues, trimming, watchdog. None of them may depend on threads, on the length
// of windows, or on when a switch catches up its ports.
#include <catch2/catch.hpp>

#include "tests/properties/random_network.hpp"

namespace plait {
namespace {

using namespace test;

void random_rules(Random& random, NetworkParams& params) {
  SwitchParams& p = params.switches;
  if (random.between(0, 1) == 1) {
    p.pfc.threshold = PfcThreshold::kStatic;
    p.pfc.xoff = Bytes(random.between(5'000, 60'000));
    p.pfc.xon = Bytes(random.between(1, p.pfc.xoff.count()));
  }
  p.pfc.alpha_reference_rate = BitRate::gbps(random.any_of({0, 25, 100}));
  p.pfc.headroom_rule = random.any_of({HeadroomRule::kComputed, HeadroomRule::kThreeDelays});
  p.pfc.priorities = random.any_of({"3", "3 6", "6"});
  p.pfc.frame = Bytes(random.any_of({0, 64}));
  p.lossy_reserve = Bytes(random.any_of({0, 1500}));
  p.lossy_port_limit = Bytes(random.any_of({0, 30'000}));
  p.trimming.enabled = random.between(0, 1) == 1;
  p.trimming.priority = random.any_of({6, 7});
  const unsigned lossless = p.pfc.enabled ? parse_priority_set(p.pfc.priorities) : 0U;
  if ((lossless >> p.trimming.priority & 1U) != 0) p.trimming.enabled = false;  // refused
  p.trimming.threshold = Bytes(random.any_of({0, 10'000}));
  p.pfc.watchdog.enabled = random.between(0, 1) == 1;
  p.pfc.watchdog.detection = Duration::ns(random.between(1'000, 20'000));
  p.pfc.watchdog.restoration = Duration::ns(random.between(1'000, 20'000));
  p.pfc.watchdog.action = random.any_of({WatchdogAction::kDrop, WatchdogAction::kForward});
  p.ecn.by_priority = "3:5KB:20KB:0.5";
}

struct Outcome {
  std::uint64_t fingerprint = 0, drops = 0, trims = 0, triggers = 0, dropped_by_watchdog = 0;
  std::size_t frames = 0;
  bool operator==(const Outcome&) const = default;
};

}  // namespace

TEST_CASE("optional rules of switches: threads, windows and lazy catching-up do not show") {
  Outcome sum;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    CAPTURE(seed);
    const auto outcome = [&](unsigned threads, Duration max_window, bool always) {
      Random random(seed);
      FabricGraph graph = random_fabric(random);
      const auto flows = random_flows(random, graph.hosts().size());
      NetworkParams params = random_network(random);
      random_rules(random, params);
      params.transport.rto = Duration::us(300);
      params.record_pauses = true;
      shrink_buffer(params, graph);
      params.plain_paths = always;
      FabricRun run(std::move(graph), params);
      REQUIRE(run.run(flows, threads, SimTime::at(Duration::ms(20)), max_window) !=
              RunEnd::kDeadlock);
      const RunTotals& t = run.records().totals;
      return Outcome{t.fingerprint,       t.drops,          t.trims,
                     t.watchdog_triggers, t.watchdog_drops, run.records().pauses.size()};
    };
    const Outcome reference = outcome(1, Duration::max(), false);
    CHECK(outcome(3, Duration::max(), false) == reference);
    CHECK(outcome(1, Duration::ns(37), false) == reference);
    CHECK(outcome(1, Duration::max(), true) == reference);
    sum.drops += reference.drops;
    sum.trims += reference.trims;
    sum.triggers += reference.triggers;
    sum.dropped_by_watchdog += reference.dropped_by_watchdog;
    sum.frames += reference.frames;
  }
  CAPTURE(sum.drops, sum.trims, sum.triggers, sum.dropped_by_watchdog, sum.frames);
  CHECK(sum.drops > 100);  // the property was put to the test
  CHECK(sum.trims > 100);
  CHECK(sum.triggers > 20);
  CHECK(sum.dropped_by_watchdog > 20);
  CHECK(sum.frames > 1000);
}

TEST_CASE("static thresholds with computed headroom never drop") {
  std::uint64_t pauses = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random);
    params.switches.pfc.priorities = "3 6";
    params.switches.pfc.threshold = PfcThreshold::kStatic;
    params.switches.pfc.xoff = Bytes(random.between(5'000, 60'000));
    params.switches.pfc.xon = Bytes(random.between(1, params.switches.pfc.xoff.count()));
    params.transport.rto = Duration::s(1);
    shrink_buffer(params, graph);
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    CHECK(run.records().totals.drops == 0);
    CHECK(run.records().totals.retransmitted == 0);
    pauses += run.records().totals.pfc_pauses;
  }
  CHECK(pauses > 200);
}

}  // namespace plait
