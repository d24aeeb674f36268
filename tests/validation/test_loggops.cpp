// SPDX-License-Identifier: Apache-2.0
// Every finish time in loggops/results.csv, which LogGOPSim computed, to the nanosecond.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "models/loggops/simulator.hpp"
#include "workloads/goal/reader.hpp"

namespace plait {
namespace {

const std::string kFolder = std::string(PLAIT_SOURCE_DIR) + "/tests/validation/loggops/";

struct Row {
  std::string pattern, ranks, bytes, set;
  LogGopsParams params;
  std::int64_t sends = 0, min_ns = 0, max_ns = 0;
};

std::vector<Row> read_rows() {
  std::ifstream in(kFolder + "results.csv");
  std::string line;
  std::getline(in, line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    std::stringstream cells(line);
    std::vector<std::string> cell;
    for (std::string one; std::getline(cells, one, ',');) cell.push_back(one);
    const auto ns = [&](std::size_t i) { return Duration::ns(std::stoll(cell[i])); };
    Row row{cell[0], cell[1], cell[2], cell[3], {}, 0, 0, 0};
    row.params = {ns(4), ns(5), ns(6), ns(7), ns(8), Bytes(std::stoll(cell[9]))};
    row.sends = std::stoll(cell[10]);
    row.min_ns = std::stoll(cell[13]);
    row.max_ns = std::stoll(cell[14]);
    rows.push_back(row);
  }
  return rows;
}

// As schedgen writes a ring all-reduce: 2 (n - 1) rounds of D / n, each send after the receive of
// the round before.
std::string ring(int ranks, int bytes) {
  std::ostringstream out;
  out << "num_ranks " << ranks << "\n";
  for (int r = 0; r < ranks; ++r) {
    out << "\nrank " << r << " {\n";
    for (int round = 0; round < 2 * (ranks - 1); ++round) {
      const int label = 2 * round + 1;
      out << "l" << label << ": send " << bytes / ranks << "b to " << (r + 1) % ranks << " tag 0\n";
      if (round > 0) out << "l" << label << " requires l" << label - 1 << "\n";
      out << "l" << label + 1 << ": recv " << bytes / ranks << "b from " << (r + ranks - 1) % ranks
          << " tag 0\n";
    }
    out << "}\n";
  }
  return out.str();
}

Workload schedule(const Row& row) {
  if (row.pattern != "allreduce_ring" || row.ranks == "8")
    return load_goal_workload(kFolder + row.pattern + "_n" + row.ranks + "_d" + row.bytes +
                              ".goal.gz");
  std::ofstream("validation_ring.goal") << ring(std::stoi(row.ranks), std::stoi(row.bytes));
  return load_goal_workload("validation_ring.goal");
}

std::pair<std::int64_t, std::int64_t> finish_ns(const Workload& workload,
                                                const LogGopsParams& params) {
  LogGopsSimulator simulator(workload, params, GpuParams(), SimTime::zero());
  simulator.run(SimTime::never());
  REQUIRE(simulator.finished());
  std::int64_t low = INT64_MAX, high = 0;
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
    const std::int64_t ps = simulator.finish(RankId(rank)).ps();
    REQUIRE(ps % 1000 == 0);
    low = std::min(low, ps / 1000);
    high = std::max(high, ps / 1000);
  }
  return {low, high};
}

}  // namespace

TEST_CASE("LogGOPS: finish times of LogGOPSim to the nanosecond", "[loggops]") {
  const std::vector<Row> rows = read_rows();
  REQUIRE(rows.size() == 42);
  for (const Row& row : rows) {
    INFO(row.pattern << " n=" << row.ranks << " d=" << row.bytes << " " << row.set);
    const Workload workload = schedule(row);
    std::int64_t sends = 0;
    for (const auto& graph : workload.graphs)
      for (const Op& op : graph->ops()) sends += op.kind == OpKind::kSend;
    CHECK(sends == row.sends);
    CHECK(finish_ns(workload, row.params) == std::pair(row.min_ns, row.max_ns));
  }
}

TEST_CASE("LogGOPS: an application with overlap and a tree, as LogGOPSim", "[loggops]") {
  CHECK(finish_ns(load_goal_workload(kFolder + "schedgen_resnet_n16.goal.gz"), {}).second ==
        5'779'086'328);
  CHECK(finish_ns(load_goal_workload(kFolder + "binary_tree_32.goal.gz"), {}).second == 27'500);
}

// The generator above is the one that made the file of 8 ranks.
TEST_CASE("LogGOPS: the ring that the test writes is schedgen's", "[loggops]") {
  std::ofstream("validation_ring8.goal") << ring(8, 1048576);
  const Workload mine = load_goal_workload("validation_ring8.goal");
  const Workload file = load_goal_workload(kFolder + "allreduce_ring_n8_d1048576.goal.gz");
  for (std::size_t rank = 0; rank < 8; ++rank) {
    REQUIRE(mine.graphs[rank]->size() == file.graphs[rank]->size());
    for (std::size_t i = 0; i < mine.graphs[rank]->size(); ++i) {
      const Op& a = mine.graphs[rank]->op(OpId(i));
      const Op& b = file.graphs[rank]->op(OpId(i));
      CHECK((a.kind == b.kind && a.peer == b.peer && a.size == b.size));
      CHECK(std::ranges::equal(mine.graphs[rank]->dependencies(OpId(i)),
                               file.graphs[rank]->dependencies(OpId(i))));
    }
  }
}

}  // namespace plait
