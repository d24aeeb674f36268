// SPDX-License-Identifier: Apache-2.0
// Every example runs, prints what examples/expected.csv says, and gives the same fingerprint for
// any number of threads. After a change that is meant to change results, copy the figures that a
// failing test prints and say in the commit why they moved.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "study/run.hpp"

namespace plait {
namespace {

struct Expected {
  std::string scenario, fingerprint;
  std::int64_t end_ps = 0;
  std::uint64_t packet_hops = 0;
};

std::vector<Expected> read_expected() {
  std::ifstream in(PLAIT_EXAMPLES "expected.csv");
  REQUIRE(in);
  std::vector<Expected> rows;
  std::string line;
  std::getline(in, line);
  REQUIRE(line == "scenario,end_ps,packet_hops,fingerprint");
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    Expected row;
    std::string end, hops;
    std::getline(fields, row.scenario, ',');
    std::getline(fields, end, ',');
    std::getline(fields, hops, ',');
    std::getline(fields, row.fingerprint);
    row.end_ps = std::stoll(end);
    row.packet_hops = std::stoull(hops);
    rows.push_back(row);
  }
  return rows;
}

Results run(const std::string& file, unsigned threads, bool plain_paths = false) {
  RunSettings settings;
  settings.threads = threads;
  Scenario scenario = load_scenario(PLAIT_EXAMPLES + file);
  scenario.run.plain_paths = plain_paths;
  RunOutcome outcome = run_scenario(scenario, settings);
  REQUIRE(outcome.end == RunEnd::kFinished);
  return std::move(outcome.results);
}

bool small_enough([[maybe_unused]] const Expected& row) {
#ifdef PLAIT_SMALL_EXAMPLES
  return row.packet_hops < 5'000'000;
#else
  return true;
#endif
}

}  // namespace

TEST_CASE("every example gives its recorded figures, for 1, 2, 3 and 8 threads", "[examples]") {
  const auto rows = read_expected();
  CHECK(rows.size() == 15);
  for (const Expected& row : rows) {
    if (!small_enough(row)) continue;
    for (const unsigned threads : {1U, 2U, 3U, 8U}) {
      CAPTURE(row.scenario, threads);
      const Results results = run(row.scenario, threads);
      const RunTotals& totals = results.records.totals;
      CHECK(fingerprint_text(results) == row.fingerprint);
      CHECK(totals.end.ps() == row.end_ps);
      CHECK(totals.packet_hops == row.packet_hops);
    }
  }
}

TEST_CASE("every example gives the same without any fast path", "[examples]") {
  for (const Expected& row : read_expected()) {
    if (!small_enough(row)) continue;
    CAPTURE(row.scenario);
    const Results results = run(row.scenario, 2, true);
    CHECK(fingerprint_text(results) == row.fingerprint);
    CHECK(results.records.totals.end.ps() == row.end_ps);
    CHECK(results.records.totals.calm_visits == 0);
  }
}

}  // namespace plait
