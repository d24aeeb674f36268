// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "study/report.hpp"
#include "study/text_table.hpp"
#include "tests/study/synthetic_results.hpp"

namespace plait {
namespace {

using Catch::Contains;
using test::synthetic_context;
using test::synthetic_records;
using test::synthetic_results;

TEST_CASE("numbers are written for people", "[report]") {
  CHECK(human(Duration::us(630'764), 6) == "630.764 ms");
  CHECK(human(Duration::ps(170'091'000)) == "170.1 us");
  CHECK(human(Duration()) == "0");
  CHECK(human(Bytes(999)) == "999 B");
  CHECK(human(Bytes::mebi(64)) == "64 MiB");
  CHECK(human_rate(400e9) == "400 Gb/s");
  CHECK(human_count(9999) == "9999");
  CHECK(human_count(12'345'678) == "12.3 M");
  CHECK(percent(0.1234) == "12.3 %");
}

TEST_CASE("a table aligns its columns and cuts only names", "[report]") {
  TextTable table("Title", {"name", "value"}, 1);
  CHECK(table.text().empty());
  table.add({"a-very-long-name-indeed", "12345"});
  table.add({"b", "6"});
  CHECK(table.text() ==
        "Title\n"
        "  name                     value\n"
        "  a-very-long-name-indeed  12345\n"
        "  b                            6\n\n");
  // Indent 2 + name 11 + gap 2 + value 5 = 20.
  CHECK(table.text(20) ==
        "Title\n"
        "  name         value\n"
        "  a-very-lo..  12345\n"
        "  b                6\n\n");
}

TEST_CASE("the report names what an architect asks for and fits 100 columns", "[report]") {
  const std::string text = report(synthetic_results());
  INFO(text);
  CHECK_THAT(text, Contains("synthetic: single_switch, 2 hosts, 4 GPUs, seed 7"));
  CHECK_THAT(text, Contains("1.00300 ms"));  // JCT
  CHECK_THAT(text, Contains("b/gpu1"));
  CHECK_THAT(text, Contains("all_reduce"));
  CHECK_THAT(text, Contains("leaf:1 -> b:0"));
  CHECK_THAT(
      text,
      Contains("PFC pauses 2, ECN marks 4, drops 3, lost on links 0, retransmitted 6, timeouts 1"));
  CHECK_THAT(text, Contains("fingerprint 00000000000000ab"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("wall-clock figures stand on a line of their own", "[report]") {
  const Results results = synthetic_results();
  CHECK_THAT(report(results), !Contains("Wall"));
  // 1000 packet-hops in 0.25 s.
  CHECK_THAT(performance_line(results), Contains("4000 packet-hops/s"));
  CHECK(timing_line(results).empty());
}

TEST_CASE("shares of the run are those of all threads' time", "[report]") {
  Results results = synthetic_results();
  Performance& figures = results.performance;
  figures.threads = 2;
  figures.build_seconds = 0.5;
  figures.run_seconds = 2;  // 4 thread-seconds
  figures.results_seconds = 0.125;
  figures.timed = true;
  figures.visits = {1, 2, 0.2};  // what is left of 4: 0.8
  CHECK(timing_line(results) ==
        "Phases: build 0.50 s; run: switches 25.0 %, hosts 50.0 %, ranks 5.0 %, engine 20.0 %; "
        "results 0.12 s");
}

TEST_CASE("empty sections are left out", "[report]") {
  RunContext context = synthetic_context();
  context.jobs.clear();
  const std::string text = report(make_results({}, context, {}));
  for (const char* section : {"Jobs", "Ranks", "Collectives", "Messages", "Busiest", "Flows"})
    CHECK_THAT(text, !Contains(section));
}

TEST_CASE("many ranks are cut to sixteen rows and a summary", "[report]") {
  RunRecords records = synthetic_records();
  RunContext context = synthetic_context();
  records.ops.clear();
  const RankRecord first = records.ranks[0];
  records.ranks.clear();
  for (std::size_t r = 0; r < 40; ++r) {
    records.ranks.push_back(first);
    records.ranks.back().rank = RankId(r);
    records.ranks.back().gpu = GpuId(r % 4);
  }
  const std::string text = report(make_results(records, context, {}));
  CHECK_THAT(text, Contains("\n  15 "));
  CHECK_THAT(text, !Contains("\n  16 "));
  CHECK_THAT(text, Contains("(24 more)"));
  CHECK_THAT(text, Contains("\n  median "));
}

TEST_CASE("a run that was cut short says so", "[report]") {
  RunContext context = synthetic_context();
  context.complete = false;
  CHECK_THAT(report(make_results(synthetic_records(), context, {})), Contains("CUT SHORT"));
}

}  // namespace
}  // namespace plait
