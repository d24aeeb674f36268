// SPDX-License-Identifier: Apache-2.0
// Detection of formats, the Chakra writer, what `plait trace check` collects, the critical path.
#include <catch2/catch.hpp>
#include <random>

#include "chakra_writer.hpp"
#include "sim/error.hpp"
#include "workloads/chakra/reader.hpp"
#include "workloads/chakra/writer.hpp"
#include "workloads/op_order.hpp"
#include "workloads/trace.hpp"

using namespace plait;
using namespace plait::test;
using Catch::Matchers::Contains;

namespace {

const std::string kTraces = PLAIT_SOURCE_DIR "/examples/traces/";
const std::string kData = PLAIT_SOURCE_DIR "/tests/workloads/data/";

void check_same_op(const Op& a, const Op& b) {
  CHECK(a.kind == b.kind);
  CHECK(a.device == b.device);
  CHECK(a.stream == b.stream);
  CHECK(a.in_order == b.in_order);
  CHECK(a.duration == b.duration);
  CHECK(a.flops == b.flops);
  CHECK(a.memory_bytes == b.memory_bytes);
  CHECK(a.size == b.size);
  CHECK(a.tag == b.tag);
  if (a.kind == OpKind::kCollective) {
    CHECK(a.collective == b.collective);
    CHECK(a.group == b.group);
    CHECK(a.matrix == b.matrix);
  }
  if (a.kind != OpKind::kCompute) CHECK(a.peer == b.peer);
}

void check_same(const Workload& a, const Workload& b) {
  REQUIRE(a.graphs.size() == b.graphs.size());
  REQUIRE(a.groups.size() == b.groups.size());
  for (std::size_t g = 0; g < a.groups.size(); ++g) {
    CHECK(a.groups[g].name == b.groups[g].name);
    CHECK(a.groups[g].ranks == b.groups[g].ranks);
  }
  REQUIRE(a.matrices.size() == b.matrices.size());
  for (std::size_t r = 0; r < a.graphs.size(); ++r) {
    const OpGraph& x = *a.graphs[r];
    const OpGraph& y = *b.graphs[r];
    REQUIRE(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const OpId id(i);
      check_same_op(a.resolved(RankId(r), id), b.resolved(RankId(r), id));
      REQUIRE(x.name(id) == y.name(id));
      REQUIRE(x.source_id(id) == y.source_id(id));
      const auto p = x.dependencies(id);
      const auto q = y.dependencies(id);
      REQUIRE(std::vector<OpId>(p.begin(), p.end()) == std::vector<OpId>(q.begin(), q.end()));
    }
  }
}

Workload written_and_read(const Workload& workload, const std::string& suffix = "et") {
  TraceFolder folder("round_trip");
  const std::string pattern = (folder.path() / ("w.{rank}." + suffix)).string();
  write_chakra_workload(workload, pattern);
  return load_trace(pattern);
}

TraceCheck check_nodes(const std::vector<chakra::Node>& zero,
                       const std::vector<chakra::Node>& one) {
  TraceFolder folder("check");
  folder.rank(zero).rank(one);
  return check_trace(folder.pattern());
}

}  // namespace

TEST_CASE("What is written is read again, with groups, bindings and sizes per peer",
          "[chakra][writer]") {
  const Workload megatron = load_trace(kTraces + "megatron_tp8/meg.{rank}.et.gz");
  check_same(megatron, written_and_read(megatron, "et.gz"));
  const Workload kineto = load_trace(kTraces + "megatron_tp8/kineto.{rank}.json.gz");
  check_same(kineto, written_and_read(kineto));
  TraceOptions options;
  options.group_file = kTraces + "stg_tiny_gpt/w.json";
  const Workload gpt = load_trace(kTraces + "stg_tiny_gpt/w.{rank}.et", options);
  check_same(gpt, written_and_read(gpt));

  // Two ranks share a graph of roles: role 0 of rank 0 is group 1, of rank 1 group 2.
  OpGraphBuilder builder;
  Op op;
  op.kind = OpKind::kCollective;
  op.size = Bytes(64);
  op.group = GroupId(0);
  op.peer = RankId(0);
  builder.add(op, "shared", 7, {});
  Op calc;
  calc.duration = Duration::ps(1'234'567);  // finer than Chakra's microseconds
  builder.add(calc, "calc", 8, {7});
  const auto graph = std::make_shared<const OpGraph>(std::move(builder).build("test"));
  Workload roles;
  roles.graphs = {graph, graph};
  roles.groups = {{"all", {RankId(0), RankId(1)}}, {"same", {RankId(0)}}, {"same", {RankId(1)}}};
  roles.bindings = {{{GroupId(1)}, {RankId(0)}}, {{GroupId(2)}, {RankId(1)}}};
  check_same(roles, written_and_read(roles));

  CHECK_THROWS_WITH(write_chakra_workload(roles, "no_such_folder/w.{rank}.et"),
                    Contains("cannot be written"));
}

