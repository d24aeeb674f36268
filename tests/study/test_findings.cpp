// SPDX-License-Identifier: Apache-2.0
// Pathologies: each from a run that has it, and none from runs that do not.
#include <catch2/catch.hpp>
#include <fstream>

#include "sim/error.hpp"
#include "study/findings.hpp"
#include "study/run.hpp"
#include "tests/study/synthetic_results.hpp"
#include "tests/support/test_folder.hpp"

namespace plait {
namespace {

using Catch::Contains;

Results run(const std::string& yaml) {
  return std::move(run_scenario(parse_scenario(yaml, "findings.yaml", "", {})).results);
}

std::vector<Finding> of_kind(const Results& results, FindingKind kind) {
  std::vector<Finding> found;
  for (const Finding& finding : results.findings)
    if (finding.kind == kind) found.push_back(finding);
  return found;
}

std::string flows_file(const std::string& lines) {
  static const test::TestFolder folder("findings");
  const std::string file = folder.file("flows.csv");
  std::ofstream(file) << "src,dst,bytes,start\n" << lines;
  return "jobs: [{name: job, flows: " + file + "}]\n";
}

// Four hosts per leaf, one spine: node order makes GPUs 0-3 hang on leaf0, 4-7 on leaf1.
const std::string kTwoLeaves =
    "fabric:\n"
    "  topology: {kind: leaf_spine, hosts: 8, hosts_per_leaf: 4, spines: 1}\n"
    "  host: {gpus: 1, nics: 1}\n"
    "  link: {rate: 100Gbps, delay: 500ns}\n"
    "  switch: {buffer: 2MB}\n"
    "transport: {congestion_control: {kind: none, bdp_multiple: 0}}\n";

}  // namespace

TEST_CASE("Jain's index by its definition", "[findings]") {
  CHECK(jain_index({3, 3, 3}) == Approx(1));
  CHECK(jain_index({1, 0, 0, 0}) == Approx(0.25));
  CHECK(jain_index({1, 2, 3}) == Approx(36.0 / (3 * 14)));
}

TEST_CASE("an incast through a spine is a storm with its root at the last port", "[findings]") {
  // Hosts 4, 5, 6 send to host 0: leaf0 pauses the spine, the spine leaf1, leaf1 the hosts.
  const Results results =
      run(kTwoLeaves + flows_file("4,0,5MB,0us\n5,0,5MB,0us\n1,0,5MB,0us\n6,0,5MB,0us\n"));
  const auto storms = of_kind(results, FindingKind::kPfcStorm);
  REQUIRE(storms.size() == 1);
  CHECK(storms[0].object == "leaf0:0 -> host0:0");
  CHECK_THAT(storms[0].text, Contains("spread over 3 hops"));
  // host1 -> leaf0, spine -> leaf0, leaf1 -> spine, and the three hosts on leaf1.
  CHECK(storms[0].value == 6);
  CHECK(of_kind(results, FindingKind::kHeadOfLine).empty());  // all go to the congested port
  CHECK_THAT(findings_section(results), Contains("warning: PFC storm"));
}

TEST_CASE("a flow behind the pauses of an incast is a victim of it", "[findings]") {
  // As above, and host 7 sends to host 3, whose link is free, through the paused spine.
  const Results results = run(kTwoLeaves + flows_file("4,0,5MB,0us\n5,0,5MB,0us\n1,0,5MB,0us\n"
                                                      "6,0,5MB,0us\n7,3,1MB,0us\n"));
  const auto victims = of_kind(results, FindingKind::kHeadOfLine);
  REQUIRE(victims.size() == 1);
  CHECK(victims[0].value == 1);
  CHECK(victims[0].object == "spine0:0 -> leaf0:4");
  CHECK_THAT(victims[0].text, Contains("host7/gpu0 -> host3/gpu0"));
}

TEST_CASE("an incast counts its senders; a healthy run has no findings", "[findings]") {
  const std::string fabric =
      "fabric: {topology: {kind: single_switch, hosts: 17}, host: {gpus: 1, nics: 1}, link: {rate: "
      "100Gbps, delay: 1us}}\n"
      "transport: {congestion_control: {kind: none}}\n";
  const Results incast =
      run(fabric + "jobs: [{name: j, traffic: {pattern: incast, ranks: 17, size: 1MB}}]\n");
  const auto found = of_kind(incast, FindingKind::kIncast);
  REQUIRE(found.size() == 1);
  CHECK(found[0].value == 16);
  CHECK(found[0].object == "leaf0:0 -> host0:0");
  // Shared equally: 16 times the ideal time of each.
  CHECK(found[0].severity == Severity::kNote);
  CHECK(of_kind(incast, FindingKind::kUnfairness).empty());
  const Results healthy =
      run(fabric + "jobs: [{name: j, traffic: {pattern: permutation, ranks: 16, size: 1MB}}]\n");
  CHECK(healthy.findings.empty());
  CHECK(findings_section(healthy).empty());
}

TEST_CASE("headroom that is too small is named, with what is needed", "[findings]") {
  const Results results =
      run("fabric:\n"
          "  topology: {kind: single_switch, hosts: 5}\n"
          "  host: {gpus: 1, nics: 1}\n"
          "  link: {rate: 100Gbps, delay: 5us}\n"
          "  switch: {buffer: 400KB, pfc: {headroom: 5KB}}\n"
          "transport: {congestion_control: {kind: none, bdp_multiple: 0}}\n"
          "jobs: [{name: j, traffic: {pattern: incast, ranks: 5, size: 1MB}}]\n");
  const auto found = of_kind(results, FindingKind::kHeadroomOverflow);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::kError);
  CHECK(found[0].value == static_cast<double>(results.records.totals.lossless_drops));
  CHECK_THAT(found[0].text, Contains("leaf0:0 -> host0:0; enlarge fabric.switch.pfc.headroom, "));
  // 2 x 5.4 us of cable and pipeline at 100 Gb/s (the way back ends at a host: 10.4 us) = 130 KB,
  // three packets of 4178 B and a pause frame.
  CHECK(results.context.headroom_needed > Bytes(125'000 + 3 * 4178));
  CHECK(results.context.headroom_needed < Bytes(150'000));
}

TEST_CASE("senders that get unequal shares are named", "[findings]") {
  RunRecords records = test::synthetic_records();
  records.messages.clear();
  // To host a from four GPUs of b... two hosts have four GPUs: a0, a1 receive from b0, b1 only, so
  // too few senders for an index.
  for (std::size_t i = 0; i < 8; ++i) {
    MessageRecord m;
    m.job = JobId(0);
    m.from = GpuId(2 + i % 2);
    m.to = GpuId(0);
    m.size = Bytes::mega(1);
    m.delivered = test::at_us(i % 2 == 0 ? 10 : 100);
    m.ideal = Duration::us(5);
    records.messages.push_back(m);
  }
  CHECK(of_kind(make_results(records, test::synthetic_context(), {}), FindingKind::kUnfairness)
            .empty());
  // Five hosts; host 4 receives 1 MB from each other, one of them gets there first.
  FabricGraph graph;
  std::vector<NodeId> hosts;
  for (int i = 0; i < 5; ++i) hosts.push_back(graph.add_host("h" + std::to_string(i), 1));
  const NodeId leaf = graph.add_switch("leaf", 1);
  for (const NodeId host : hosts) graph.connect(host, leaf, {});
  graph.finalize();
  RunRecords five;
  five.links.resize(graph.port_count());
  for (std::size_t i = 0; i < 4; ++i) {
    MessageRecord m = records.messages[0];
    m.from = GpuId(i);
    m.to = GpuId(4);
    m.delivered = test::at_us(i == 0 ? 10 : 100);
    five.messages.push_back(m);
  }
  RunContext context = test::synthetic_context();
  context.jobs.clear();
  context.graph = std::make_shared<const FabricGraph>(std::move(graph));
  const auto found = of_kind(make_results(five, context, {}), FindingKind::kUnfairness);
  REQUIRE(found.size() == 1);
  // Shares 10, 1, 1, 1: 13^2 / (4 * 103) = 0.41.
  CHECK(found[0].value == Approx(169.0 / 412));
  CHECK_THAT(found[0].text, Contains("10.0 times as much"));
}

TEST_CASE("the example of a ring deadlocks, and its cycle comes first", "[findings][deadlock]") {
  const std::string file = std::string(PLAIT_EXAMPLES) + "pfc_deadlock/scenario.yaml";
  CHECK_THROWS_WITH(
      run_scenario(load_scenario(file)),
      Contains("PFC deadlock: s0:1 -> s1:2 -> s2:2 -> s3:2 -> s0 (priority 3) have paused"));
  CHECK_THROWS_AS(run_scenario(load_scenario(file)), DeadlockError);
  // Cut by a time limit before the check, the report says it.
  const RunOutcome cut = run_scenario(load_scenario(file, {"run.until=500us"}));
  const auto found = of_kind(cut.results, FindingKind::kPfcDeadlock);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::kError);
  CHECK(found[0].object == "s0:1 -> s1:2 -> s2:2 -> s3:2 -> s0 (priority 3)");
  CHECK(found[0].value < 100);
}

}  // namespace plait
