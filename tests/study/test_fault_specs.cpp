// SPDX-License-Identifier: Apache-2.0
// The list `faults` of a scenario: what it means, and what is refused and where.
#include <catch2/catch.hpp>

#include "study/build.hpp"
#include "study/faults.hpp"
#include "study/run.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;

Scenario scenario_with(const std::string& faults, const std::string& more = "") {
  return parse_scenario(
      "fabric:\n"
      "  topology: {kind: leaf_spine, hosts: 4, hosts_per_leaf: 2, spines: 2, uplinks: 2}\n"
      "  host: {gpus: 2, nics: 2}\n" +
          more + "jobs: [{traffic: {pattern: permutation, ranks: 8, size: 100KB}}]\nfaults:\n" +
          faults,
      "f.yaml", "");
}

ResolvedFaults resolve(const std::string& faults) {
  const Scenario scenario = scenario_with(faults);
  return resolve_faults(scenario, *build_fabric(scenario).graph);
}

TEST_CASE("faults name cables, switches and NICs") {
  const ResolvedFaults r = resolve(
      "  - {at: 1ms, link: leaf0:spine1, action: down, for: 2ms}\n"
      "  - {at: 1ms, link: spine1:leaf0#1, action: degrade, rate: 10Gbps}\n"
      "  - {at: 1ms, host: host1, action: down, for: 1us}\n"
      "  - {at: 1ms, host: host1, nic: 1, action: bit_errors, bit_error_rate: 1e-9}\n"
      "  - {at: 1ms, switch: spine0, action: reboot, for: 3ms}\n");
  REQUIRE(r.events.size() == 5);
  CHECK(r.names[0] == "leaf0:spine1 down for 2.000 ms");
  CHECK(r.events[0].ports.size() == 2);  // two uplinks
  CHECK(r.events[1].ports.size() == 1);
  CHECK(r.events[1].length == Duration());
  CHECK(r.events[2].ports.size() == 2);  // two NICs
  CHECK(r.events[3].ports.size() == 1);
  CHECK(r.events[4].kind == FaultKind::kReboot);
}

TEST_CASE("an up ends the down before it") {
  const ResolvedFaults r = resolve(
      "  - {at: 1ms, link: leaf0:spine1#0, action: down}\n"
      "  - {at: 5ms, link: leaf0:spine1#0, action: up}\n"
      "  - {at: 7ms, link: leaf0:spine1#0, action: down}\n");
  REQUIRE(r.events.size() == 2);
  CHECK(r.events[0].length == Duration::ms(4));
  CHECK(r.events[1].length == Duration());
}

TEST_CASE("what contradicts or does not exist is refused at its place") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{link: leaf0:spin1}", "f.yaml:6:12: faults.0.link: the fabric has no node 'spin1'; did"},
      {"{link: leaf0:leaf1}", "no cable joins leaf0 and leaf1"},
      {"{link: leaf0}", "write the names of its two ends as A:B"},
      {"{link: leaf0:spine1#2}", "must be a number from 0 to 1"},
      {"{switch: host0, action: reboot}", "the fabric has no switch 'host0'"},
      {"{host: host1, nic: 2}", "host host1 has 2 NIC ports"},
      {"{link: leaf0:spine1, action: up}", "nothing to bring up"},
      {"{link: leaf0:spine1, host: host0}", "give exactly one of link and host"},
      {"{link: leaf0:spine1, nic: 0}", "applies to a host only"},
      {"{action: reboot}", "this action needs the key 'switch'"},
      {"{link: leaf0:spine1, action: flap, down_for: 1us}", "needs the key 'up_for'"},
      {"{link: leaf0:spine1, action: degrade}", "needs the key 'rate'"},
      {"{link: leaf0:spine1, action: degrade, rate: 900Gbps}", "is not below the"},
      {"{link: leaf0:spine1, factor: 2}", "factor: does not apply to this action"},
      {"{host: host0, action: slow}", "needs the key 'factor'"},
      {"{link: leaf0:spine1, action: dwon}", "did you mean 'down'"},
      {"{link: leaf0:spine1, becuase: 1}", "unknown key"},
      {"{link: leaf0:spine1, for: 0ms}", "faults.0.for: lasts no time; leave `for` out"},
      {"{switch: spine0, action: down}", "a switch that goes down is `action: reboot`"},
  };
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    CHECK_THROWS_WITH(resolve("  - " + text + "\n"), Contains(message));
  }
}

