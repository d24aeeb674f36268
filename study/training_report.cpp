// SPDX-License-Identifier: Apache-2.0
#include "study/training_report.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "study/config_node.hpp"
#include "study/config_reader.hpp"
#include "study/text_table.hpp"
#include "workloads/graph_rebuild.hpp"
#include "workloads/llm/kernel_work.hpp"
#include "workloads/llm/rank_mesh.hpp"
#include "workloads/llm/stage_params.hpp"

namespace plait {

namespace {

Bytes bytes(double count) { return Bytes(static_cast<std::int64_t>(count)); }

double number(std::int64_t n) { return static_cast<double>(n); }

struct Traffic {
  std::uint64_t calls = 0;
  Bytes size{};
};

// Of one rank's graph, by what is called and in which role.
using TrafficByRole = std::map<std::pair<std::string, std::string>, Traffic>;

std::string role_name(const Workload& workload, RankId rank, const Op& op) {
  if (op.kind != OpKind::kCollective) return op.kind == OpKind::kSend ? "peer" : "";
  std::string name = workload.groups[workload.group(rank, op.group).index()].name;
  while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.pop_back();
  return name;
}

void add_traffic(const Workload& workload, RankId rank, TrafficByRole& traffic) {
  for (const Op& op : workload.graphs[rank.index()]->ops()) {
    if (op.kind != OpKind::kSend && op.kind != OpKind::kCollective) continue;
    const std::string_view kind =
        op.kind == OpKind::kSend ? to_string(op.kind) : to_string(op.collective);
    Traffic& sum = traffic[{role_name(workload, rank, op), std::string(kind)}];
    ++sum.calls;
    sum.size += op.size;
  }
}

// A rank of each stage: its first, which has the busiest experts.
RankId first_rank(const TrainingParams& params, std::int64_t stage) {
  return RankId(static_cast<std::size_t>(params.world_size() / params.pipeline_parallel * stage));
}

std::string heading(const TrainingParams& p, const Workload& workload) {
  std::set<const OpGraph*> graphs;
  std::uint64_t ops = 0;
  for (const auto& graph : workload.graphs) {
    graphs.insert(graph.get());
    ops += graph->size();
  }
  const double flops = model_flops(p.model, number(p.global_batch), false);
  return fmt::format(
      "{} parameters, {} per token; {} ranks: tensor {}, context {}, data {} (expert {}), pipeline "
      "{}\n{} micro-batches of {} sequences; {} ops in {} graphs that stand for {} ops; {} groups\n"
      "model operations per iteration (causal half of attention): {}FLOP, {}FLOP per GPU\n\n",
      human_count(parameter_count(p.model)), human_count(active_parameter_count(p.model)),
      workload.graphs.size(), p.tensor_parallel, p.context_parallel, p.data_parallel,
      p.expert_parallel, p.pipeline_parallel, p.micro_batches(), p.micro_batch,
      [&graphs] {
        std::size_t sum = 0;
        for (const OpGraph* graph : graphs) sum += graph->size();
        return sum;
      }(),
      graphs.size(), ops, workload.groups.size(), human_count(flops),
      human_count(flops / number(p.world_size())));
}

std::string stage_table(const TrainingParams& p, const Workload& workload) {
  TextTable table(
      "One rank of each pipeline stage",
      {"stage", "ops", "flops", "parameters", "gradients", "optimizer", "activations", "memory"},
      0);
  for (std::int64_t stage = 0; stage < p.pipeline_parallel; ++stage) {
    const OpGraph& graph = *workload.graphs[first_rank(p, stage).index()];
    double flops = 0;
    for (const Op& op : graph.ops()) flops += op.flops;
    const MemoryEstimate memory = memory_estimate(p, stage);
    table.add({fmt::format("{}", stage), fmt::format("{}", graph.size()), human_count(flops),
               human(bytes(memory.parameters)), human(bytes(memory.gradients)),
               human(bytes(memory.optimizer)), human(bytes(memory.activations)),
               human(bytes(memory.total()))});
  }
  return table.text();
}

std::string traffic_table(const TrainingParams& p, const Workload& workload) {
  TextTable table("Calls of the first rank of the first and last stage",
                  {"stage", "group", "kind", "calls", "bytes of the rank"}, 3);
  std::set<std::int64_t> stages{0, p.pipeline_parallel - 1};
  for (const std::int64_t stage : stages) {
    TrafficByRole traffic;
    add_traffic(workload, first_rank(p, stage), traffic);
    for (const auto& [key, sum] : traffic)
      table.add({fmt::format("{}", stage), key.first, key.second, fmt::format("{}", sum.calls),
                 human(sum.size)});
  }
  return table.text();
}

}  // namespace

std::vector<ListedParam> training_params() {
  return list_params([](ConfigVisitor& visitor) {
    TrainingParams params;
    describe(visitor, params);
  });
}

TrainingParams parse_training(const std::vector<std::string>& settings) {
  ConfigNode root;
  for (const std::string& setting : settings) apply_setting(root, setting);
  TrainingParams params;
  ConfigReader reader(root);
  describe(reader, params);
  reader.finish();
  return params;
}

Workload with_durations(const Workload& workload, const GpuParams& gpu) {
  std::map<const OpGraph*, std::shared_ptr<const OpGraph>> known;  // looked up, never iterated
  Workload result = workload;
  for (auto& graph : result.graphs) {
    std::shared_ptr<const OpGraph>& timed = known[graph.get()];
    if (!timed) {
      std::vector<std::uint32_t> order(graph->size());
      std::iota(order.begin(), order.end(), 0U);
      timed = std::make_shared<const OpGraph>(rebuild(*graph, order, [&](Op& op) {
        if (op.kind != OpKind::kCompute) return;
        op.duration = compute_time(op, gpu, graph->kernels(op));
        op.kernels = Op::kNoKernels;
      }));
    }
    graph = timed;
  }
  return result;
}

std::string memory_warning(const TrainingParams& p, const GpuParams& gpu) {
  double most = 0;
  std::int64_t worst = 0;
  for (std::int64_t stage = 0; stage < p.pipeline_parallel; ++stage) {
    const double total = memory_estimate(p, stage).total();
    if (total <= most) continue;
    most = total;
    worst = stage;
  }
  if (most <= number(gpu.memory.count())) return {};
  return fmt::format(
      "a GPU of pipeline stage {} needs about {}, but has {}; it is simulated as if it fitted "
      "(recompute, zero_stage, more tensor_parallel or pipeline_parallel need less)",
      worst, human(bytes(most)), human(gpu.memory));
}

std::string training_report(const TrainingParams& params, const Workload& workload,
                            const GpuParams& gpu) {
  std::string text =
      heading(params, workload) + stage_table(params, workload) + traffic_table(params, workload);
  const std::string warning = memory_warning(params, gpu);
  if (!warning.empty()) text += "\nwarning: " + warning + "\n";
  return text;
}

}  // namespace plait
