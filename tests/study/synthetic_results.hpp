// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file synthetic_results.hpp
/// Hand-made records of a run that never was: two hosts of two GPUs on one switch, one job of four
/// ranks. Each rank computes 100 us and then calls two all-reduces of 64 MiB.

#include <memory>
#include <utility>

#include "study/results.hpp"

namespace plait::test {

inline std::shared_ptr<const FabricGraph> two_hosts() {
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 2);
  const NodeId b = graph.add_host("b", 2);
  const NodeId leaf = graph.add_switch("leaf", 1);
  graph.connect(a, leaf, {.rate = BitRate::gbps(400), .delay = Duration::ns(500)});
  graph.connect(b, leaf, {.rate = BitRate::gbps(400), .delay = Duration::ns(500)});
  graph.finalize();
  return std::make_shared<FabricGraph>(std::move(graph));
}

inline Workload all_reduce_workload() {
  OpGraphBuilder builder;
  Op gemm;
  gemm.duration = Duration::us(100);
  Op reduce;
  reduce.kind = OpKind::kCollective;
  reduce.size = Bytes::mebi(64);
  reduce.group = GroupId(0);
  builder.add(gemm, "gemm", 10, {});
  builder.add(reduce, "first", 20, {10});
  builder.add(reduce, "second", 30, {20});
  const auto graph = std::make_shared<const OpGraph>(std::move(builder).build("synthetic"));
  return {.graphs = {graph, graph, graph, graph},
          .groups = {{"world", {RankId(0), RankId(1), RankId(2), RankId(3)}}}};
}

inline SimTime at_us(std::int64_t us) { return SimTime::at(Duration::us(us)); }

/// Rank r computes in [0, 100 + 10 r) us; the first all-reduce starts then, ends for all at 600 us;
/// the second runs from 600 us to 1000 + r us.
inline RunRecords synthetic_records() {
  RunRecords records;
  for (std::int64_t r = 0; r < 4; ++r) {
    const RankId rank(static_cast<std::size_t>(r));
    const SimTime ready = at_us(100 + 10 * r);
    const SimTime end = at_us(1000 + r);
    records.ops.push_back({JobId(0), rank, OpId(0), at_us(0), ready});
    records.ops.push_back({JobId(0), rank, OpId(1), ready, at_us(600)});
    records.ops.push_back({JobId(0), rank, OpId(2), at_us(600), end});
    RankRecord times{JobId(0), rank, GpuId(rank.index()), at_us(0), end, {}, {}, {}, {}};
    times.compute = ready.since_start();
    times.exposed_communication = end - ready;
    records.ranks.push_back(times);
  }
  // Completion times 2, 4, ..., 20 us against an ideal of 2 us: slowdowns 1, 2, ..., 10.
  for (std::int64_t m = 1; m <= 10; ++m)
    records.messages.push_back({JobId(0), GpuId(0), GpuId(2), 7, Bytes::mebi(1), at_us(m),
                                at_us(m) + Duration::us(2 * m), at_us(3 * m + 2), Duration::us(2)});
  records.flows.push_back({.from = GpuId(0),
                           .to = GpuId(2),
                           .stream = 7,
                           .hops = 2,
                           .first_sent = at_us(0),
                           .last_acked = at_us(100),
                           .payload = Bytes::mega(1),
                           .packets = 250,
                           .retransmitted = 6,
                           .cnps = 5,
                           .timeouts = 1});
  records.links.resize(4);  // ports: a:0, b:0, leaf:0, leaf:1
  records.links[0] = {.packets = 250, .wire_bytes = Bytes::mega(1), .busy = Duration::us(20)};
  records.links[3] = {.packets = 250,
                      .wire_bytes = Bytes::mega(1),
                      .busy = Duration::us(200),
                      .max_queue = Bytes::kibi(512),
                      .ecn_marks = 4,
                      .drops = 3,
                      .pauses_sent = 2};
  records.totals = {.fingerprint = 0x00ab,
                    .packet_hops = 1000,
                    .windows = 12,
                    .end = at_us(1003),
                    .pfc_pauses = 2,
                    .ecn_marks = 4,
                    .drops = 3,
                    .retransmitted = 6,
                    .timeouts = 1};
  return records;
}

inline RunContext synthetic_context() {
  return {.scenario_name = "synthetic",
          .scenario_yaml = "run: {seed: 7}\n",
          .fabric_summary = "single_switch, 2 hosts, 4 GPUs",
          .seed = 7,
          .graph = two_hosts(),
          .jobs = {{"train", SimTime::zero(), all_reduce_workload()}}};
}

inline Results synthetic_results() {
  return make_results(synthetic_records(), synthetic_context(),
                      {.threads = 2, .build_seconds = 0.5, .run_seconds = 0.25});
}

}  // namespace plait::test
