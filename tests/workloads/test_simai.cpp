// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <string>

#include "sim/error.hpp"
#include "workloads/simai/layers.hpp"
#include "workloads/simai/reader.hpp"
#include "workloads/trace.hpp"
#include "workloads/workload_check.hpp"

namespace plait {
namespace {

const std::string kData = std::string(PLAIT_SOURCE_DIR) + "/tests/workloads/data/simai/";

// 16 ranks: tensor 2, expert 2, data 4 (expert included), pipeline 2. Times in ns.
const std::string kText =
    "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 2 pp: 2 vpp: 1 ga: 1 "
    "all_gpus: 16 checkpoints: 0 checkpoint_initiates: 0 pp_comm: 8388608.0\n"
    "2\n"
    "a\t-1\t10\tALLGATHER\t1001\t20\tREDUCESCATTER\t400\t30\tREDUCESCATTER_DP_EP\t800\t5\n"
    "b\t-1\t11\tALLTOALL_EP\t600\t21\tNONE\t777\t31\tALLREDUCE\t900\t0\n";

std::string write(const std::string& text) {
  std::ofstream("simai.txt", std::ios::binary) << text;
  return "simai.txt";
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kText;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text, std::optional<std::uint32_t> ranks = {}) {
  try {
    load_simai_workload(write(text), ranks, nullptr);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

std::vector<std::uint32_t> members(const Workload& workload, std::uint32_t rank, SimaiGroup role) {
  std::vector<std::uint32_t> ranks;
  const GroupId group = workload.bindings[rank].groups[static_cast<std::size_t>(role)];
  for (const RankId member : workload.groups[group.index()].ranks) ranks.push_back(member.value());
  return ranks;
}

std::vector<std::string> names(const OpGraph& graph) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < graph.size(); ++i) result.emplace_back(graph.name(OpId(i)));
  return result;
}

}  // namespace

// Megatron: rank = t + 2 (e + 2 (d + 2 p)), tensor fastest, pipeline slowest.
TEST_CASE("SimAI: groups by Megatron's numbering of ranks", "[simai]") {
  std::vector<std::string> warnings;
  const Workload workload = load_simai_workload(write(kText), {}, &warnings);
  using Ranks = std::vector<std::uint32_t>;
  REQUIRE(workload.graphs.size() == 16);
  CHECK(workload.groups[0].ranks.size() == 16);
  CHECK(members(workload, 11, SimaiGroup::kTensor) == Ranks{10, 11});
  CHECK(members(workload, 11, SimaiGroup::kExpert) == Ranks{9, 11});
  CHECK(members(workload, 11, SimaiGroup::kData) == Ranks{9, 11, 13, 15});
  CHECK(members(workload, 11, SimaiGroup::kDataExpert) == Ranks{11, 15});
  for (const auto& graph : workload.graphs) CHECK(graph == workload.graphs[0]);
  check_workload(workload, "simai.txt");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] ==
        "simai.txt: pp 2: every pipeline stage does what the text says; messages between stages "
        "and bubbles are not in the text and are left out");
}

// SimAI's Workload.cc: forward a, b; then b and a, each input gradient, weight gradient. Every
// collective is followed by the update time of its layer; weight gradients' do not hold up others.
TEST_CASE("SimAI: the order of one pass", "[simai]") {
  const Workload workload = load_simai_workload(write(kText), {}, nullptr);
  const OpGraph& graph = *workload.graphs[0];
  CHECK(names(graph) ==
        std::vector<std::string>{"a forward", "a forward all_gather", "a update", "b forward",
                                 "b forward all_to_all", "b input gradient", "b weight gradient",
                                 "b weight gradient all_reduce", "a input gradient",
                                 "a input gradient reduce_scatter", "a update", "a weight gradient",
                                 "a weight gradient reduce_scatter", "a update"});
  CHECK(graph.op(OpId(0)).duration == Duration::ns(10));
  CHECK(graph.op(OpId(1)).size == Bytes(501));  // a rank's share of 1001, rounded up
  CHECK(graph.op(OpId(4)).size == Bytes(600));
  CHECK(graph.op(OpId(2)).duration == Duration::ns(5));
  CHECK(graph.op(OpId(2)).device == Device::kCpu);
  // The input gradient of a follows the weight gradient of b, not its all-reduce.
  REQUIRE(graph.dependencies(OpId(8)).size() == 1);
  CHECK(graph.dependencies(OpId(8))[0] == OpId(6));
}

TEST_CASE("SimAI: layers between a checkpoint and its user are computed again", "[simai]") {
  const std::string line = "\t-1\t1\tNONE\t0\t1\tNONE\t0\t1\tNONE\t0\t0\n";
  const Workload workload = load_simai_workload(
      write("HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 1 all_gpus: 2 checkpoints: "
            "1 0 checkpoint_initiates: 1 2\n3\na" +
            line + "b" + line + "c" + line),
      {}, nullptr);
  const std::vector<std::string> all = names(*workload.graphs[0]);
  CHECK(std::vector<std::string>(all.begin() + 2, all.begin() + 7) ==
        std::vector<std::string>{"c forward", "a forward", "b forward", "c input gradient",
                                 "c weight gradient"});
}

