// SPDX-License-Identifier: Apache-2.0
// Runs that end before their jobs do, and runs of several jobs.
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "tests/study/synthetic_results.hpp"

namespace plait {
namespace {

using Catch::Contains;

// Job "short" on hosts 0 and 1, job "long" on hosts 2 and 3, which starts 5 us later. Each rank
// sends one message to the other of its job.
Results two_jobs(const std::string& until) {
  const std::string text =
      "fabric:\n"
      "  topology: {kind: single_switch, hosts: 4}\n"
      "  host: {gpus: 1, nics: 1}\n"
      "  link: {rate: 100Gbps, delay: 1us}\n"
      "transport: {mtu: 1000B}\n"
      "jobs:\n"
      "  - {name: short, traffic: {pattern: shift, ranks: 2, size: 10KB}}\n"
      "  - {name: long, start: 5us, traffic: {pattern: shift, ranks: 2, size: 10MB}}\n"
      "run: {until: " +
      until + "}\n";
  return run_scenario(parse_scenario(text, "jobs.yaml", ""), {1, {}}).results;
}

/// Rank 2 and 3 of the synthetic job have not finished their second all-reduce.
RunRecords cut_records() {
  RunRecords records = test::synthetic_records();
  records.totals.end = test::at_us(900);
  records.ranks[2].finished = records.ranks[3].finished = false;
  records.ranks[2].end = records.ranks[3].end = test::at_us(900);
  std::erase_if(records.ops,
                [](const OpRecord& op) { return op.op == OpId(2) && op.rank.value() >= 2; });
  return records;
}

TEST_CASE("messages know the job of their GPUs", "[cut]") {
  const Results results = two_jobs("0s");
  REQUIRE(results.records.messages.size() == 4);
  for (const MessageRecord& message : results.records.messages) {
    // The second job's messages have 10 MB; both ranks of a job are placed on its own GPUs.
    CHECK(message.job == JobId(message.size == Bytes::mega(10) ? 1 : 0));
  }
}

TEST_CASE("a job that the run's end cut short has no completion time", "[cut]") {
  // 10 MB at 100 Gb/s take 800 us at least; 10 KB far less than 100 us.
  const Results results = two_jobs("100us");
  REQUIRE_FALSE(results.context.complete);
  REQUIRE(results.jobs.size() == 2);
  CHECK(results.jobs[0].finished);
  CHECK(results.jobs[0].job_completion_time > Duration());
  CHECK_FALSE(results.jobs[1].finished);
  CHECK(results.jobs[1].end == SimTime::never());
  for (const RankRecord& rank : ranks_of(results, JobId(1))) {
    CHECK(rank.end == results.records.totals.end);
    CHECK(rank.compute + rank.exposed_communication + rank.idle == rank.end - rank.start);
    CHECK(rank.exposed_communication > Duration::us(90));  // from 5 us on
  }
  CHECK(results.records.totals.end == test::at_us(100));

  const std::string text = report(results);
  INFO(text);
  CHECK_THAT(text, Contains("unfinished"));
  const auto json = nlohmann::json::parse(summary_json(results));
  CHECK(json["jobs"][0]["jct_us"].is_number());
  CHECK(json["jobs"][1]["jct_us"].is_null());
  CHECK(json["jobs"][1]["end_us"].is_null());
}

TEST_CASE("a job that has not started took no time", "[cut]") {
  const Results results = two_jobs("4us");
  CHECK_FALSE(results.jobs[1].finished);
  for (const RankRecord& rank : ranks_of(results, JobId(1))) {
    CHECK(rank.start == results.records.totals.end);
    CHECK(times_of(rank).total == Duration());
  }
}

TEST_CASE("collectives that ended on all ranks are listed for a run that was cut", "[cut]") {
  const Results results = make_results(cut_records(), test::synthetic_context(), {});
  CHECK_FALSE(results.jobs[0].finished);
  REQUIRE(results.collectives.size() == 1);
  CHECK(results.collectives[0].calls == 1);
  // Only the first call: 500, 490, 480, 470; two ranks' second call does not count.
  CHECK(results.collectives[0].p50 == Duration::us(480));
}

TEST_CASE("shares of rank times are quantiles of the ranks' own shares", "[cut]") {
  RunRecords records = test::synthetic_records();
  records.ranks.resize(2);
  records.ranks[0].compute = Duration::us(90);  // of 100 us
  records.ranks[0].end = test::at_us(100);
  records.ranks[1].compute = Duration::us(100);  // of 1000 us
  records.ranks[1].end = test::at_us(1000);
  CHECK(rank_share_quantile(records.ranks, &RankTimes::compute, 0) == Approx(0.1));
  CHECK(rank_share_quantile(records.ranks, &RankTimes::compute, 1) == Approx(0.9));
}

TEST_CASE("rank times have quantiles per job, and hosts no queue", "[cut]") {
  const std::string text = report(two_jobs("0s"));
  INFO(text);
  CHECK_THAT(text, Contains("short:median") && Contains("long:median"));
  CHECK_THAT(text, Contains("4 hosts, 1 switch, 4 cables, 4 GPUs"));
  const std::size_t host = text.find("host2:0 ->");
  REQUIRE(host != std::string::npos);
  CHECK_THAT(text.substr(host, text.find('\n', host) - host), Contains(" - "));
}

}  // namespace
}  // namespace plait