TEST_CASE("a fault that the network cannot have is refused at its own line") {
  // 4178 bytes take 3.3 ms at 10 Mbps, more than a channel can say; 4 kB packets with 1e-3 are lost
  // almost surely; switches take 400 ns.
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{link: leaf0:spine1, action: degrade, rate: 10Mbps}", "faults.1.rate: link leaf0"},
      {"{link: leaf0:spine1, action: bit_errors, bit_error_rate: 1e-3}", "faults.1.bit_error_rate"},
      {"{switch: spine0, action: reboot, for: 1ns}", "faults.1.for: a reboot of 1ns"},
  };
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    const Scenario scenario =
        scenario_with("  - {link: leaf1:spine1, action: down, for: 1us}\n  - " + text + "\n");
    CHECK_THROWS_WITH(build_experiment(scenario),
                      Catch::StartsWith("f.yaml:7:") && Contains(message));
  }
}

TEST_CASE("a resolved scenario with faults is a scenario") {
  const Scenario scenario = scenario_with("  - {at: 1ms, link: leaf0:spine1, action: down}\n");
  const Scenario again = parse_scenario(scenario_yaml(scenario, false), "r.yaml", "");
  CHECK(resolve_faults(again, *build_fabric(again).graph).events[0].length == Duration());
}

TEST_CASE("results list what each fault did") {
  const Scenario scenario = scenario_with(
      "  - {at: 2us, link: leaf0:spine1, action: down, for: 100us}\n"
      "  - {at: 2us, link: leaf0:spine0, action: down, for: 100us}\n",
      "  routing: {detection: 1s, convergence: 1s}\n");
  const Results results = run_scenario(scenario, {.threads = 1, .progress = {}}).results;
  REQUIRE(results.context.faults.size() == 2);
  CHECK(results.context.faults[1].what == "leaf0:spine0 down for 100.0 us");
  const auto& faults = results.records.faults;
  CHECK(faults[0].lost + faults[1].lost == results.records.totals.lost_to_faults);
  CHECK(results.records.totals.lost_to_faults > 0);
}

TEST_CASE("a run that waits for an unreachable host ends and names the flow") {
  const Scenario scenario = scenario_with("  - {at: 1us, host: host0, action: down}\n");
  CHECK_THROWS_AS(run_scenario(scenario, {.threads = 1, .progress = {}}), DeadlockError);
  CHECK_THROWS_WITH(run_scenario(scenario, {.threads = 1, .progress = {}}),
                    Contains("-> host0/gpu") && Contains("gave up"));
}

TEST_CASE("a run that stops long before the last fault ends with its last progress") {
  // Eight timeouts, doubled each time, take 20 ms * 255 = 5.1 s; the cables come back at 10 s.
  const Scenario scenario = scenario_with(
      "  - {at: 2us, link: leaf0:spine1, action: down, for: 10s}\n"
      "  - {at: 2us, link: leaf0:spine0, action: down, for: 10s}\n",
      "  routing: {detection: 20s, convergence: 20s}\n");
  std::shared_ptr<RunOutcome> outcome;
  std::string text;
  try {
    run_scenario(scenario, {.threads = 1, .progress = {}});
  } catch (const StuckRun& stuck) {
    outcome = stuck.outcome();
    text = stuck.what();
  }
  REQUIRE(outcome != nullptr);
  INFO(text);
  CHECK_THAT(text, Contains("fabric.routing.convergence"));
  const RunRecords& records = outcome->results.records;
  SimTime last;
  for (const FlowRecord& flow : records.flows)
    if (flow.failed != SimTime::never()) last = std::max(last, flow.failed);
  CHECK(last > SimTime::zero());
  CHECK(records.totals.end == last);
  CHECK(last < SimTime::at(Duration::s(6)));
  for (const RankRecord& rank : records.ranks) CHECK(rank.end <= last);
  CHECK(records.faults[0].lost + records.faults[1].lost > 0);
}

}  // namespace
}  // namespace plait