TEST_CASE("SimAI: files of SimAI and AICB, old and new headers", "[simai]") {
  const Workload micro = load_trace(kData + "microAllReduce.txt");
  CHECK(micro.graphs.size() == 8);
  // Two lines: three computes and one all-reduce each, and one update of 1 ns after that.
  CHECK(micro.graphs[0]->size() == 10);
  TraceOptions options;
  options.ranks = 4;
  const Workload sweep = load_trace(kData + "aicb_all_reduce.txt", options);
  std::size_t collectives = 0;
  for (const Op& op : sweep.graphs[0]->ops()) collectives += op.kind == OpKind::kCollective;
  CHECK(collectives == 19);
  const std::string llama = kData + "aicb_L7B-M1-C04_Llama7B_megatron_tp2_pp1_mbs1_A100.txt";
  const Workload old = load_trace(llama, options);
  check_workload(old, llama);
  // Forward: 73 all-reduces, an all-gather and a broadcast; backward: 66 all-reduces; weights: one.
  collectives = 0;
  for (const Op& op : old.graphs[0]->ops()) collectives += op.kind == OpKind::kCollective;
  CHECK(collectives == 73 + 1 + 1 + 66 + 1);
  CHECK_THROWS_WITH(load_trace(llama), Catch::Contains("the header does not say all_gpus"));
}

TEST_CASE("SimAI: the likeliest mistakes and what the user reads", "[simai]") {
  CHECK(error_of("") == "simai.txt:1: the file ends where the header is due (truncated?)");
  CHECK(error_of(with("HYBRID_TRANSFORMER_FWD_IN_BCKWD", "HYBRID_TRANSFORMR")) ==
        "simai.txt:1:1: unknown parallelism 'HYBRID_TRANSFORMR'; did you mean "
        "'HYBRID_TRANSFORMER'?; legal: HYBRID_TRANSFORMER_FWD_IN_BCKWD, HYBRID_TRANSFORMER, DATA, "
        "MICRO");
  CHECK(error_of(with("\n2\n", "\n3\n")) ==
        "simai.txt:5: the file ends where layer 3 of 3 is due (truncated?)");
  CHECK(error_of(with("\n2\n", "\n1\n")) ==
        "simai.txt:4:1: more lines than the 1 layers that line 2 tells of");
  CHECK(error_of(with("\t31\tALLREDUCE\t900\t0", "\t31\tALLREDUCE\t900")) ==
        "simai.txt:4:1: a layer has 12 columns, this line 11: name, dependency, then compute time, "
        "collective and size of the forward pass, the input gradient and the weight gradient, and "
        "the update time");
  CHECK(error_of(with("\t10\t", "\t1.5\t")) ==
        "simai.txt:3:6: a time in ns is '1.5'; legal: whole numbers from 0 to 1000000000000000");
  CHECK(error_of(with("1001", "-1")) ==
        "simai.txt:3:19: the size is '-1'; legal: whole numbers from 0 to 1152921504606846976");
  CHECK(error_of(with("ALLTOALL_EP", "ALLTOAL_EP"))
            .starts_with("simai.txt:4:9: unknown collective 'ALLTOAL_EP'; did you mean "
                         "'ALLTOALL'?; legal: NONE, or ALLREDUCE,"));
  CHECK(error_of(with("ALLGATHER", "ALLGATHER_XP")).find("unknown collective 'ALLGATHER_XP'") !=
        std::string::npos);
  CHECK(error_of(with("all_gpus: 16", "all_gpus: 18")) ==
        "simai.txt:1: 18 ranks are no multiple of 2 tensor times 2 pipeline ranks");
  CHECK(error_of(with("ep: 2", "ep: 3")) ==
        "simai.txt:1: 4 data-parallel ranks are no multiple of 3 expert ranks");
  CHECK(error_of(with("ep: 2", "ep: 0")) == "simai.txt:1:65: ep: must be at least 1");
  CHECK(error_of(with("vpp:", "vp:")).find("unknown key 'vp:'; did you mean") != std::string::npos);
  CHECK(error_of(with("checkpoints: 0", "checkpoints: 50 1")).find("checkpoints: 50 layers, but") !=
        std::string::npos);
  CHECK(error_of(with("checkpoint_initiates: 0", "checkpoint_initiates: 1 1"))
            .find("layer 1 is to be recomputed from a checkpoint, but none is before it") !=
        std::string::npos);
  CHECK(error_of(kText, 8) == "simai.txt:1: the text is made for 16 ranks, not for 8");
}

TEST_CASE("SimAI: mutated files never do harm", "[simai][fuzz]") {
  std::mt19937_64 random(9216);
  for (int round = 0; round < 1500; ++round) {
    std::string data = kText;
    for (std::uint64_t edits = 1 + random() % 4; edits > 0 && !data.empty(); --edits) {
      const std::size_t at = random() % data.size();
      switch (random() % 3) {
        case 0:
          data[at] = static_cast<char>(random());
          break;
        case 1:
          data.erase(at, random() % 6);
          break;
        default:
          data.insert(at, kText.substr(random() % kText.size(), random() % 12));
      }
    }
    try {
      load_simai_workload(write(data), {}, nullptr);
    } catch (const UserError&) {
    }
  }
}

}  // namespace plait
