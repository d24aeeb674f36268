// SPDX-License-Identifier: Apache-2.0
// Settings that contradict each other: refused, or doubted, at the place where they stand.
#include <catch2/catch.hpp>

#include "models/network_context.hpp"
#include "sim/error.hpp"
#include "study/build.hpp"
#include "study/contradictions.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

Scenario with(const std::vector<std::string>& settings) {
  return parse_scenario(R"(
fabric:
  topology: {kind: leaf_spine, hosts: 4, hosts_per_leaf: 2, spines: 2}
  host: {gpus: 1, nics: 1}
  link: {rate: 100Gbps, delay: 500ns}
jobs: [{traffic: {pattern: permutation, ranks: 4, size: 1MB}}]
)",
                        "s.yaml", "", settings);
}

std::vector<std::string> warnings(const std::vector<std::string>& settings) {
  return build_experiment(with(settings)).warnings;
}

const std::string kCc = "transport.congestion_control=";
const std::string kSwitch = "fabric.switch.";
// The data priority 3 is lossless by default.
const std::vector<std::string> kTrims = {kSwitch + "pfc.enabled=false",
                                         kSwitch + "trimming.enabled=true"};

std::vector<std::string> trims_and(const std::string& setting) {
  std::vector<std::string> settings = kTrims;
  settings.push_back(setting);
  return settings;
}

}  // namespace

TEST_CASE("limits the wrong way round are refused", "[scenario]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {kCc + "{kind: swift, min_window: 20, max_window: 10}", "min_window: 20 is above max_window"},
      {kCc + "{kind: timely, t_low: 60us, t_high: 50us}", "t_low: 60us is above t_high 50us"},
      {kSwitch + "ecn={k_min: 2MB, k_max: 1MB}", "k_min: 2MB is above k_max 1MB"},
      {kSwitch + "ecn.by_priority=3:1KB:2KB 3:2KB:4KB",
       "fabric.switch.ecn.by_priority: priority 3 is named twice"},
      {kSwitch + "dwrr_weights=1 2", "fabric.switch.dwrr_weights: '1 2' is not eight"},
      {"transport.entropy.kind=reps", "transport.entropy.kind: reps needs ACKs"},
      {kSwitch + "trimming={enabled: true, priority: 3}",
       "fabric.switch.trimming.priority: 3 is also transport.data_priority"},
  };
  for (const auto& [setting, message] : cases) {
    CAPTURE(setting);
    CHECK_THROWS_WITH(with({setting}), StartsWith("--set " + setting) && Contains(message));
  }
  CHECK_NOTHROW(with({kCc + "{kind: swift, min_window: 10, max_window: 10}"}));
  CHECK_NOTHROW(with({kCc + "{kind: timely, t_low: 50us, t_high: 50us}"}));
  CHECK_NOTHROW(with({kSwitch + "ecn.by_priority=3:1KB:2KB 4:2KB:4KB"}));
  CHECK_NOTHROW(with({kSwitch + "trimming.priority=3"}));  // off
}

TEST_CASE("the message names a path once", "[scenario]") {
  for (const std::string path : {"fabric.switch.ecn.by_priority", "fabric.switch.dwrr_weights"}) {
    try {
      parse_scenario("jobs: []", "s.yaml", "", {"jobs=[{flows: a}]", path + "=x"});
      FAIL("not refused");
    } catch (const UserError& error) {
      const std::string text = error.what();
      const std::size_t first = text.find(path + ": ");
      CHECK(text.find(path + ": ", first + 1) == std::string::npos);
    }
  }
}

TEST_CASE("a least rate at line rate turns congestion control off", "[scenario]") {
  const std::string kind = GENERATE("dcqcn", "hpcc", "timely", "dctcp");
  CAPTURE(kind);
  const std::vector<std::string> echo = {"transport.cnp_mode=ack_echo"};
  const auto of = [&](const char* rate) {
    return warnings({echo[0], kCc + "{kind: " + kind + ", min_rate: " + rate + "}"});
  };
  CHECK(of("99Gbps").empty());
  REQUIRE(of("100Gbps").size() == 1);
  CHECK_THAT(of("100Gbps")[0],
             Contains("congestion_control.min_rate: 100Gbps is not below the 100Gbps"));
}

TEST_CASE("a watchdog without PFC watches nothing", "[scenario]") {
  const std::vector<std::string> found =
      warnings({kSwitch + "pfc={enabled: false, watchdog: {enabled: true}}"});
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Contains("pfc.watchdog.enabled: the watchdog has nothing to watch"));
  CHECK(warnings({kSwitch + "pfc.watchdog.enabled=true"}).empty());
}

TEST_CASE("parameters of another fidelity are doubted", "[scenario]") {
  CHECK(warnings({"loggops.latency=5us"}) ==
        std::vector<std::string>{
            "--set loggops.latency=5us: loggops.latency: no effect: run.fidelity is packet"});
}