TEST_CASE("An uneven all-to-all is joined from the ranks' split sizes", "[chakra]") {
  TraceFolder folder("uneven");
  const auto rank = [&](std::int64_t size, const std::string& splits) {
    folder.rank({with(collective(1, 6, size), "in_split_sizes", splits)});
  };
  // Shares: rank 0 sends 100 of 400 bytes to itself, 300 to rank 1; rank 1 sends 150 and 50.
  rank(400, "[1, 3]");
  rank(200, "[150, 50]");
  const Workload workload = load_trace(folder.pattern());
  REQUIRE(workload.matrices.size() == 1);
  const ByteMatrix& matrix = *workload.matrices[0];
  CHECK(matrix.at(0, 0) == Bytes(100));
  CHECK(matrix.at(0, 1) == Bytes(300));
  CHECK(matrix.at(1, 0) == Bytes(150));
  CHECK(workload.graphs[1]->op(OpId(0)).size == Bytes(300));  // mean of 400 and 200
  check_same(workload, written_and_read(workload));
  TraceFolder wrong("uneven_wrong");
  wrong.rank({with(collective(1, 6, 8), "in_split_sizes", std::string("[1, 2, 3]"))});
  CHECK_THROWS_WITH(load_trace(wrong.pattern()), Contains("3 split sizes for a group of 1 ranks"));
}

TEST_CASE("Groups are cut to the ranks that are there; strict refuses", "[chakra][groups]") {
  TraceFolder folder("cut_groups");
  chakra::Node init = node(1, kMetadata);
  init.set_name("## process_group:init ##");
  init.mutable_inputs()->set_values(R"([{"pg_name": "dp", "ranks": [0, 8, 16]}])");
  folder.rank({init, with(collective(2, 0, 64), "pg_name", std::string("dp"))});
  std::vector<std::string> warnings;
  const Workload workload = load_trace(folder.pattern(), {}, &warnings);
  CHECK(workload.groups[1].ranks == std::vector<RankId>{RankId(0)});
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("2 members dropped in all"));
  TraceOptions strict;
  strict.strict = true;
  CHECK_THROWS_WITH(load_trace(folder.pattern(), strict),
                    Contains("process group 'dp' names rank 8; there are ranks 0 to 0"));
}

TEST_CASE("The JSON form is read", "[chakra][json]") {
  std::vector<std::string> warnings;
  const Workload workload =
      load_trace(kData + "chakra_json/small_chakra.{rank}.json", {}, &warnings);
  const OpGraph& graph = *workload.graphs[0];
  REQUIRE(graph.size() == 7);
  CHECK(graph.name(OpId(0)) == "aten::flatten_dense_tensors(0)");
  CHECK(graph.op(OpId(0)).duration == Duration::us(318));
  CHECK(graph.op(OpId(0)).device == Device::kCpu);
  // Its collectives have neither kind nor size; the kernel took 28 us.
  CHECK(graph.op(OpId(5)).kind == OpKind::kCompute);
  CHECK(graph.op(OpId(5)).duration == Duration::us(28));
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("1 collectives have neither comm_type nor comm_size"));

  TraceFolder folder("json");
  folder.raw(R"({"workload_graph": [
    {"Id": 5, "Name": "ar", "NodeType": 7, "ctrlDeps": [], "data_deps": [], "runtime": 9,
     "is_cpu_op": false, "comm_type": 3, "comm_size": 512, "comm_priority": 1, "root": 0},
    {"id": 6, "name": "c", "type": "COMP_NODE", "ctrl_deps": [5], "num_ops": 2.5e9}]})");
  const Workload keys = load_trace(folder.pattern());
  const OpGraph& own = *keys.graphs[0];
  CHECK(own.op(OpId(0)).collective == CollectiveKind::kGather);
  CHECK(own.op(OpId(0)).size == Bytes(512));
  CHECK(own.op(OpId(1)).flops == 2.5e9);
  CHECK(own.dependencies(OpId(1)).size() == 1);
}

