// SPDX-License-Identifier: Apache-2.0
// The judgement itself: a wrong result must not pass, and files with mistakes must be refused.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "sim/error.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/single_switch.hpp"
#include "validation/case_table.hpp"
#include "validation/comparison.hpp"
#include "validation/flow_comparison.hpp"
#include "validation/flow_run.hpp"
#include "validation/flow_table.hpp"
#include "validation/htsim_model.hpp"
#include "validation/pause_log.hpp"
#include "validation/report.hpp"

namespace plait::validation {
namespace {

std::vector<Duration> ns(const std::vector<std::int64_t>& values) {
  std::vector<Duration> times;
  for (const std::int64_t value : values) times.push_back(Duration::ns(value));
  return times;
}

std::string file_with(const std::string& name, const std::string& text) {
  std::ofstream(name) << text;
  return name;
}

}  // namespace

TEST_CASE("one nanosecond is a difference", "[validation]") {
  const FlowComparison flows = compare_flows(ns({1000, 2000, 4000}), ns({1000, 2001, 3998}));
  CHECK(flows.equal == 1);
  CHECK_FALSE(flows.exact());
  CHECK(flows.worst == 2);
  CHECK(flows.difference(2) == -2);
  CHECK(flows.mean_theirs == Approx(7000 / 3.0));
  CHECK(flows.sorted_worst == Approx(1 / 2000.0));
  // A picosecond is one as well, even if it rounds to the same nanosecond.
  CHECK_FALSE(compare_flows(ns({1000}), {Duration::ps(1'000'001)}).exact());
}

TEST_CASE("flows that swapped places are equal only when sorted", "[validation]") {
  const FlowComparison flows = compare_flows(ns({1000, 2000}), ns({2000, 1000}));
  CHECK(flows.equal == 0);
  CHECK(flows.sorted_worst == 0);
}

TEST_CASE("ties of first packets", "[validation]") {
  // Hosts 0, 1, 2 send to host 3 through one switch; 0 and 1 together, 2 one ns later. A packet of
  // 1036 B takes 83 ns at 100 Gbps with a clock of 1 ns: 0 and 1 meet at 83 + 1000 ns.
  SingleSwitchParams shape;
  shape.hosts = 4;
  const FabricGraph graph = build(shape, htsim_parts());
  NetworkParams params;
  params.wire.clock = Duration::ns(1);
  params.transport.mtu = Bytes(1000);
  params.transport.header = Bytes(36);
  params.transport.gap = Bytes(0);
  const NodeId sw = graph.switches()[0];
  std::vector<Flow> flows;
  std::vector<std::vector<NodeId>> paths;
  for (std::uint32_t from = 0; from < 3; ++from) {
    flows.push_back({from, 3, Bytes::mega(2), SimTime::at(Duration::ns(from == 2 ? 1 : 0))});
    paths.push_back({graph.hosts()[from], sw, graph.hosts()[3]});
  }
  const std::vector<Tie> ties = first_packet_ties(graph, params, flows, paths);
  REQUIRE(ties.size() == 1);
  CHECK(ties[0].node == sw);
  CHECK(ties[0].next == graph.hosts()[3]);
  CHECK(ties[0].ns == 1083);
  CHECK(ties[0].flows == 2);
  // Two flows of one host share its NIC: their packets never arrive together.
  flows[1].from = 0;
  CHECK(first_packet_ties(graph, params, flows, paths).empty());
}

TEST_CASE("tables of published figures", "[validation]") {
  const std::string file = file_with("validation_table.csv", "a;b\n1;2\r\n");
  CHECK(read_cells(file, ';', 2) == std::vector<std::vector<std::string>>{{"1", "2"}});
  CHECK_THROWS_WITH(read_cells(file, ';', 3),
                    Catch::Contains("validation_table.csv:2") && Catch::Contains("2 fields"));
  CHECK_THROWS_WITH(read_cells("missing.csv", ',', 2), Catch::Contains("cannot be read"));
  CHECK(number_in(file, "1.5") == 1.5);
  CHECK_THROWS_WITH(number_in(file, "1.5x"), Catch::Contains("'1.5x' is no number"));
}

TEST_CASE("the rows that are furthest off stand first", "[validation]") {
  const auto outcome = [](const std::string& name, double error) {
    Row row{{name, "1MB", "packet", "ring", "1", "1", signed_percent(error), ""}};
    row.error = error;
    return Outcome{name, {TableId::kBus, {row}, {}}};
  };
  const std::string text = table({outcome("near", 0.1), outcome("far", -0.5)}, TableId::kBus);
  CHECK(text.find("far") < text.find("near"));
}

TEST_CASE("pause logs", "[validation]") {
  const std::string log = file_with("validation_pauses.txt",
                                    "2000001000 17 1 3 1\n2000001000 4 0 1 1\n"
                                    "2000005000 4 0 1 0\n");
  const std::vector<PauseEvent> theirs = read_pause_log(log);
  REQUIRE(theirs.size() == 3);
  CHECK(theirs[0] == PauseEvent{1000, 17, 2, true});
  std::vector<PauseEvent> ours{{1000, 4, 0, true}, {1000, 17, 2, true}, {5000, 4, 0, false}};
  CHECK(compare_pauses(theirs, ours).exact());
  ours[2].ns = 5001;
  const PauseComparison wrong = compare_pauses(theirs, ours);
  CHECK_FALSE(wrong.exact());
  CHECK(wrong.equal == 2);
  CHECK(wrong.first_difference == "only theirs: resume at node 4 port 0 at 5000 ns");
  CHECK_FALSE(compare_pauses(theirs, {}).exact());
  CHECK_FALSE(compare_pauses({}, ours).exact());
  file_with("validation_pauses.txt", "1999999999 17 1 3 1\n");
  CHECK_THROWS_WITH(read_pause_log(log), Catch::Contains("validation_pauses.txt:1"));
}

TEST_CASE("pause records in the numbers of a log", "[validation]") {
  PauseRecord record;
  record.time = SimTime::at(Duration::ns(1083));
  record.node = NodeId(5);
  record.port = 2;
  record.pause = false;
  CHECK(pause_events({record}) == std::vector<PauseEvent>{{1083, 5, 2, false}});
}

TEST_CASE("flow tables", "[validation]") {
  const std::string file = file_with(
      "validation_flows.csv", "src,dst,size_bytes,start_us,fct_us\r\n3,2,2000000,0,176.689\r\n");
  const FlowTable table = read_flow_table(file);
  REQUIRE(table.flows.size() == 1);
  CHECK(table.flows[0].from == 3);
  CHECK(table.flows[0].size == Bytes::mega(2));
  CHECK(table.completion[0] == Duration::ns(176'689));
  CHECK_FALSE(table.has_paths);
  file_with("validation_flows.csv", "src,dst,bytes,start_ns,fct_ns\n0,1,5,0\n");
  CHECK_THROWS_WITH(read_flow_table(file), Catch::Contains("validation_flows.csv:2"));
  file_with("validation_flows.csv", "src,dst,bytes,start_ns,fct_ns\n0,1,many,0,1\n");
  CHECK_THROWS_WITH(read_flow_table(file), Catch::Contains("'many' is not a number"));
  file_with("validation_flows.csv", "src,dst,bytes,fct_ns\n0,1,5,1\n");
  CHECK_THROWS_WITH(read_flow_table(file), Catch::Contains("start_ns or start_us"));
  file_with("validation_flows.csv", "src,dst,bytes,start_ns,fct_ns\n");
  CHECK_THROWS_WITH(read_flow_table(file), Catch::Contains("no flows"));
}

TEST_CASE("htsim's closed form", "[validation]") {
  // 2 MB are 489 packets of 4096 B; (489 - 1) * 332.8 ns + 2 * 1332.8 ns + 2 * 1005.12 ns.
  CHECK(htsim_padded(Bytes::mega(2)) == Bytes(489 * 4096));
  CHECK(htsim_single_flow(Bytes(489 * 4096), 2) == Duration::ps(167'082'240));
}

TEST_CASE("flows that share a link", "[validation]") {
  // Hosts 0, 1, 2 of leaf 0 send to hosts 3, 4, 5 of leaf 1 over its two spines: the three on the
  // first, then one of them on the second. One flow takes 489 * 332.8 ns = 162.739 us of a link.
  const FabricGraph graph = build(LeafSpineParams{6, 3, 2, 1}, htsim_parts());
  const std::vector<NodeId> hosts(graph.hosts().begin(), graph.hosts().end());
  const std::vector<NodeId> leaves = {graph.find("leaf0"), graph.find("leaf1")};
  const std::vector<NodeId> spines = {graph.find("spine0"), graph.find("spine1")};
  const Bytes size = htsim_padded(Bytes::mega(2));
  const auto run = [&](const std::vector<std::size_t>& spine) {
    std::vector<Flow> flows;
    std::vector<PinnedPath> paths;
    for (std::uint32_t i = 0; i < 3; ++i) {
      flows.push_back({i, i + 3, size, {}});
      paths.push_back({EndpointId(i),
                       EndpointId(i + 3),
                       false,
                       {hosts[i], leaves[0], spines[spine[i]], leaves[1], hosts[i + 3]}});
    }
    return run_flows(graph, htsim_roce(1), flows, paths);
  };
  const FlowRun three = run({0, 0, 0}), two = run({0, 0, 1});
  CHECK(htsim_fullest_link(three.records, size) == 3);
  CHECK(htsim_fullest_link(two.records, size) == 2);
  CHECK(htsim_most_sharing(*std::max_element(three.completion.begin(), three.completion.end()),
                           size) == 3);
  CHECK(htsim_most_sharing(*std::max_element(two.completion.begin(), two.completion.end()), size) ==
        2);
  CHECK(htsim_most_sharing(Duration::ns(488'217), size) == 2);  // 3 * 162.7392 us = 488.2176 us
  CHECK(htsim_most_sharing(Duration::ns(488'218), size) == 3);
}

TEST_CASE("numbers of the report", "[validation]") {
  CHECK(signed_percent(0) == "0");
  CHECK(signed_percent(-0.0281) == "-2.8 %");
  CHECK(signed_percent(0.29) == "+29 %");
  CHECK(signed_percent(0.00041) == "+0.041 %");
  CHECK(grouped(3'241'000.4) == "3,241,000");
  CHECK(grouped(999) == "999");
}

TEST_CASE("a missed target is visible", "[validation]") {
  CaseResult result{TableId::kClosed, {{{"a", "1", "1", "2", "+100 %", "equal"}, false}}, "why\n"};
  CHECK_FALSE(result.met());
  const std::string text = tables({{"a", result}});
  CHECK(text.find("| a | 1 | 1 | 2 | +100 % | equal | **no** |") != std::string::npos);
  CHECK(text.find("why") != std::string::npos);
  CHECK_THROWS_WITH(fill_template("no marks", {}, {}), Catch::Contains("<!-- exact -->"));
}

}  // namespace plait::validation