TEST_CASE("an override for a group that no job has is doubted", "[scenario]") {
  const std::string jobs = "jobs=[{collective: {kind: all_reduce, ranks: 4}}]";
  const std::string all = "collectives.overrides=[{group: 'a*'}]";
  CHECK(warnings({jobs, all}).empty());
  CHECK(warnings({jobs, "collectives.overrides=[{kind: all_reduce}]"}).empty());
  const std::string wrong = "collectives.overrides=[{group: 'a*'}, {group: al}]";
  CHECK(warnings({jobs, wrong}) ==
        std::vector<std::string>{"--set " + wrong +
                                 ": collectives.overrides.1.group: no effect: no job has a group "
                                 "'al'; did you mean 'all'? groups: all"});
}

TEST_CASE("trimming that never happens or hides marks is doubted", "[scenario]") {
  const std::vector<std::string> lossless = warnings({kSwitch + "trimming.enabled=true"});
  REQUIRE(lossless.size() == 1);
  CHECK_THAT(lossless[0], Contains("trimming.enabled: no packet is ever trimmed"));
  CHECK(warnings(kTrims).empty());
  // Headers of 62 bytes fit 64; IPv6 adds 20.
  const std::vector<std::string> cut = warnings(trims_and("transport.encapsulation=ipv6"));
  REQUIRE(cut.size() == 1);
  CHECK_THAT(cut[0], Contains("trimming.size: 64B do not hold the 82B of headers"));
  // k_min is 400 KB at the 100 Gbps of these ports.
  const std::vector<std::string> early = warnings(trims_and(kSwitch + "trimming.threshold=400KB"));
  REQUIRE(early.size() == 1);
  CHECK_THAT(early[0], Contains("trimming.threshold: queues are trimmed at 400KB"));
  CHECK(warnings(trims_and(kSwitch + "trimming.threshold=401KB")).empty());
  std::vector<std::string> no_marks = trims_and(kSwitch + "trimming.threshold=400KB");
  no_marks.push_back(kCc + "{kind: swift}");
  CHECK(warnings(no_marks).empty());
}

TEST_CASE("entropy that no switch reads is doubted", "[scenario]") {
  const std::string entropy = "transport.entropy.kind=random";
  const std::string selective = "transport.reliability=selective_repeat";
  const std::string balancing = kSwitch + "load_balancing=";
  CHECK(warnings({selective, entropy}).empty());
  for (const char* const kind : {"{hash_fields: addresses}", "{kind: adaptive}"}) {
    const std::vector<std::string> found = warnings({selective, entropy, balancing + kind});
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Contains("transport.entropy.kind: no effect"));
  }
}

TEST_CASE("flowlets so short that they reorder are doubted", "[scenario]") {
  const auto gap = [](const std::string& kind, const std::string& value) {
    return kSwitch + "load_balancing={kind: " + kind + ", flowlet_gap: " + value + "}";
  };
  const std::string kind = GENERATE("flowlet", "adaptive_flowlet");
  // k_min: 400 KB at 100 Gbps are 32 us, longer than the round trip of some microseconds.
  CHECK(warnings({gap(kind, "32us")}).empty());
  const std::vector<std::string> found = warnings({gap(kind, "31us")});
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Contains("flowlet_gap: 31us is less than the 32us by which paths may"));
  CHECK(warnings({gap(kind, "31us"), "transport.reliability=selective_repeat"}).empty());
  // Without marks the round trip counts. Out: 4 hops of 500 ns, 3 switches of 400 ns, 4 times
  // 4178 bytes at 80 ps = 4 x 334.24 ns; back the same with 86 bytes, 4 x 6.88 ns.
  // 2 x 3200 + 1336.96 + 27.52 = 7764.48 ns.
  const std::vector<std::string> plain = {kSwitch + "ecn.enabled=false", kCc + "{kind: none}"};
  CHECK(warnings({plain[0], plain[1], gap(kind, "7764480ps")}).empty());
  REQUIRE(warnings({plain[0], plain[1], gap(kind, "7764479ps")}).size() == 1);
}

TEST_CASE("short flowlets count as packets out of order", "[scenario]") {
  const auto threshold = [](const std::string& gap) {
    const Experiment experiment = build_experiment(
        with({"transport.reliability=selective_repeat",
              kSwitch + "load_balancing={kind: flowlet, flowlet_gap: " + gap + "}"}));
    const Fabric& fabric = experiment.fabric;
    return NetworkContext(*fabric.graph, *fabric.routes, experiment.network).reorder_threshold();
  };
  CHECK(threshold("32us") == 1);
  CHECK(threshold("31us") == TransportParams().reorder_window);
}

TEST_CASE("a word where a table is expected", "[scenario]") {
  CHECK_THROWS_WITH(with({kSwitch + "load_balancing=adaptive"}),
                    Contains("expected a table of 'key: value'; write {kind: adaptive}"));
  CHECK_THROWS_WITH(with({kSwitch + "load_balancing=adaptiv"}),
                    Catch::EndsWith("expected a table of 'key: value'"));
  CHECK_THROWS_WITH(with({"fabric.switch=tomahawk5"}), Contains("write {preset: tomahawk5}"));
}

}  // namespace plait
