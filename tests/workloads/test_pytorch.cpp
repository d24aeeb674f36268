// SPDX-License-Identifier: Apache-2.0
// The reader of PyTorch profiler traces, on small traces made here and on a recorded step.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>

#include "chakra_writer.hpp"
#include "sim/error.hpp"
#include "workloads/trace.hpp"
#include "workloads/trace_info.hpp"

using namespace plait;
using namespace plait::test;
using Catch::Matchers::Contains;

namespace {

const std::string kTraces = PLAIT_SOURCE_DIR "/examples/traces/";

/// Events of one rank; times in microseconds.
class Events {
 public:
  Events& call(const std::string& name, double ts, double dur, int correlation) {
    return event("cuda_runtime", name, ts, dur, fmt::format(R"("correlation": {})", correlation));
  }
  Events& gpu(const std::string& name, double ts, double dur, int correlation, int stream,
              const std::string& more = {}) {
    return event("kernel", name, ts, dur,
                 fmt::format(R"("correlation": {}, "stream": {}, "device": 0{}{})", correlation,
                             stream, more.empty() ? "" : ", ", more));
  }
  Events& event(const std::string& category, const std::string& name, double ts, double dur,
                const std::string& args) {
    text_ += fmt::format(
        R"({}{{"ph": "X", "cat": "{}", "name": "{}", "ts": {}, "dur": {}, "tid": 1, "args": {{{}}}}})",
        text_.empty() ? "" : ",\n", category, name, ts, dur, args);
    return *this;
  }
  std::string json(int rank = 0, int world = 1) const {
    return fmt::format(
        R"({{"distributedInfo": {{"rank": {}, "world_size": {}}}, "traceEvents": [{}]}})", rank,
        world, text_);
  }

 private:
  std::string text_;
};

Workload load(const std::string& json, const TraceOptions& options = {}) {
  TraceFolder folder("kineto");
  folder.raw(json);
  return load_trace(folder.pattern(), options);
}

const std::string kAllReduce =
    R"("Collective name": "allreduce", "In msg nelems": 256, "Out msg nelems": 256, "dtype": "Half",
       "Group size": 1, "Process Group Name": "0", "Process Group Ranks": "[0]")";

/// When each GPU op starts and ends if the network takes no time, by walking the graph.
std::vector<std::pair<Duration, Duration>> replay(const OpGraph& graph) {
  std::map<std::pair<Device, std::uint32_t>, Duration> stream;
  std::vector<Duration> end(graph.size());
  std::vector<std::pair<Duration, Duration>> gpu;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Op& op = graph.op(OpId(i));
    Duration& last = stream[{op.device, op.stream}];
    Duration start = last;
    for (const OpId need : graph.dependencies(OpId(i))) start = std::max(start, end[need.index()]);
    last = end[i] = start + op.duration;
    if (op.device == Device::kGpu) gpu.emplace_back(start, end[i]);
  }
  return gpu;
}

}  // namespace

