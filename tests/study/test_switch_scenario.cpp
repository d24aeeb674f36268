// SPDX-License-Identifier: Apache-2.0
// Switches in scenarios: chips by name, values that cannot be read, the record of pauses.
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "study/run.hpp"

namespace plait {
namespace {

Scenario with(const std::vector<std::string>& settings) {
  return parse_scenario(R"(
fabric:
  topology: {kind: single_switch, hosts: 6}
  host: {gpus: 1, nics: 1}
  link: {rate: 800Gbps, delay: 500ns}
jobs:
  - name: incast
    traffic: {pattern: incast, ranks: 6, size: 1MB}
)",
                        "test", "", settings);
}

}  // namespace

TEST_CASE("a chip is known by its name, and what is given beside it wins", "[scenario]") {
  const SwitchParams th5 = with({"fabric.switch.preset=tomahawk5"}).fabric.switches;
  CHECK(th5.buffer == Bytes(165'200'000));
  CHECK(th5.max_ports == 512);
  CHECK(th5.capacity == BitRate::gbps(51'200));
  CHECK(th5.pfc.alpha == PfcParams().alpha);
  const SwitchParams own =
      with({"fabric.switch.preset=spectrum4", "fabric.switch.buffer=64MB"}).fabric.switches;
  CHECK(own.buffer == Bytes(64'000'000));
  CHECK(own.max_ports == 256);
}

TEST_CASE("a deep-buffer chip runs; a fabric beyond the chip does not", "[scenario]") {
  CHECK(run_scenario(with({"fabric.switch.preset=jericho3"})).results.records.totals.drops == 0);
  // 6 ports of 3.2T are 19.2T; the chip has 14.4T.
  CHECK_THROWS_WITH(
      run_scenario(with({"fabric.switch.preset=jericho3", "fabric.link.rate=3200Gbps"})),
      Catch::Contains("6 ports of 19.2Tbps together; fabric.switch.capacity allows 14.4Tbps"));
}

TEST_CASE("switch values that contradict themselves are refused where they stand", "[scenario]") {
  CHECK_THROWS_WITH(with({"fabric.switch.ecn.priorities=9"}),
                    Catch::Contains("fabric.switch.ecn.priorities: '9' is not a priority"));
  CHECK_THROWS_WITH(with({"fabric.switch.ecn.by_priority=\"3:9KB:1KB\""}),
                    Catch::Contains("fabric.switch.ecn.by_priority: '3:9KB:1KB' is not"));
  CHECK_THROWS_WITH(with({"fabric.switch.pfc.threshold=static", "fabric.switch.pfc.xon=1MB"}),
                    Catch::Contains("fabric.switch.pfc.xon: 1MB is above xoff 200KiB"));
}

TEST_CASE("pauses are recorded when asked for", "[scenario]") {
  CHECK(run_scenario(with({"fabric.switch.buffer=2MB"})).results.records.pauses.empty());
  const RunRecords records =
      run_scenario(with({"fabric.switch.buffer=2MB", "run.record_pauses=true"})).results.records;
  CHECK(records.totals.pfc_pauses > 0);
  CHECK(records.pauses.size() >= records.totals.pfc_pauses);
}

}  // namespace plait
