// SPDX-License-Identifier: Apache-2.0
// Memory does not grow with the length of a trace beyond the window that is set.
#include <malloc.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "sim/spill.hpp"
#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "workloads/chakra/writer.hpp"
#include "workloads/trace.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // which has memory of its own
#else
constexpr bool kSanitized = false;
#endif

namespace plait {
namespace {

/// Memory that no file stands behind.
std::int64_t anonymous_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8));
  return 0;
}

/// How far it grows at most.
class AnonymousGrowth {
 public:
  AnonymousGrowth() : thread_([this] { watch(); }) {}
  ~AnonymousGrowth() { stop(); }

  double mib() {
    stop();
    return static_cast<double>(peak_ - start_) / 1024;
  }

 private:
  void watch() {
    while (!stopped_) {
      peak_ = std::max(peak_, anonymous_kib());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

  /// Without what earlier runs have freed and the heap still holds.
  static std::int64_t trimmed_kib() {
    malloc_trim(0);
    return anonymous_kib();
  }

  std::int64_t start_ = trimmed_kib();
  std::int64_t peak_ = start_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

/// Two ranks that compute, exchange a message under one of 1000 tags and reduce, `rounds` times.
std::string write_goal(int rounds) {
  const std::string file = "trace_memory_" + std::to_string(rounds) + ".goal";
  std::ofstream out(file);
  out << "num_ranks 2\n";
  for (int rank = 0; rank < 2; ++rank) {
    out << "rank " << rank << " {\n";
    for (int i = 0; i < rounds; ++i) {
      out << "c" << i << ": calc " << 100 + i % 7 << "\n";
      out << "s" << i << ": send 1000b to " << 1 - rank << " tag " << i % 1000 << "\n";
      out << "r" << i << ": recv 1000b from " << 1 - rank << " tag " << i % 1000 << "\n";
      out << "s" << i << " requires c" << i << "\n";
      if (i > 0) out << "c" << i << " requires r" << i - 1 << "\n";
    }
    out << "}\n";
  }
  return file;
}

/// The same as Chakra, a file per rank.
std::string write_chakra(int rounds) {
  write_chakra_workload(load_trace(write_goal(rounds)), "trace_memory.{rank}.et");
  return "'trace_memory.{rank}.et'";
}

struct Run {
  std::string summary, report;
  SpillVector<OpRecord> ops;
  SpillVector<MessageRecord> messages;
  double growth_mib = 0;
};

Run run(const std::string& trace, const std::string& fidelity, Bytes budget) {
  set_spill_budget(budget);
  AnonymousGrowth growth;
  const Scenario scenario = parse_scenario(
      "fabric: {topology: {kind: single_switch, hosts: 2}, host: {gpus: 1, nics: 1}}\n"
      "run: {fidelity: " +
          fidelity + "}\njobs:\n  - {trace: " + trace + "}\n",
      "memory.yaml", "");
  RunSettings settings;
  settings.threads = 1;
  RunOutcome outcome = run_scenario(scenario, settings);
  Run result;
  result.growth_mib = growth.mib();
  REQUIRE(outcome.end == RunEnd::kFinished);
  result.summary = summary_json(outcome.results);
  result.report = report(outcome.results);
  result.ops = std::move(outcome.results.records.ops);
  result.messages = std::move(outcome.results.records.messages);
  set_spill_budget(kDefaultSpillBudget);
  return result;
}

}  // namespace

TEST_CASE("traces: memory stays in its window however long they are", "[trace_memory]") {
  setenv("TMPDIR", ".", 1);
  const std::string fidelity = GENERATE("analytic", "loggops");
  const bool chakra = GENERATE(false, true);
  CAPTURE(fidelity, chakra);
  // 2 ranks, 3 ops a round of 150 bytes or more in graph, plan, rank and records: 36 windows.
  constexpr int kRounds = 40'000;
  const std::string trace = chakra ? write_chakra(kRounds) : write_goal(kRounds);
  const Run spilled = run(trace, fidelity, Bytes::mebi(1));
  const Run in_memory = run(trace, fidelity, Bytes::gibi(4));
  CHECK(spilled.ops.size() == 2 * 3 * kRounds);
  CHECK(spilled.summary == in_memory.summary);
  CHECK(spilled.report == in_memory.report);
  const auto same_op = [](const OpRecord& a, const OpRecord& b) {
    return a.rank == b.rank && a.op == b.op && a.start == b.start && a.end == b.end;
  };
  CHECK(std::equal(spilled.ops.begin(), spilled.ops.end(), in_memory.ops.begin(),
                   in_memory.ops.end(), same_op));
  CHECK(spilled.messages.size() == in_memory.messages.size());
  if (kSanitized) return;
  CHECK(spilled.growth_mib < 15);
  CHECK(in_memory.growth_mib > 30);
}

}  // namespace plait