TEST_CASE("Kernels keep their times: launch, stream, waits for communication", "[pytorch]") {
  Events events;
  events.call("cudaLaunchKernel", 100, 2, 1).gpu("a", 110, 50, 1, 7);  // starts everything
  events.call("cudaLaunchKernel", 103, 2, 2).gpu("b", 162, 20, 2, 7);  // waits for the stream
  events.call("cudaLaunchKernelExC", 106, 2, 3)
      .gpu("ncclDevKernel_AllReduce", 185, 40, 3, 24, kAllReduce);
  events.call("cudaStreamWaitEvent", 109, 1, 4);
  events.call("cudaLaunchKernel", 111, 2, 5).gpu("c", 230, 10, 5, 7);    // waits for the all-reduce
  events.call("cudaLaunchKernel", 400, 2, 6).gpu("d", 404, 5.25, 6, 7);  // the host was slow
  const Workload workload = load(events.json());
  const OpGraph& graph = *workload.graphs[0];
  const auto times = replay(graph);
  REQUIRE(times.size() == 5);
  // From the first GPU op, at 110 us. The all-reduce takes no time here instead of 40 us, so c
  // comes 40 us earlier: at 185 - 110 + 5; d does not, because the host comes for it at 400 us.
  CHECK(times[0] == std::pair(Duration::us(0), Duration::us(50)));
  CHECK(times[1] == std::pair(Duration::us(52), Duration::us(72)));
  CHECK(times[2].first == Duration::us(75));
  CHECK(times[3] == std::pair(Duration::us(80), Duration::us(90)));
  CHECK(times[4] == std::pair(Duration::us(294), Duration::ns(299'250)));
  std::size_t collectives = 0;
  for (const Op& op : graph.ops())
    if (op.kind == OpKind::kCollective) {
      ++collectives;
      CHECK(op.collective == CollectiveKind::kAllReduce);
      CHECK(op.size == Bytes(512));  // 256 halves
      CHECK(op.stream == 24);
    }
  CHECK(collectives == 1);
}

TEST_CASE("The host waits where it synchronized", "[pytorch]") {
  Events events;
  events.call("cudaLaunchKernel", 100, 2, 1)
      .gpu("ncclDevKernel_AllReduce", 100, 500, 1, 24, kAllReduce);
  events.call("cudaStreamSynchronize", 110, 495, 2);  // returns 5 us after the all-reduce
  events.call("cudaLaunchKernel", 620, 2, 3).gpu("next", 624, 10, 3, 7);
  const auto times = replay(*load(events.json()).graphs[0]);
  REQUIRE(times.size() == 2);
  // Without the network's 500 us the host is at its wait after 10 us, and goes on 5 us later; 15 us
  // then to the launch, 4 us to the start.
  CHECK(times[1].first == Duration::us(10 + 5 + 15 + 4));
}

TEST_CASE("Sizes, kinds, peers and groups come from the record", "[pytorch]") {
  const auto op_of = [](const std::string& args) {
    Events events;
    events.call("cudaLaunchKernel", 1, 1, 1).gpu("ncclDevKernel_X", 3, 5, 1, 20, args);
    const Workload workload = load(events.json());
    for (const Op& op : workload.graphs[0]->ops())
      if (op.device == Device::kGpu) return op;
    return Op{};
  };
  const auto named = [](const std::string& name, const std::string& type, int in, int out) {
    return fmt::format(
        R"("Collective name": "{}", "dtype": "{}", "In msg nelems": {}, "Out msg nelems": {})",
        name, type, in, out);
  };
  CHECK(op_of(named("_allgather_base", "BFloat16", 10, 10)).collective ==
        CollectiveKind::kAllGather);
  CHECK(op_of(named("_allgather_base", "BFloat16", 10, 10)).size == Bytes(20));
  CHECK(op_of(named("_reduce_scatter_base", "Float", 8, 1)).collective ==
        CollectiveKind::kReduceScatter);
  CHECK(op_of(named("scatter", "Byte", 64, 8)).size == Bytes(8));  // what the rank gets
  CHECK(op_of(named("all_to_allv", "Long", 4, 4)).size == Bytes(32));
  CHECK(op_of(named("barrier", "Byte", 1, 1)).size == Bytes(0));
  CHECK(op_of(named("_broadcast_oop", "Float8_e4m3fn", 7, 7)).size == Bytes(7));

  // Old PyTorch: only the annotation around the launch, with the shapes of record_shapes=True.
  Events old;
  old.event("user_annotation", "nccl:all_reduce", 0, 9,
            R"("Input Dims": [[4, 2048], [3]], "Input type": ["c10::Half", "float"])");
  old.call("cudaLaunchKernelExC", 5, 1, 1).gpu("ncclKernel_AllReduce", 7, 5, 1, 20);
  const Workload workload = load(old.json());
  const OpGraph& graph = *workload.graphs[0];
  CHECK(graph.op(OpId(graph.size() - 1)).size == Bytes(4 * 2048 * 2 + 3 * 4));

  TraceFolder pair("kineto_pair");
  for (int rank = 0; rank < 2; ++rank) {
    Events events;
    const bool sends = rank == 0;
    events.call("cudaLaunchKernel", 1, 1, 1)
        .gpu("ncclDevKernel_SendRecv", 3, 5, 1, 20,
             named(sends ? "send" : "recv", "Int", 5, 5) +
                 (sends ? R"(, "Dst Rank": 1)" : R"(, "Src Rank": 0)"));
    pair.raw(events.json(rank, 2));
  }
  const Workload messages = load_trace(pair.pattern());
  const OpGraph& sender = *messages.graphs[0];
  CHECK(sender.op(OpId(sender.size() - 1)).kind == OpKind::kSend);
  CHECK(sender.op(OpId(sender.size() - 1)).peer == RankId(1));
  CHECK(sender.op(OpId(sender.size() - 1)).size == Bytes(20));
}

TEST_CASE("Sizes come from the host trace beside the profiler's where that has none", "[pytorch]") {
  Events events;
  events.call("cudaLaunchKernel", 1, 1, 1).gpu("ncclKernel_AllReduce", 3, 5, 1, 20);
  TraceFolder folder("kineto_host");
  folder.file("x_kineto_0.json", events.json());
  const std::string pattern = (folder.path() / "x_kineto_{rank}.json").string();
  CHECK_THROWS_WITH(load_trace(pattern), Contains("what it does is not told; record with PyTorch"));
  folder.file("x_et_0.json",
              R"x({"schema": "1.0.1", "nodes": [{"name": "nccl:all_reduce", "id": 4,
                  "input_shapes": [[10, 10]], "input_types": ["Tensor(c10::Half)"]}]})x");
  const Workload old = load_trace(pattern);
  CHECK(old.graphs[0]->op(OpId(old.graphs[0]->size() - 1)).size == Bytes(200));
  folder.file("x_et_0.json",
              R"x({"schema": "1.0.2-chakra.0.0.4", "nodes": [{"id": 4, "name": "nccl:all_reduce",
                  "inputs": {"values": [], "shapes": [[[5], [6]]],
                             "types": ["GenericList[Tensor(float)]"]}}]})x");
  const Workload newer = load_trace(pattern);
  CHECK(newer.graphs[0]->op(OpId(newer.graphs[0]->size() - 1)).size == Bytes(44));
}

