// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "chakra_writer.hpp"
#include "sim/error.hpp"
#include "workloads/chakra/reader.hpp"

using namespace plait;
using namespace plait::test;
using Catch::Matchers::Contains;

namespace {

TraceOptions with_groups(const std::filesystem::path& file) {
  TraceOptions options;
  options.group_file = file;
  return options;
}

Op first_op(const std::string& name, const chakra::Node& n) {
  TraceFolder folder(name);
  folder.rank({n});
  return load_chakra_workload(folder.pattern()).graphs[0]->op(OpId(0));
}

}  // namespace

TEST_CASE("Nodes become ops", "[chakra]") {
  TraceFolder folder("nodes");
  chakra::Node kernel = with(with(node(10, kComp), "stream", 7), "is_cpu_op", 0);
  kernel.set_duration_micros(12);
  chakra::Node host = with(with(node(11, kComp), "is_cpu_op", 1), "tid", 3);
  host.set_duration_micros(5);
  host.add_ctrl_deps(10);
  const chakra::Node gemm =
      with(with(node(12, kComp, {10, 11}), "num_ops", 1'000'000), "tensor_size", 4096);
  folder.rank(
      {kernel, host, gemm, with(node(13, kMemLoad), "tensor_size", 100), node(14, kMetadata)});
  const Workload workload = load_chakra_workload(folder.pattern());
  REQUIRE(workload.graphs.size() == 1);
  const OpGraph& graph = *workload.graphs[0];
  REQUIRE(graph.size() == 5);
  CHECK(graph.name(OpId(0)) == "op10");
  CHECK(graph.op(OpId(0)).duration == Duration::us(12));
  CHECK(graph.op(OpId(0)).device == Device::kGpu);
  CHECK(graph.op(OpId(0)).stream == 7);
  CHECK(graph.op(OpId(1)).device == Device::kCpu);
  CHECK(graph.op(OpId(1)).stream == 3);
  CHECK(graph.dependencies(OpId(1)).size() == 1);  // a control dependency counts, too
  CHECK(graph.dependencies(OpId(2)).size() == 2);
  CHECK(graph.op(OpId(2)).stream == 0);
  CHECK(graph.op(OpId(2)).flops == 1e6);
  CHECK(graph.op(OpId(2)).memory_bytes == 4096);
  CHECK(graph.op(OpId(3)).memory_bytes == 100);
  CHECK(graph.op(OpId(4)).duration == Duration());
  CHECK(graph.op(OpId(4)).device == Device::kCpu);
}

TEST_CASE("Communication is taken with its size, not its recorded duration", "[chakra]") {
  chakra::Node n = collective(1, 2, 4096);
  n.set_duration_micros(500);
  const Op op = first_op("collective", n);
  CHECK(op.kind == OpKind::kCollective);
  CHECK(op.collective == CollectiveKind::kAllGather);
  CHECK(op.size == Bytes(4096));
  CHECK(op.duration == Duration());
  CHECK(op.group == GroupId(0));
  CHECK(op.stream >= 1U << 31);
  CHECK(first_op("recorded_stream", with(collective(1, 0, 1), "stream", 24)).stream == 24);
  CHECK(first_op("reduce_scatter", collective(1, 7, 1)).collective ==
        CollectiveKind::kReduceScatter);
  CHECK(first_op("barrier", with(node(1, kColl), "comm_type", 9)).collective ==
        CollectiveKind::kBarrier);

  TraceFolder folder("messages");
  folder.rank({message(1, kSend, 1, 300, 5), message(2, kRecv, 1, 200, 6, {1})});
  folder.rank({message(1, kRecv, 0, 300, 5), message(2, kSend, 0, 200, 6, {1})});
  const Workload workload = load_chakra_workload(folder.pattern());
  const Op send = workload.graphs[0]->op(OpId(0));
  CHECK(send.kind == OpKind::kSend);
  CHECK(send.peer == RankId(1));
  CHECK(send.tag == 0);  // renumbered per (source, destination)
  CHECK(send.size == Bytes(300));
  CHECK(send.stream != workload.graphs[0]->op(OpId(1)).stream);
}