TEST_CASE("Broken JSON traces are located", "[chakra][json][errors]") {
  const auto load = [](const std::string& text) {
    TraceFolder folder("json_errors");
    folder.raw(text);
    return load_trace(folder.pattern());
  };
  const auto node_of = [](const std::string& members) {
    return R"({"workload_graph": [{)" + members + "}]}";
  };
  CHECK_THROWS_WITH(load(R"({"workload_graph": [{"Id": 1)"),
                    Contains("t.0.et: byte") && Contains("not JSON"));
  CHECK_THROWS_WITH(load(R"({"workload_graph": [1]})"), Contains("a node must be an object"));
  CHECK_THROWS_WITH(load(R"({"graph": []})"), Contains("has no list 'workload_graph'"));
  CHECK_THROWS_WITH(load(node_of(R"("NodeType": 4)")),
                    Contains("node 1") && Contains("'Id' is missing"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": 3)")), Contains("(id 3): 'NodeType' is missing"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": -3, "NodeType": 4)")),
                    Contains("'Id' is not a whole number of 0 or more"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": 3, "NodeType": "COMP_NOD")")),
                    Contains("node type 'COMP_NOD' is unknown; did you mean 'COMP_NODE'?"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": 3, "NodeType": 4, "data_deps": [1.5])")),
                    Contains("'data_deps' is not a whole number"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": 3, "NodeType": 4, "runtime": "9")")),
                    Contains("'runtime' is not a number of microseconds"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": 3, "NodeType": 7, "comm_type": 0)")),
                    Contains("'comm_size', the collective's size, is missing"));
  CHECK_THROWS_WITH(load(node_of(R"("Id": 3, "NodeType": 4, "x": )" + std::string(99, '['))),
                    Contains("nested deeper than 64"));
  CHECK_THROWS_WITH(load_trace(kData + "chakra_json/host.{rank}.json.gz"),
                    Contains("is a PyTorch host execution trace") && Contains("Kineto"));
}

TEST_CASE("The format is told by the file", "[trace]") {
  CHECK(detect_trace_format(kTraces + "megatron_tp8/meg.0.et.gz") == TraceFormat::kChakra);
  CHECK(detect_trace_format(kTraces + "megatron_tp8/kineto.0.json.gz") == TraceFormat::kPytorch);
  CHECK(detect_trace_format(kData + "chakra_json/small_chakra.0.json") == TraceFormat::kChakra);
  TraceFolder folder("format");
  // As protobuf, whatever the name.
  const auto renamed = folder.file("no_suffix", trace({node(1, kComp)}));
  CHECK(detect_trace_format(renamed) == TraceFormat::kChakra);
  CHECK_THROWS_WITH(detect_trace_format(folder.file("x.txt", "hello")),
                    Contains("x.txt: not a trace of a known format (tried: "));
}

