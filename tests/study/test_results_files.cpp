// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "sim/error.hpp"
#include "study/json_output.hpp"
#include "study/output.hpp"
#include "study/report.hpp"
#include "tests/study/synthetic_results.hpp"

namespace plait {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using test::synthetic_results;

/// An empty folder, removed at the end of the test.
struct Folder {
  explicit Folder(const std::string& name) : path(fs::current_path() / name) {
    fs::remove_all(path);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// First column of the first row, as text.
std::string ask(const fs::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  std::string answer = text == nullptr ? "NULL" : text;
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return answer;
}

/// Writes beyond `bytes` fail as they do on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*old_handler_)(int);
  rlimit old_limit_{};
};

TEST_CASE("summary.json holds the figures with their units", "[files]") {
  const Folder folder("results_json");
  write_results(synthetic_results(), folder.path);
  const std::string text = contents(folder.path / "summary.json");
  const auto json = nlohmann::json::parse(text);
  CHECK(json["jobs"][0]["jct_us"] == 1003.0);
  CHECK(json["jobs"][0]["rank_times"]["compute_us"]["max"] == 130.0);
  CHECK(json["collectives"][0]["last_arriver_p50_us"] == 400.0);
  CHECK(json["messages"]["slowdown"]["p99_9"] == 10.0);
  CHECK(json["busiest_links"][0]["name"] == "leaf:1 -> b:0");
  CHECK(json["fingerprint"] == "00000000000000ab");
  CHECK(json["seed"] == 7);
  CHECK_THAT(text, !Contains("seconds"));  // wall-clock figures live in the other file
  const auto performance = nlohmann::json::parse(contents(folder.path / "performance.json"));
  CHECK(performance["threads"] == 2);
  CHECK(performance["packet_hops_per_s"] == 4000.0);
  CHECK(!performance.contains("thread_seconds"));  // was not asked for
}

TEST_CASE("results.sqlite answers questions about every record", "[files]") {
  const Folder folder("results_sqlite");
  write_results(synthetic_results(), folder.path);
  const fs::path file = folder.path / "results.sqlite";
  CHECK(ask(file, "SELECT scenario_yaml FROM run") == "run: {seed: 7}\n");
  CHECK(ask(file, "SELECT jct_ps FROM jobs") == "1003000000");
  CHECK(ask(file, "SELECT compute_ps FROM ranks WHERE rank = 2") == "120000000");
  CHECK(ask(file, "SELECT gpu FROM ranks WHERE rank = 3") == "b/gpu1");
  CHECK(ask(file, "SELECT count(*) FROM ops") == "12");
  CHECK(ask(file, "SELECT collective FROM ops WHERE name = 'second'") == "all_reduce");
  CHECK(ask(file, "SELECT collective FROM ops WHERE name = 'gemm'") == "NULL");
  CHECK(ask(file, "SELECT trace_op FROM ops WHERE name = 'second'") == "30");
  CHECK(ask(file, "SELECT duration_us FROM op_times WHERE name = 'first' AND rank = 3") == "470.0");
  CHECK(ask(file, "SELECT max(slowdown) FROM message_times") == "10.0");
  CHECK(ask(file, "SELECT sum(retransmitted) FROM flows") == "6");
  CHECK(ask(file, "SELECT count(*) FROM links") == "4");
  CHECK(ask(file, "SELECT group_concat(link_id) FROM switch_ports") == "2,3");  // not the hosts'
  CHECK(ask(file, "SELECT name FROM links JOIN switch_ports USING (link_id) WHERE drops > 0") ==
        "leaf:1 -> b:0");
}

TEST_CASE("a message on its way has no delivery time in the file", "[files]") {
  const Folder folder("results_undelivered");
  RunRecords records = test::synthetic_records();
  records.messages.back().delivered = SimTime::never();
  write_results(make_results(records, test::synthetic_context(), {}), folder.path);
  const fs::path file = folder.path / "results.sqlite";
  CHECK(ask(file, "SELECT delivered_ps FROM messages ORDER BY message_id DESC") == "NULL");
  CHECK(ask(file, "SELECT count(*) FROM message_times") == "9");
}

TEST_CASE("figures of messages are null when none arrived", "[files]") {
  RunRecords records = test::synthetic_records();
  for (MessageRecord& message : records.messages) message.delivered = SimTime::never();
  const Results results = make_results(records, test::synthetic_context(), {});
  const auto json = nlohmann::json::parse(summary_json(results));
  CHECK(json["messages"]["count"] == 0);
  for (const char* table : {"completion_us", "slowdown"})
    for (const char* figure : {"p50", "p90", "p99", "p99_9", "max"})
      CHECK(json["messages"][table][figure].is_null());
  CHECK_THAT(report(results), Contains("Messages (0 delivered)"));
}

TEST_CASE("faults have a table and their totals columns", "[files]") {
  const Folder folder("results_faults");
  RunRecords records = test::synthetic_records();
  records.totals.lost_to_faults = 5;
  records.totals.unroutable = 3;
  records.faults = {{.lost = 4}, {.lost = 1}};
  RunContext context = test::synthetic_context();
  context.faults = {{test::at_us(2), "a:leaf down"}, {test::at_us(9), "leaf reboots"}};
  write_results(make_results(records, context, {}), folder.path);
  const fs::path file = folder.path / "results.sqlite";
  CHECK(ask(file, "SELECT lost_to_faults FROM run") == "5");
  CHECK(ask(file, "SELECT unroutable FROM run") == "3");
  CHECK(ask(file, "SELECT count(*) FROM faults") == "2");
  CHECK(ask(file, "SELECT event FROM faults WHERE at_ps = 9000000") == "leaf reboots");
  CHECK(ask(file, "SELECT frames_lost FROM faults ORDER BY at_ps") == "4");
}

TEST_CASE("an unfinished job has no end and no completion time in the file", "[files]") {
  const Folder folder("results_unfinished");
  RunRecords records = test::synthetic_records();
  records.ranks[1].finished = false;
  write_results(make_results(records, test::synthetic_context(), {}), folder.path);
  const fs::path file = folder.path / "results.sqlite";
  CHECK(ask(file, "SELECT jct_ps FROM jobs") == "NULL");
  CHECK(ask(file, "SELECT end_ps FROM jobs") == "NULL");
  CHECK(ask(file, "SELECT group_concat(finished) FROM ranks") == "1,0,1,1");
}

TEST_CASE("equal results give equal files and replace older ones", "[files]") {
  const Folder a("results_a");
  const Folder b("results_b");
  write_results(synthetic_results(), a.path);
  Results other = synthetic_results();
  other.performance.run_seconds = 99;
  write_results(other, b.path);
  write_results(other, b.path);
  for (const char* file : {"summary.json", "results.sqlite"})
    CHECK(contents(a.path / file) == contents(b.path / file));
  CHECK(std::distance(fs::directory_iterator(b.path), fs::directory_iterator()) == 3);
}

TEST_CASE("a folder that cannot be written is the user's mistake", "[files]") {
  const Folder folder("results_blocked");
  fs::create_directories(folder.path);
  std::ofstream(folder.path / "file") << "in the way";
  CHECK_THROWS_WITH(check_output_directory(folder.path / "file" / "out"),
                    Contains("cannot write results to") && Contains("Not a directory"));
  CHECK_THROWS_AS(write_results(synthetic_results(), folder.path / "file"), UserError);
  CHECK(contents(folder.path / "file") == "in the way");
}

TEST_CASE("a full disk is the user's mistake and leaves nothing behind", "[files]") {
  const Folder folder("results_full");
  fs::create_directories(folder.path);
  {
    const FileSizeLimit limit(8192);  // the JSON files fit, the database does not
    CHECK_THROWS_WITH(write_results(synthetic_results(), folder.path),
                      Contains("cannot write results to") && Contains("SQLite"));
  }
  {
    const FileSizeLimit limit(16);
    CHECK_THROWS_AS(write_results(synthetic_results(), folder.path), UserError);
  }
  CHECK(fs::is_empty(folder.path));
}

}  // namespace
}  // namespace plait
