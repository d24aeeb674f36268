// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "sim/error.hpp"
#include "workloads/trace_info.hpp"
#include "workloads/traffic/traffic.hpp"
#include "workloads/workload_check.hpp"

using namespace plait;
using Catch::Matchers::Contains;

namespace {

TrafficParams traffic(TrafficPattern pattern, std::int64_t ranks) {
  TrafficParams params;
  params.pattern = pattern;
  params.ranks = ranks;
  params.size = Bytes(1000);
  return params;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs(const std::vector<Flow>& flows) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> result;
  for (const Flow& flow : flows) result.emplace_back(flow.source.value(), flow.destination.value());
  return result;
}

}  // namespace

TEST_CASE("A permutation is a derangement and depends on the seed only", "[traffic]") {
  for (const std::int64_t ranks : {2, 3, 5, 128, 1000}) {
    const auto flows = make_traffic_flows(traffic(TrafficPattern::kPermutation, ranks), 7);
    REQUIRE(flows.size() == static_cast<std::size_t>(ranks));
    std::set<RankId> sources, destinations;
    for (const Flow& flow : flows) {
      CHECK(flow.source != flow.destination);
      sources.insert(flow.source);
      destinations.insert(flow.destination);
    }
    CHECK(sources.size() == flows.size());
    CHECK(destinations.size() == flows.size());
  }
  const TrafficParams params = traffic(TrafficPattern::kPermutation, 64);
  CHECK(pairs(make_traffic_flows(params, 1)) == pairs(make_traffic_flows(params, 1)));
  CHECK(pairs(make_traffic_flows(params, 1)) != pairs(make_traffic_flows(params, 2)));
}

TEST_CASE("Shift, incast and all-to-all", "[traffic]") {
  using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  TrafficParams shift = traffic(TrafficPattern::kShift, 4);
  shift.shift = 6;  // 6 mod 4 = 2
  CHECK(pairs(make_traffic_flows(shift, 1)) == Pairs{{0, 2}, {1, 3}, {2, 0}, {3, 1}});
  CHECK(pairs(make_traffic_flows(traffic(TrafficPattern::kIncast, 4), 1)) ==
        Pairs{{1, 0}, {2, 0}, {3, 0}});
  CHECK(pairs(make_traffic_flows(traffic(TrafficPattern::kAllToAll, 3), 1)) ==
        Pairs{{0, 1}, {1, 2}, {2, 0}, {0, 2}, {1, 0}, {2, 1}});
  shift.shift = 4;
  CHECK_THROWS_WITH(make_traffic_flows(shift, 1), Contains("shift by 4 over 4 ranks"));
  CHECK_THROWS_WITH(make_traffic_flows(traffic(TrafficPattern::kIncast, 1), 1),
                    Contains("traffic.ranks is 1"));
}

TEST_CASE("Flows are sends and recvs that run at the same time", "[traffic]") {
  const Workload workload = make_flow_workload(
      3,
      {{RankId(0), RankId(1), Bytes(10), {}}, {RankId(0), RankId(1), Bytes(20), Duration::us(5)}});
  check_workload(workload, "flows");
  REQUIRE(workload.graphs.size() == 3);
  CHECK(workload.graphs[2]->size() == 0);
  CHECK(workload.groups[0].ranks.size() == 3);
  const OpGraph& source = *workload.graphs[0];
  REQUIRE(source.size() == 3);  // send, delay, send
  CHECK(source.op(OpId(0)).kind == OpKind::kSend);
  CHECK(source.op(OpId(1)).kind == OpKind::kCompute);
  CHECK(source.op(OpId(1)).duration == Duration::us(5));
  CHECK(source.op(OpId(1)).device == Device::kCpu);
  CHECK(source.dependencies(OpId(2))[0] == OpId(1));
  CHECK(source.op(OpId(0)).stream != source.op(OpId(2)).stream);
  CHECK(source.op(OpId(0)).tag != source.op(OpId(2)).tag);
  CHECK(workload.graphs[1]->op(OpId(1)).kind == OpKind::kRecv);
  CHECK(workload.graphs[1]->op(OpId(1)).size == Bytes(20));
}

TEST_CASE("A flow list is read with units", "[traffic]") {
  std::ofstream("flows.csv")
      << "# two flows\nsrc,dst,bytes,start\n\n0,3,2MB,0us\r\n 1, 0 ,64KiB, 1.5us\n";
  const Workload workload = load_flow_list("flows.csv");
  REQUIRE(workload.graphs.size() == 4);
  CHECK(workload.graphs[0]->op(OpId(0)).size == Bytes(2'000'000));
  CHECK(workload.graphs[1]->op(OpId(0)).duration == Duration::ns(1500));
  CHECK(workload.graphs[1]->op(OpId(1)).size == Bytes(65'536));

  const auto load = [](const std::string& text) {
    std::ofstream("bad.csv") << text;
    return load_flow_list("bad.csv");
  };
  const std::string header = "src,dst,bytes,start\n";
  CHECK_THROWS_WITH(load("0,1,2MB,0us\n"),
                    "bad.csv:1: the first line must be 'src,dst,bytes,start'");
  CHECK_THROWS_WITH(load(header), "bad.csv: no flows");
  CHECK_THROWS_WITH(load(header + "0,1,2MB\n"),
                    Contains("bad.csv:2: expected src,dst,bytes,start, got 3"));
  CHECK_THROWS_WITH(load(header + "0,x,2MB,0us\n"), Contains("bad.csv:2: 'x' is not a rank"));
  CHECK_THROWS_WITH(load(header + "0,1,2MB,0us\n1,1,2MB,0us\n"),
                    Contains("bad.csv:3: flow 1 -> 1"));
  CHECK_THROWS_WITH(load(header + "0,1,much,0us\n"), Contains("bad.csv:2: "));
  CHECK_THROWS_WITH(load(header + "0,1,2MB,soon\n"), Contains("bad.csv:2: "));
  CHECK_THROWS_WITH(load_flow_list("none.csv"),
                    "none.csv: cannot be opened: there is no such file");
}

TEST_CASE("A collective workload shares one graph", "[traffic]") {
  CollectiveTrafficParams params;
  params.ranks = 16;
  params.repeat = 3;
  const Workload workload = make_collective_workload(params);
  check_workload(workload, "collective");
  REQUIRE(workload.graphs.size() == 16);
  CHECK(workload.graphs[0] == workload.graphs[15]);
  CHECK(workload.graphs[0]->size() == 3);
  CHECK(workload.groups[0].ranks.size() == 16);
  const WorkloadInfo info = describe_workload(workload);
  CHECK(info.collectives[0].bytes == Bytes::mebi(64 * 3 * 16));
  for (const CollectiveKind kind :
       {CollectiveKind::kReduce, CollectiveKind::kGather, CollectiveKind::kScatter}) {
    params.kind = kind;
    const Workload rooted = make_collective_workload(params);
    check_workload(rooted, "collective");
    CHECK(rooted.graphs[0]->op(OpId(0)).collective == kind);
    CHECK(rooted.graphs[0]->op(OpId(0)).peer == RankId(0));
  }
  params.ranks = 0;
  CHECK_THROWS_WITH(make_collective_workload(params), Contains("collective.ranks is 0"));
}