TEST_CASE("A check collects problems of all kinds", "[trace][check]") {
  const TraceCheck fine = check_nodes({message(1, kSend, 1, 8, 0)}, {message(1, kRecv, 0, 8, 0)});
  CHECK(fine.runs);
  CHECK_FALSE(fine.problems.any());
  CHECK(fine.isolated == 2);

  std::vector<chakra::Node> broken;
  for (int i = 0; i < 25; ++i)
    broken.push_back(node(static_cast<std::uint64_t>(i + 1), kComp, {99}));
  broken.push_back(node(40, 77));
  broken.push_back(with(collective(41, 0, 8), "pg_name", std::string("none")));
  broken.push_back(message(42, kSend, 1, 8, 3));
  broken.push_back(collective(43, 0, 8));
  const TraceCheck check = check_nodes(broken, {collective(1, 2, 8)});
  CHECK_FALSE(check.runs);
  CHECK(check.problems.of(TraceProblem::kDependency).count == 25);
  CHECK(check.problems.of(TraceProblem::kDependency).shown.size() == TraceProblems::kShown);
  CHECK(check.problems.of(TraceProblem::kOp).count == 1);
  CHECK_THAT(check.problems.of(TraceProblem::kOp).shown[0], Contains("node type 77 is unknown"));
  CHECK(check.problems.of(TraceProblem::kGroup).count == 1);
  CHECK(check.problems.of(TraceProblem::kMessage).count == 1);
  CHECK(check.problems.of(TraceProblem::kCollective).count == 1);

  // Repairable alone: it runs, but not if strict.
  TraceFolder folder("check_repair");
  folder.rank({node(1, kComp, {1})});
  CHECK(check_trace(folder.pattern()).runs);
  TraceOptions strict;
  strict.strict = true;
  CHECK_FALSE(check_trace(folder.pattern(), strict).runs);

  // Each rank receives before it sends what the other waits for.
  const TraceCheck stuck =
      check_nodes({message(1, kRecv, 1, 8, 0), message(2, kSend, 1, 8, 0, {1})},
                  {message(1, kRecv, 0, 8, 0), message(2, kSend, 0, 8, 0, {1})});
  CHECK(stuck.problems.of(TraceProblem::kStuck).count == 4);
  CHECK_FALSE(stuck.runs);
  // A member that calls less than the others.
  const TraceCheck short_of = check_nodes({collective(1, 0, 8)}, {});
  CHECK_THAT(short_of.problems.of(TraceProblem::kCollective).shown.at(0),
             Contains("rank 1 calls 0 collectives of group 'all', others of it call 1"));
}

TEST_CASE("The critical path goes through messages and collectives of other ranks", "[trace]") {
  const auto calc = [](std::uint64_t id, std::uint64_t us, std::vector<std::uint64_t> deps) {
    chakra::Node n = node(id, kComp, deps);
    n.set_duration_micros(us);
    return n;
  };
  TraceFolder folder("critical");
  // Rank 0: 10 us, send; rank 1: recv, 5 us, all-reduce, 3 us. Rank 0 alone: 10 + 4.
  folder.rank({calc(1, 10, {}), message(2, kSend, 1, 8, 0, {1}), collective(3, 0, 8, {2}),
               calc(4, 4, {3})});
  folder.rank(
      {message(1, kRecv, 0, 8, 0), calc(2, 5, {1}), collective(3, 0, 8, {2}), calc(4, 3, {3})});
  // 10 (rank 0) + 5 (rank 1) + the longer of 4 and 3.
  CHECK(critical_path_across_ranks(load_trace(folder.pattern())) == Duration::us(19));
}

TEST_CASE("Mutated JSON traces give a UserError or a workload",
          "[chakra][pytorch][errors][property]") {
  const std::string small = R"({"workload_graph": [{"Id": 5, "Name": "ar", "NodeType": 7,
    "data_deps": [], "comm_type": 0, "comm_size": 512}, {"Id": 6, "NodeType": 4, "runtime": 3,
    "data_deps": [5]}]})";
  const std::string kineto = R"({"distributedInfo": {"rank": 0, "world_size": 1},
    "traceEvents": [{"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": 5.5,
    "dur": 2, "tid": 1, "args": {"correlation": 3}}, {"ph": "X", "cat": "kernel", "name": "ncclK",
    "ts": 9, "dur": 4, "args": {"correlation": 3, "stream": 7, "device": 0, "dtype": "Float",
    "Collective name": "allreduce", "In msg nelems": 4, "Process Group Ranks": "[0]",
    "Process Group Name": "0"}}]})";
  TraceFolder folder("json_fuzz");
  std::mt19937 random(11);
  const std::string pieces = "{}[]\",:0129-.eE truefalsn\\u";
  for (int round = 0; round < 1500; ++round) {
    std::string text = round % 2 == 0 ? small : kineto;
    for (int change = 1 + round % 3; change > 0; --change) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0)
        text[at] = static_cast<char>(random());
      else if (random() % 2 == 0)
        text[at] = pieces[random() % pieces.size()];
      else
        text.erase(at, 1 + random() % 12);
    }
    folder.file("t.0.et", text);
    try {
      load_trace(folder.pattern());
    } catch (const UserError&) {
    }
    try {
      check_trace(folder.pattern());
    } catch (const UserError&) {
    }
  }
}