TEST_CASE("One step of several can be chosen", "[pytorch]") {
  Events events;
  for (int step = 0; step < 3; ++step) {
    events.event("user_annotation", "ProfilerStep#" + std::to_string(step), step * 100, 100, "");
    events.call("cudaLaunchKernel", step * 100 + 10, 1, step)
        .gpu("k", step * 100 + 20, 5 + step, step, 7);
  }
  std::vector<std::string> warnings;
  TraceFolder folder("steps");
  folder.raw(events.json());
  CHECK(describe_rank(*load_trace(folder.pattern(), {}, &warnings).graphs[0]).gpu_compute ==
        Duration::us(18));
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("has the steps 0, 1, 2"));
  TraceOptions options;
  options.step = "1";
  CHECK(describe_rank(*load(events.json(), options).graphs[0]).gpu_compute == Duration::us(6));
  options.step = "7";
  CHECK_THROWS_WITH(load(events.json(), options),
                    Contains("has no ProfilerStep#7; its steps are: 0, 1, 2"));
}

TEST_CASE("Broken profiler traces are located", "[pytorch][errors]") {
  const auto one = [](const std::string& members) {
    return R"({"traceEvents": [{"ph": "X", "cat": "kernel", )" + members + "}]}";
  };
  const std::string times = R"("name": "k", "ts": 1, "dur": 2)";
  CHECK_THROWS_WITH(load(R"({"traceEvents": [{"ph": "X")"), Contains("not JSON"));
  CHECK_THROWS_WITH(load(R"({"traceEvents": [7]})"), Contains("event 1: an event must be"));
  CHECK_THROWS_WITH(load(R"({"traceEvents": []})"), Contains("has no GPU ops"));
  CHECK_THROWS_WITH(load(one(R"("name": "k", "dur": 2)")),
                    Contains("byte") && Contains("'ts' is missing"));
  CHECK_THROWS_WITH(load(one(R"("name": "k", "ts": 1, "dur": -2)")),
                    Contains("'dur' is out of range"));
  CHECK_THROWS_WITH(load(one(R"("name": "k", "ts": "soon", "dur": 2)")),
                    Contains("'ts' is not a time in microseconds"));
  CHECK_THROWS_WITH(load(one(times + R"(, "args": {"stream": 7})")),
                    Contains("a GPU op without its 'correlation'"));
  CHECK_THROWS_WITH(load(one(times + R"(, "args": {"correlation": 7})")),
                    Contains("a GPU op without its 'stream'"));
  CHECK_THROWS_WITH(load(R"({"distributedInfo": {"rank": 3}, "traceEvents": []})"),
                    Contains("is of rank 3 by its distributedInfo, of rank 0 by its name"));
  Events two;
  two.gpu("k", 1, 1, 1, 7)
      .event("kernel", "k", 2, 1, R"("correlation": 2, "stream": 7, "device": 1)");
  CHECK_THROWS_WITH(load(two.json()), Contains("GPU ops of two devices, 0 and 1"));
  const auto nccl = [](const std::string& args) {
    Events events;
    events.gpu("ncclDevKernel_X", 1, 1, 9, 7, args);
    return events.json(0, 4);
  };
  CHECK_THROWS_WITH(load(nccl(R"("Collective name": "allreduce")")),
                    Contains("(correlation 9): the size of the all_reduce is not told") &&
                        Contains("record_shapes=True"));
  CHECK_THROWS_WITH(load(nccl(R"("Collective name": "coalesced")")),
                    Contains("several sends and recvs in one kernel"));
  CHECK_THROWS_WITH(load(nccl(R"("Collective name": "allreduce", "dtype": "Float",
                                 "In msg nelems": 1, "Group size": 2)")),
                    Contains("a group of 2 of the 4 ranks, but which is not told"));
}

TEST_CASE("The recorded Megatron step says what its derived Chakra trace says",
          "[pytorch][traces]") {
  std::vector<std::string> warnings;
  const WorkloadInfo direct =
      describe_workload(load_trace(kTraces + "megatron_tp8/kineto.{rank}.json.gz", {}, &warnings));
  const WorkloadInfo derived =
      describe_workload(load_trace(kTraces + "megatron_tp8/meg.{rank}.et.gz"));
  CHECK(warnings.empty());
  REQUIRE(direct.ranks.size() == 8);
  for (std::size_t rank = 0; rank < 8; ++rank) {
    CHECK(direct.ranks[rank].count(OpKind::kCollective) == 84);
    CHECK(direct.ranks[rank].collective_bytes == Bytes(5'435'916'288));
    CHECK(direct.ranks[rank].gpu_compute == derived.ranks[rank].gpu_compute);
  }
  // The end of the last GPU op of the recording, 630,762 us: rank 0 is bound by its host.
  REQUIRE(direct.critical_path);
  CHECK(*direct.critical_path <= Duration::us(630'762 + 50));
  CHECK(*direct.critical_path > Duration::us(630'000));
}
