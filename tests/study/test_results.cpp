// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "study/collective_results.hpp"
#include "study/results.hpp"
#include "tests/study/synthetic_results.hpp"

namespace plait {
namespace {

using test::synthetic_context;
using test::synthetic_records;
using test::synthetic_results;

TEST_CASE("job completion time is the last rank's end minus the job's start", "[results]") {
  RunContext context = synthetic_context();
  context.jobs[0].start = test::at_us(3);
  const Results results = make_results(synthetic_records(), context, {});
  REQUIRE(results.jobs.size() == 1);
  CHECK(results.jobs[0].ranks == 4);
  CHECK(results.jobs[0].end == test::at_us(1003));  // rank 3 ends at 1000 + 3 us
  CHECK(results.jobs[0].job_completion_time == Duration::us(1000));
}

TEST_CASE("percentiles of messages are nearest ranks", "[results]") {
  const Results results = synthetic_results();
  // Ten values 2, 4, ..., 20 us: p50 is the ceil(0.5 * 10) = 5th, p90 the 9th, p99 the
  // ceil(9.9) = 10th.
  const auto& time = results.message_completion;
  CHECK(time.count == 10);
  CHECK(time.p50 == Duration::us(10));
  CHECK(time.p90 == Duration::us(18));
  CHECK(time.p99 == Duration::us(20));
  CHECK(time.p999 == Duration::us(20));
  CHECK(time.max == Duration::us(20));
  CHECK(results.message_slowdown.p50 == 5.0);  // 10 us / 2 us
  CHECK(results.message_slowdown.max == 10.0);
}

TEST_CASE("messages still on their way do not count", "[results]") {
  RunRecords records = synthetic_records();
  records.messages.back().delivered = SimTime::never();
  const Results results = make_results(records, synthetic_context(), {});
  CHECK(results.message_completion.count == 9);
  CHECK(results.message_completion.max == Duration::us(18));
}

TEST_CASE("the k-th collective of a group is matched over its ranks", "[results]") {
  const Results results = synthetic_results();
  REQUIRE(results.collectives.size() == 1);  // same kind, size and group size: one line
  const CollectiveSummary& line = results.collectives[0];
  CHECK(line.calls == 2);
  CHECK(line.group_size == 4);
  // Durations of the first call: 600 - (100 + 10 r) = 500, 490, 480, 470; of the second 400, 401,
  // 402, 403. Of the eight, the median is the 4th smallest.
  CHECK(line.p50 == Duration::us(403));
  CHECK(line.max == Duration::us(500));
  // Shortest per call: 470 and 400.
  CHECK(line.last_arriver_p50 == Duration::us(400));
  CHECK(line.last_arriver_max == Duration::us(470));
  // algbw = 64 MiB / 400 us = 67108864 / 4e-4 = 167.77 GB/s; busbw = algbw * 2 * 3/4.
  CHECK(line.algorithm_bandwidth == Approx(167.77216e9));
  CHECK(line.bus_bandwidth == Approx(1.5 * 167.77216e9));
}

TEST_CASE("with a root, the time of a call ends when the last rank leaves", "[results]") {
  Op op;
  op.kind = OpKind::kCollective;
  op.collective = CollectiveKind::kGather;
  op.size = Bytes::mega(1);
  op.group = GroupId(0);
  op.peer = RankId(0);
  OpGraphBuilder builder;
  builder.add(op, "gather", 0, {});
  const auto graph = std::make_shared<const OpGraph>(std::move(builder).build("gather"));
  Workload workload;
  workload.graphs = {graph, graph, graph};
  workload.groups = {{"all", {RankId(0), RankId(1), RankId(2)}}};
  // The last comes at 20 us and leaves at 30; the root has all at 120: 100 us, not 10.
  // 3 * 1 MB / 100 us = 30 GB/s, of which 2/3 cross a bus.
  SpillVector<OpRecord> ops;
  const std::vector<std::pair<std::int64_t, std::int64_t>> times = {{0, 120}, {10, 60}, {20, 30}};
  for (std::size_t rank = 0; rank < times.size(); ++rank) {
    OpRecord record{};
    record.job = JobId(0);
    record.rank = RankId(rank);
    record.op = OpId(0);
    record.start = SimTime::at(Duration::us(times[rank].first));
    record.end = SimTime::at(Duration::us(times[rank].second));
    ops.push_back(record);
  }
  const auto lines = summarise_collectives(ops, {{"g", SimTime{}, workload}});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].last_arriver_p50 == Duration::us(100));
  CHECK(lines[0].bus_bandwidth == Approx(20e9));
}

