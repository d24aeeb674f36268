// SPDX-License-Identifier: Apache-2.0
// Traces as the usual converter left them, with dangling, self and cyclic dependencies and
// duplicate collectives, replay to the end, and the warnings count what was dropped. Origins and
// counts: tests/workloads/data/README.md.
#include <catch2/catch.hpp>
#include <string>

#include "sim/error.hpp"
#include "study/run.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

const std::string kData = std::string(PLAIT_SOURCE_DIR) + "/tests/workloads/data/";

RunOutcome replay(const std::string& fabric, const std::string& trace,
                  const std::string& more = "") {
  return run_scenario(parse_scenario(fabric + "jobs:\n  - {name: job, trace: \"" + kData + trace +
                                         "\"" + more + "}\n",
                                     "s.yaml", ""),
                      {1, {}});
}

std::size_t calls(const Results& results) {
  std::size_t sum = 0;
  for (const CollectiveSummary& line : results.collectives) sum += line.calls;
  return sum;
}

// As examples/dlrm8.
const std::string kTwoHosts = R"(
fabric:
  topology: {kind: leaf_spine, hosts: 2, hosts_per_leaf: 1, spines: 4}
  host: {preset: dgx_a100, gpus: 4, nics: 4}
  link: {rate: 200Gbps, delay: 500ns}
transport: {mtu: 4096B, congestion_control: {kind: dcqcn}}
)";
const std::string kOneGpu = R"(
fabric:
  topology: {kind: single_switch, hosts: 1}
  host: {preset: dgx_a100, gpus: 1, nics: 1}
)";

}  // namespace

TEST_CASE("the unrepaired DLRM iteration replays to the end", "[traces]") {
  const RunOutcome outcome = replay(kTwoHosts, "dlrm_broken/dlrm.{rank}.et.gz");
  CHECK(outcome.end == RunEnd::kFinished);
  CHECK(outcome.results.jobs.at(0).finished);
  CHECK(calls(outcome.results) == 8);  // 5 all-to-alls and 3 all-reduces; no duplicates
  REQUIRE(outcome.warnings.size() == 8);
  CHECK_THAT(outcome.warnings[0], EndsWith("dlrm.0.et.gz: dropped dependencies: 34 on the op "
                                           "itself, 788 on missing ops, 66 in cycles"));
  for (const std::string& warning : outcome.warnings)
    CHECK_THAT(warning, Contains("dropped dependencies: "));
  // Recorded spans of the ranks: 12.40 to 19.80 ms.
  const double end_ms = outcome.results.jobs[0].job_completion_time.to_us() / 1e3;
  CHECK(end_ms > 12.40);
  CHECK(end_ms < 19.80);
}

TEST_CASE("the unrepaired PyTorch trace of one GPU replays to the end", "[traces]") {
  const RunOutcome outcome = replay(kOneGpu, "pytorch_1gpu/chakra.{rank}.et.gz");
  CHECK(outcome.end == RunEnd::kFinished);
  CHECK(outcome.results.jobs.at(0).finished);
  CHECK(calls(outcome.results) == 7);  // 5 all-reduces and 2 broadcasts; no duplicates
  REQUIRE(outcome.warnings.size() == 1);
  CHECK_THAT(outcome.warnings[0], Contains("dropped dependencies: 383 on the op itself, 1277 on "
                                           "missing ops, "));
}

TEST_CASE("strict refuses them with the first fault", "[traces]") {
  CHECK_THROWS_WITH(replay(kOneGpu, "pytorch_1gpu/chakra.{rank}.et.gz", ", strict: true"),
                    Contains("chakra.0.et.gz: op 216 depends on op 3, which does not exist"));
}

}  // namespace plait
