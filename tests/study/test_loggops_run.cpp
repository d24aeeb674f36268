// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "sim/error.hpp"
#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"

namespace plait {
namespace {

const std::string kFolder = std::string(PLAIT_SOURCE_DIR) + "/tests/validation/loggops/";

Scenario scenario(const std::string& jobs, const std::string& more = "") {
  return parse_scenario("run: {fidelity: loggops}\n" + more + "jobs:\n" + jobs, "loggops.yaml", "");
}

}  // namespace

TEST_CASE("fidelity loggops: a GOAL schedule from a scenario", "[loggops]") {
  const RunOutcome outcome = run_scenario(
      scenario("  - {name: tree, trace: " + kFolder + "binary_tree_32.goal.gz, start: 1us}"));
  REQUIRE(outcome.end == RunEnd::kFinished);
  CHECK(outcome.warnings.empty());
  CHECK(report(outcome.results).find("Fidelity loggops: hosts in the LogGOPS model") !=
        std::string::npos);
  CHECK(summary_json(outcome.results).find("\"fidelity\": \"loggops\"") != std::string::npos);
  const Results& results = outcome.results;
  REQUIRE(results.records.ranks.size() == 32);
  CHECK(results.jobs[0].job_completion_time == Duration::ns(27'500));  // LogGOPSim's figure
  // Rank 0 only sends: 5 times, g + (s - 1) G = 1000 of NIC and o = 1500 of CPU apart.
  CHECK(results.records.ranks[0].exposed_communication == Duration::ns(5 * 1500));
  CHECK(results.records.ranks[0].start == SimTime::at(Duration::us(1)));
  // 31 messages, each an op at either end.
  CHECK(results.records.ops.size() == 62);
  for (const RankRecord& rank : results.records.ranks)
    CHECK(rank.compute + rank.exposed_communication + rank.idle == rank.end - rank.start);
}

TEST_CASE("fidelity loggops: parameters of the scenario and collectives", "[loggops]") {
  // 2 (n - 1) c(D / n) with c(s) = L + 2 o + (s - 1) G: 6 * (1000 + 200 + 99 * 2).
  const RunOutcome outcome = run_scenario(
      scenario("  - {collective: {kind: all_reduce, size: 400B, ranks: 4}}",
               "loggops: {latency: 1us, overhead: 100ns, gap: 50ns, gap_per_byte: 2ns}\n"
               "collectives: {channels: 1}\n"));
  CHECK(outcome.results.jobs[0].job_completion_time == Duration::ns(6 * 1398));
  CHECK(outcome.results.collectives.size() == 1);
}

TEST_CASE("fidelity loggops: there is no switch that adds up", "[loggops]") {
  const std::string job = "  - {collective: {kind: all_reduce, size: 400B, ranks: 4}}";
  const std::string legal =
      "legal there: auto ring tree halving_doubling direct hierarchical two_level_tree pat bruck "
      "pairwise pxn dissemination; or choose run.fidelity: packet";
  CHECK_THROWS_WITH(run_scenario(scenario(job, "collectives: {algorithm: nvls}\n")),
                    "loggops.yaml:2:26: collectives.algorithm: nvls needs switches that add up or "
                    "copy, and run.fidelity loggops has none; " +
                        legal);
  CHECK_THROWS_WITH(
      run_scenario(scenario(job, "collectives: {overrides: [{algorithm: nvls_tree}]}\n")),
      Catch::Contains("collectives.overrides.0.algorithm: nvls_tree needs switches") &&
          Catch::Contains(legal));
}

TEST_CASE("fidelity loggops: what has no effect is said, a time limit cuts", "[loggops]") {
  const std::string tree = "  - {trace: " + kFolder + "binary_tree_32.goal.gz}";
  const RunOutcome outcome = run_scenario(parse_scenario(
      "run: {fidelity: loggops, until: 10us}\nfabric: {link: {rate: 100Gbps}}\njobs:\n" + tree,
      "loggops.yaml", ""));
  REQUIRE(outcome.warnings.size() == 1);
  CHECK(outcome.warnings[0] ==
        "loggops.yaml:2:16: fabric.link: has no effect: run.fidelity loggops has hosts and no "
        "fabric between them");
  CHECK(outcome.end == RunEnd::kTimeLimit);
  CHECK(!outcome.results.jobs[0].finished);
}

TEST_CASE("fidelity loggops: a deadlock names the ops", "[loggops]") {
  std::ofstream("loggops_deadlock.goal")
      << "num_ranks 2 rank 0 {\na: recv 8b from 1\nb: send 8b to 1\nb requires a\n} rank 1 {\n"
         "a: recv 8b from 0\nb: send 8b to 0\nb requires a\n}";
  CHECK_THROWS_WITH(
      run_scenario(scenario("  - {trace: loggops_deadlock.goal}")),
      Catch::Contains("job 'job' waits:\n  rank 0, op 'a' (id 2): waits for a message "
                      "from rank 1, tag 0"));
}

}  // namespace plait