TEST_CASE("a call that a rank did not finish is left out", "[results]") {
  RunRecords records = synthetic_records();
  records.ops.pop_back();  // second all-reduce of rank 3
  const Results results = make_results(records, synthetic_context(), {});
  REQUIRE(results.collectives.size() == 1);
  CHECK(results.collectives[0].calls == 1);
  CHECK(results.collectives[0].last_arriver_p50 == Duration::us(470));
}

TEST_CASE("bandwidths of collectives follow nccl-tests", "[results]") {
  // doc/PERFORMANCE.md of nccl-tests, n = 4.
  CHECK(bus_factor(CollectiveKind::kAllReduce, 4) == 1.5);
  CHECK(bus_factor(CollectiveKind::kAllGather, 4) == 0.75);
  CHECK(bus_factor(CollectiveKind::kReduceScatter, 4) == 0.75);
  CHECK(bus_factor(CollectiveKind::kAllToAll, 4) == 0.75);
  CHECK(bus_factor(CollectiveKind::kBroadcast, 4) == 1.0);
  // An all-gather's size there is the gathered output.
  CHECK(algorithm_bytes(CollectiveKind::kAllGather, Bytes(10), 4) == Bytes(40));
  CHECK(algorithm_bytes(CollectiveKind::kAllReduce, Bytes(10), 4) == Bytes(10));
}

TEST_CASE("busiest links come first and unused ones not at all", "[results]") {
  const Results results = synthetic_results();
  const std::vector<PortId> links = busiest_links(results, 8);
  CHECK(links == std::vector<PortId>{PortId(3), PortId(0)});
  CHECK(busiest_links(results, 1) == std::vector<PortId>{PortId(3)});
  CHECK(utilisation(results, PortId(3)) == Approx(200.0 / 1003.0));
}

TEST_CASE("flows are summed and their goodput taken over their active time", "[results]") {
  const FlowSummary flows = synthetic_results().flows;
  CHECK(flows.flows == 1);
  CHECK(flows.packets == 250);
  CHECK(flows.retransmitted == 6);
  CHECK(flows.goodput_p50 == Approx(80e9));  // 1 MB * 8 / 100 us
}

TEST_CASE("quantiles of rank times take each field on its own", "[results]") {
  const Results results = synthetic_results();
  const RankTimes max = rank_quantile(ranks_of(results, JobId(0)), 1);
  CHECK(max.compute == Duration::us(130));                // rank 3
  CHECK(max.exposed_communication == Duration::us(900));  // rank 0: 1000 - 100
  CHECK(ranks_of(results, JobId(1)).empty());
}

TEST_CASE("an empty run has results", "[results]") {
  RunContext context = synthetic_context();
  context.jobs.clear();
  const Results results = make_results({}, context, {});
  CHECK(results.message_completion.count == 0);
  CHECK(results.collectives.empty());
  CHECK(packet_hops_per_second(results) == 0);
}

TEST_CASE("records that do not fit the fabric are a fault of ours", "[results]") {
  RunRecords records = synthetic_records();
  records.links.pop_back();
  CHECK_THROWS_AS(make_results(records, synthetic_context(), {}), InternalFault);
}

}  // namespace
}  // namespace plait