TEST_CASE("Tags of each pair of ranks are renumbered from 0", "[chakra]") {
  TraceFolder folder("tags");
  folder.rank({message(1, kSend, 1, 8, 4'000'000'000), message(2, kSend, 1, 8, 70),
               message(3, kRecv, 1, 8, 70), message(4, kSend, 1, 8, 70)});
  folder.rank({message(1, kRecv, 0, 8, 4'000'000'000), message(2, kRecv, 0, 8, 70),
               message(3, kSend, 0, 8, 70), message(4, kRecv, 0, 8, 70)});
  const Workload workload = load_chakra_workload(folder.pattern());
  const auto tags = [&](std::size_t rank) {
    std::vector<std::uint32_t> result;
    for (const Op& op : workload.graphs[rank]->ops()) result.push_back(op.tag);
    return result;
  };
  CHECK(tags(0) == std::vector<std::uint32_t>{1, 0, 0, 0});
  CHECK(tags(1) == std::vector<std::uint32_t>{1, 0, 0, 0});
}

TEST_CASE("A CPU-side collective beside GPU-side ones is only its launch", "[chakra]") {
  TraceFolder folder("launch");
  chakra::Node launch = with(collective(1, 0, 1000), "is_cpu_op", 1);
  launch.set_duration_micros(40);
  folder.rank({launch, collective(2, 0, 1000, {1})});
  const Workload workload = load_chakra_workload(folder.pattern());
  const OpGraph& graph = *workload.graphs[0];
  CHECK(graph.op(OpId(0)).kind == OpKind::kCompute);
  CHECK(graph.op(OpId(0)).duration == Duration::us(40));
  CHECK(graph.op(OpId(1)).kind == OpKind::kCollective);
  CHECK(first_op("cpu_only", with(collective(1, 0, 1000), "is_cpu_op", 1)).kind ==
        OpKind::kCollective);
}

TEST_CASE("Nodes that cannot be simulated are refused by name", "[chakra][errors]") {
  CHECK_THROWS_WITH(first_op("comm_type", collective(4, 10, 10)),
                    Contains("(id 4): attribute 'comm_type' is 10, legal is 0 to 9"));
  CHECK_THROWS_WITH(first_op("no_type", with(node(4, kColl), "comm_size", 8)),
                    Contains("attribute 'comm_type', the collective's kind, is missing"));
  CHECK_THROWS_WITH(first_op("no_size", with(node(4, kColl), "comm_type", 0)),
                    Contains("'comm_size', the collective's size, is missing"));
  CHECK_THROWS_WITH(first_op("negative", collective(4, 0, -1)),
                    Contains("'comm_size' is -1, legal is 0 to"));
  CHECK_THROWS_WITH(first_op("text_size", with(with(node(4, kColl), "comm_type", 0), "comm_size",
                                               std::string("big"))),
                    Contains("'comm_size' is not a whole number"));
  chakra::Node forever = node(4, kComp);
  forever.set_duration_micros(UINT64_MAX);
  CHECK_THROWS_WITH(first_op("forever", forever), Contains("longer than 30 days"));
  CHECK_THROWS_WITH(first_op("flops", with(node(4, kComp), "num_ops", -5)),
                    Contains("'num_ops' is not a number of 0 or more"));
  CHECK_THROWS_WITH(first_op("type", node(4, 77)), Contains("node type 77 is unknown"));
  CHECK_THROWS_WITH(first_op("root", with(collective(4, 5, 8), "root", 3)),
                    Contains("root 3 is not in group 'all'"));
}

TEST_CASE("Broken dependencies are errors that name file and ops", "[chakra][errors]") {
  const auto load = [](const std::vector<chakra::Node>& nodes) {
    TraceFolder folder("dependencies");
    folder.rank(nodes);
    TraceOptions options;
    options.strict = true;
    return load_chakra_workload(folder.pattern(), options);
  };
  CHECK_THROWS_WITH(load({node(1, kComp, {1})}), Contains("t.0.et: ops depend on each other in a "
                                                          "cycle: 1 -> 1"));
  CHECK_THROWS_WITH(load({node(1, kComp, {3}), node(2, kComp, {1}), node(3, kComp, {2})}),
                    Contains("cycle: 1 -> 3 -> 2 -> 1"));
  CHECK_THROWS_WITH(load({node(1, kComp, {9})}), Contains("op 1 depends on op 9"));
  CHECK_THROWS_WITH(load({node(1, kComp), node(1, kComp)}), Contains("two ops have the id 1"));
  CHECK_NOTHROW(load({node(1, kComp, {2}), node(2, kComp)}));  // forward, but no cycle
}

TEST_CASE("Repair drops what is broken and nothing else", "[chakra]") {
  TraceFolder folder("repair");
  folder.rank({node(1, kComp, {1, 9, 3}), node(2, kComp, {1}), node(3, kComp, {2}),
               node(4, kComp, {5}), node(5, kComp)});
  std::vector<std::string> warnings;
  const Workload workload = load_chakra_workload(folder.pattern(), {}, &warnings);
  REQUIRE(warnings.size() == 1);
  // 1 -> 1; 1 -> 9; the cycle 1 -> 3 -> 2 -> 1 loses 1 -> 3. The forward 4 -> 5 is in no cycle.
  CHECK_THAT(warnings[0], Contains("1 on the op itself, 1 on missing ops, 1 in cycles"));
  const OpGraph& graph = *workload.graphs[0];
  REQUIRE(graph.size() == 5);
  CHECK(graph.source_id(OpId(3)) == 5);
  CHECK(graph.dependencies(OpId(0)).empty());
  CHECK(graph.dependencies(OpId(2)).size() == 1);
  CHECK(graph.dependencies(OpId(4)).size() == 1);
}

TEST_CASE("A missing rank is named", "[chakra][errors]") {
  TraceFolder folder("missing");
  folder.file("t.0.et", trace({}));
  folder.file("t.2.et", trace({}));
  folder.file("t.03.et", trace({}));  // not the way ranks are written
  folder.file("t.x.et", trace({}));
  CHECK_THROWS_WITH(load_chakra_workload(folder.pattern()),
                    Contains("t.1.et: the trace of rank 1 of 3 is missing"));
  TraceOptions options;
  options.ranks = 1;
  CHECK(load_chakra_workload(folder.pattern(), options).graphs.size() == 1);
  options.ranks = 0;
  CHECK_THROWS_WITH(load_chakra_workload(folder.pattern(), options), Contains("at least 1 rank"));
  CHECK_THROWS_WITH(load_chakra_workload((folder.path() / "u.{rank}.et").string()),
                    Contains("no file of this name"));
  CHECK_THROWS_WITH(load_chakra_workload("no_such_folder/u.{rank}.et"),
                    Contains("no_such_folder cannot be read"));
  CHECK_THROWS_WITH(load_chakra_workload("a/u.0.et"), Contains("must contain {rank}"));
}

TEST_CASE("Process groups come from a file", "[chakra][groups]") {
  TraceFolder folder("groups");
  for (int rank = 0; rank < 4; ++rank)
    folder.rank({with(collective(1, 0, 64), "pg_name", std::string(rank < 2 ? "low" : "high")),
                 with(collective(2, 0, 32), "pg_name", std::string())});
  const auto file = folder.file("groups.json", R"({"low": [0, 1], "high": [3, 2]})");
  const Workload workload = load_chakra_workload(folder.pattern(), with_groups(file));
  REQUIRE(workload.groups.size() == 3);
  CHECK(workload.groups[0].ranks.size() == 4);
  CHECK(workload.groups[2].name == "high");
  CHECK(workload.groups[2].ranks == std::vector<RankId>{RankId(3), RankId(2)});
  CHECK(workload.graphs[3]->op(OpId(0)).group == GroupId(2));
  CHECK(workload.graphs[3]->op(OpId(1)).group == GroupId(0));
  CHECK(workload.graphs[3]->op(OpId(0)).stream != workload.graphs[3]->op(OpId(1)).stream);

  const auto load = [&](const std::string& json) {
    return load_chakra_workload(folder.pattern(), with_groups(folder.file("bad.json", json)));
  };
  CHECK_THROWS_WITH(load(R"({"low": [0, 1]})"), Contains("t.2.et") &&
                                                    Contains("unknown process group 'high'") &&
                                                    Contains("bad.json"));
  CHECK_THROWS_WITH(load(R"({"low": [0, 1], "highs": [2, 3]})"), Contains("did you mean 'highs'"));
  CHECK_THROWS_WITH(load(R"({"low": [0, 4]})"), Contains("names rank 4; there are ranks 0 to 3"));
  CHECK_THROWS_WITH(load(R"({"low": [0, -1]})"), Contains("names rank -1"));
  CHECK_THROWS_WITH(load(R"({"low": [0, 0]})"), Contains("names rank 0 twice"));
  CHECK_THROWS_WITH(load(R"({"low": []})"), Contains("not empty"));
  CHECK_THROWS_WITH(load(R"([1])"), Contains("expected an object"));
  CHECK_THROWS_WITH(load("{"), Contains("not JSON"));
  CHECK_THROWS_WITH(load(R"({"low": [0, 1], "high": [2]})"),
                    Contains("rank 3") && Contains("not in group 'high'"));
  CHECK_THROWS_WITH(load_chakra_workload(folder.pattern(), with_groups("none.json")),
                    Contains("none.json: cannot be opened"));
  CHECK_THROWS_WITH(load_chakra_workload(folder.pattern()), Contains("give a group file"));
}

TEST_CASE("Process groups come from PyTorch's init node", "[chakra][groups]") {
  TraceFolder folder("init");
  const auto rank = [&](const std::string& json) {
    chakra::Node init = node(1, kMetadata);
    init.set_name("## process_group:init ##");
    init.mutable_inputs()->set_values("['" + json + "']");
    folder.rank({init, with(collective(2, 0, 64, {1}), "pg_name", std::string("1")),
                 with(collective(3, 0, 64, {2}), "pg_name", std::string("0"))});
  };
  // The same name means other ranks on another rank; no ranks = all.
  const std::string all = R"({"pg_name": "0", "ranks": [], "group_size": 4})";
  rank("[" + all + R"(, {"pg_name": "1", "ranks": [0, 1]}])");
  rank("[" + all + R"(, {"pg_name": "1", "ranks": [0, 1]}])");
  rank("[" + all + R"(, {"pg_name": "1", "ranks": [2, 3]}])");
  rank("[" + all + R"(, {"pg_name": "1", "ranks": [2, 3]}])");
  const Workload workload = load_chakra_workload(folder.pattern());
  CHECK(workload.groups.size() == 3);
  CHECK(workload.graphs[1]->op(OpId(1)).group == GroupId(1));
  CHECK(workload.graphs[2]->op(OpId(1)).group == GroupId(2));
  CHECK(workload.graphs[2]->op(OpId(2)).group == GroupId(0));
}

TEST_CASE("Messages and collectives that do not match are refused", "[chakra][errors]") {
  const auto load = [](const std::vector<chakra::Node>& zero,
                       const std::vector<chakra::Node>& one) {
    TraceFolder folder("match");
    folder.rank(zero).rank(one);
    return load_chakra_workload(folder.pattern());
  };
  CHECK_THROWS_WITH(load({message(1, kSend, 1, 8, 5)}, {}),
                    Contains("rank 0 sends 1 messages with tag 5 to rank 1, which receives 0"));
  CHECK_THROWS_WITH(load({message(1, kSend, 1, 8, 5)}, {message(1, kRecv, 0, 8, 6)}),
                    Contains("with tag 5"));
  CHECK_THROWS_WITH(load({message(1, kSend, 7, 8, 5)}, {}),
                    Contains("send op 1 'op1': peer 7 does not exist, there are ranks 0 to 1"));
  CHECK_THROWS_WITH(load({message(1, kRecv, 0, 8, 5)}, {}), Contains("peer is the rank itself"));
  CHECK_THROWS_WITH(load({collective(1, 0, 8)}, {collective(6, 2, 8)}),
                    Contains("rank 1, collective op 6") && Contains("all_gather") &&
                        Contains("meets rank 0, op 1") && Contains("collective number 1"));
  CHECK_THROWS_WITH(load({collective(1, 0, 8)}, {collective(6, 0, 16)}), Contains("one kind"));
  CHECK_NOTHROW(load({collective(1, 0, 8)}, {}));  // found when it runs, with who waits for whom
}
