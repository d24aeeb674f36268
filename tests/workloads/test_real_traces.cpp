// SPDX-License-Identifier: Apache-2.0
// The traces in examples/traces, against the counts that their READMEs state.
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "workloads/chakra/reader.hpp"
#include "workloads/trace_info.hpp"

using namespace plait;
using Catch::Matchers::Contains;

namespace {
const std::string kTraces = PLAIT_SOURCE_DIR "/examples/traces/";
const std::string kData = PLAIT_SOURCE_DIR "/tests/workloads/data/";
}  // namespace

TEST_CASE("The Megatron step is read completely", "[chakra][traces]") {
  const Workload workload = load_chakra_workload(kTraces + "megatron_tp8/meg.{rank}.et.gz");
  const WorkloadInfo info = describe_workload(workload);
  REQUIRE(info.ranks.size() == 8);
  CHECK(workload.groups.size() == 1);
  for (std::size_t rank = 0; rank < 8; ++rank) {
    const std::uint64_t gaps = rank == 5 ? 776 : 777;  // conversion_stats.txt
    std::uint64_t cpu_ops = 0;
    for (const Op& op : workload.graphs[rank]->ops()) cpu_ops += op.device == Device::kCpu;
    CHECK(info.ranks[rank].count(OpKind::kCompute) == 693 + gaps);
    CHECK(cpu_ops == gaps);
    CHECK(info.ranks[rank].count(OpKind::kCollective) == 84);
    CHECK(info.ranks[rank].collective_bytes == Bytes(5'435'916'288));
  }
  CHECK(info.ranks[0].gpu_compute == Duration::us(131'536));
  CHECK(info.ranks[0].cpu_compute == Duration::us(258'035));
  REQUIRE(info.collectives.size() == 1);
  CHECK(info.collectives[0].calls == 8 * 84);
  // Rank 0's dependencies are one chain: 131,536 + 258,035 us.
  CHECK(info.ranks[0].critical_path == Duration::us(389'571));
}

TEST_CASE("The DLRM step is read completely", "[chakra][traces]") {
  const WorkloadInfo info =
      describe_workload(load_chakra_workload(kTraces + "dlrm8/dlrm_clean.{rank}.et.gz"));
  REQUIRE(info.ranks.size() == 8);
  for (const RankInfo& rank : info.ranks) CHECK(rank.count(OpKind::kCollective) == 8);
  CHECK(info.ranks[0].count(OpKind::kCompute) == 1123);
  REQUIRE(info.collectives.size() == 2);
  CHECK(info.collectives[0].kind == CollectiveKind::kAllReduce);
  CHECK(info.collectives[0].calls == 8 * 3);
  CHECK(info.collectives[1].kind == CollectiveKind::kAllToAll);
  CHECK(info.collectives[1].calls == 8 * 5);
}

TEST_CASE("The DLRM trace as converted needs its repair", "[chakra][traces][errors]") {
  const std::string pattern = kData + "dlrm_broken/dlrm.{rank}.et.gz";
  TraceOptions options;
  options.strict = true;
  CHECK_THROWS_WITH(load_chakra_workload(pattern, options),
                    Contains("dlrm.0.et.gz: op 7 depends on op 4, which does not exist"));
  std::vector<std::string> warnings;
  const RankInfo rank = describe_rank(*load_chakra_workload(pattern, {}, &warnings).graphs[0]);
  REQUIRE(warnings.size() == 8);
  CHECK_THAT(warnings[0], Contains("34 on the op itself"));
  CHECK(rank.count(OpKind::kCompute) == 1107 + 16);  // 16 CPU-side duplicates of collectives
  CHECK(rank.count(OpKind::kCollective) == 8);
}

TEST_CASE("The generated GPT is read with its groups", "[chakra][traces]") {
  TraceOptions options;
  options.group_file = kTraces + "stg_tiny_gpt/w.json";
  const Workload workload = load_chakra_workload(kTraces + "stg_tiny_gpt/w.{rank}.et", options);
  const WorkloadInfo info = describe_workload(workload);
  REQUIRE(info.ranks.size() == 8);
  CHECK(workload.groups.size() == 17);
  for (const RankInfo& rank : info.ranks) {
    CHECK(rank.count(OpKind::kCollective) == 46);
    CHECK(rank.count(OpKind::kSend) == 4);
    CHECK(rank.count(OpKind::kRecv) == 4);
    CHECK(rank.sent == Bytes(8'388'608));
    CHECK(rank.collective_bytes == Bytes(50'331'648 + 67'108'864 + 231'735'296));
    CHECK(rank.flops > 1e12);
  }
  CHECK(info.ranks[0].count(OpKind::kCompute) == 132);
  CHECK(info.ranks[4].count(OpKind::kCompute) == 140);  // 194 nodes on the second stage
}

TEST_CASE("A plain .et file of ASTRA-sim is read", "[chakra][traces]") {
  const Workload workload =
      load_chakra_workload(kData + "astrasim_all_reduce/all_reduce.{rank}.et");
  REQUIRE(workload.graphs.size() == 8);
  REQUIRE(workload.graphs[7]->size() == 1);
  CHECK(workload.graphs[7]->op(OpId(0)).collective == CollectiveKind::kAllReduce);
  CHECK(workload.graphs[7]->op(OpId(0)).size == Bytes(1 << 20));
}
