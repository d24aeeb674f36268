// SPDX-License-Identifier: Apache-2.0
// Model cards, and the volumes and numbers of ops of generated training jobs, against closed forms.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "sim/error.hpp"
#include "workloads/llm/kernel_times.hpp"
#include "workloads/llm/kernel_work.hpp"
#include "workloads/llm/rank_mesh.hpp"
#include "workloads/llm/stage_params.hpp"
#include "workloads/trace_info.hpp"
#include "workloads/workload_check.hpp"

using namespace plait;

namespace {

/// A GPT of 4 layers, hidden size 64, 8 heads of 8, sequences of 32 tokens.
TrainingParams small() {
  TrainingParams p;
  p.model.layers = 4;
  p.model.hidden_size = 64;
  p.model.heads = p.model.kv_heads = 8;
  p.model.head_size = 8;
  p.model.ffn_size = 256;
  p.model.vocabulary = 128;
  p.model.sequence_length = 32;
  p.overlap_data = false;
  return p;
}

struct Sum {
  std::uint64_t calls = 0;
  std::int64_t bytes = 0;
};

/// Calls of one name in the graph of `rank`.
Sum sum_of(const Workload& workload, std::size_t rank, const std::string& name) {
  Sum sum;
  const OpGraph& graph = *workload.graphs[rank];
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (graph.name(OpId(i)) != name) continue;
    ++sum.calls;
    sum.bytes += graph.op(OpId(i)).size.count();
  }
  return sum;
}

std::string error_of(const TrainingParams& params) {
  try {
    make_training_workload(params);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

// Within 1 %, or within what the source rounded away: "1.7" billion may be 1.65.
TEST_CASE("Parameter counts of the model cards are the published ones") {
  for (const ModelPreset& preset : model_presets()) {
    INFO(preset.name);
    const double count = parameter_count(preset.card);
    const double rounded = 0.05e9;  // half of the last digit of Megatron's table
    CHECK(std::abs(count - preset.published_parameters) <=
          std::max(0.01 * preset.published_parameters, rounded + 1));
  }
  // Derived by hand: 12 l h^2 (1 + 13 / 12h) + (V + s) h + 2h, SC 2021, equation 2, with the final
  // norm: 96 layers, h 12288, V 50257, s 2048.
  CHECK(parameter_count(model_preset("gpt3_175b")) == 174'604'259'328.0);
  // The checkpoints' own counts (model.safetensors.index.json over 2 bytes).
  CHECK(parameter_count(model_preset("llama3_8b")) == 8'030'261'248.0);
  CHECK(parameter_count(model_preset("llama3_70b")) == 70'553'706'496.0);
  CHECK(parameter_count(model_preset("llama3_405b")) == 405'853'388'800.0);
  CHECK(parameter_count(model_preset("mixtral_8x7b")) == 46'702'792'704.0);
  // Active: Mixtral paper 13 B of 47 B; DeepSeek-V3 paper 37 B of 671 B.
  CHECK(active_parameter_count(model_preset("mixtral_8x7b")) == Approx(12.9e9).epsilon(0.01));
  CHECK(active_parameter_count(model_preset("deepseek_v3")) == Approx(37e9).epsilon(0.02));
  CHECK_THROWS_WITH(model_preset("llama3_70"), Catch::Contains("did you mean 'llama3_70b'?"));
}

// SC 2021, equation 3 without recomputation: 72 B s l h^2 (1 + s/6h + V/12lh).
TEST_CASE("Model operations follow Megatron-LM's equation") {
  for (const char* name : {"gpt3_175b", "megatron_1.7b", "megatron_1t"}) {
    const ModelCard card = model_preset(name);
    const auto h = static_cast<double>(card.hidden_size), l = static_cast<double>(card.layers);
    const auto s = static_cast<double>(card.sequence_length);
    const auto v = static_cast<double>(card.vocabulary);
    const double expected = 72 * 10 * s * l * h * h * (1 + s / (6 * h) + v / (12 * l * h));
    CHECK(model_flops(card, 10, true) == Approx(expected).epsilon(1e-12));
    // Half of attention's share s/6h is left out.
    const double causal = 72 * 10 * s * l * h * h * (1 + s / (12 * h) + v / (12 * l * h));
    CHECK(model_flops(card, 10, false) == Approx(causal).epsilon(1e-12));
  }
}

// Per layer and micro-batch 2 all-reduces forward and 2 backward of b s h values of 2 bytes
// (SC 2021, section 2.3): 2 * 32 * 64 * 2 = 8192 bytes each; 4 layers, 3 micro-batches: 48 calls.
TEST_CASE("Tensor parallelism reduces four times per layer") {
  TrainingParams p = small();
  p.tensor_parallel = 4;
  p.micro_batch = 2;
  p.global_batch = 6;
  Workload workload = make_training_workload(p);
  check_workload(workload, "test");
  Sum sum = sum_of(workload, 1, "tensor_all_reduce");
  CHECK(sum.calls == 48);
  CHECK(sum.bytes == 48 * 8192);

  // Recomputing everything runs the 2 of the forward pass again: 6 per layer.
  p.recompute = Recompute::kFull;
  CHECK(sum_of(make_training_workload(p), 1, "tensor_all_reduce").calls == 72);
  p.recompute = Recompute::kNone;

  // An all-reduce moves what a reduce-scatter and an all-gather move, so sequence parallelism has 4
  // reduce-scatters of 8192 bytes, and 4 all-gathers and 2 more for the weights' gradients, to
  // each of which a rank contributes 8192 / 4.
  p.sequence_parallel = true;
  workload = make_training_workload(p);
  check_workload(workload, "test");
  sum = sum_of(workload, 1, "tensor_reduce_scatter");
  CHECK(sum.calls == 48);
  CHECK(sum.bytes == 48 * 8192);
  sum = sum_of(workload, 1, "tensor_all_gather");
  CHECK(sum.calls == 72);
  CHECK(sum.bytes == 72 * 2048);
}

// Between stages b s h values of 2 bytes once per micro-batch and direction, and virtual_stages
// times as often when interleaved (SC 2021, section 2.2.2): 3 cuts of a whole become 4 v - 1.
TEST_CASE("Pipeline stages hand on activations of every micro-batch") {
  TrainingParams p = small();
  p.pipeline_parallel = 2;
  p.global_batch = 4;
  for (const std::int64_t parts : {1, 2}) {
    p.virtual_stages = parts;
    const Workload workload = make_training_workload(p);
    check_workload(workload, "test");
    const Sum first = sum_of(workload, 0, "pipeline_send_forward");
    const Sum last = sum_of(workload, 1, "pipeline_send_forward");
    CHECK(first.calls == static_cast<std::uint64_t>(4 * parts));
    CHECK(last.calls == static_cast<std::uint64_t>(4 * (parts - 1)));
    CHECK(first.bytes == 4 * parts * 32 * 64 * 2);
    CHECK(sum_of(workload, 1, "pipeline_send_backward").calls == first.calls);
    CHECK(sum_of(workload, 0, "pipeline_send_backward").calls == last.calls);
  }
  // Scatter-gather: a quarter of the bytes over the fabric, gathered on the host.
  p.virtual_stages = 1;
  p.tensor_parallel = 4;
  p.scatter_gather = true;
  const Workload workload = make_training_workload(p);
  check_workload(workload, "test");
  CHECK(sum_of(workload, 0, "pipeline_send_forward").bytes == 4 * 32 * 64 * 2 / 4);
  CHECK(sum_of(workload, 4, "pipeline_all_gather").calls == 4);
}

// ZeRO paper (arXiv 1910.02054), section 7: with P parameters stages 0, 1, 2 move 2 P values per
// rank and step, stage 3 moves 3 P. Here gradients have 4 bytes and parameters 2.
// P of this GPT: 4 (12 * 64^2 + 13 * 64) + (128 + 32) * 64 + 2 * 64 = 210304.
TEST_CASE("ZeRO stages move what the paper says") {
  constexpr std::int64_t kParams = 210'304;
  TrainingParams p = small();
  p.data_parallel = 4;
  p.global_batch = 8;  // 2 micro-batches
  REQUIRE(parameter_count(p.model) == static_cast<double>(kParams));
  for (const bool overlap : {false, true}) {
    p.overlap_data = overlap;
    p.zero_stage = 0;
    Workload workload = make_training_workload(p);
    CHECK(sum_of(workload, 0, "gradient_all_reduce").bytes == 4 * kParams);
    for (p.zero_stage = 1; p.zero_stage <= 3; ++p.zero_stage) {
      INFO("stage " << p.zero_stage);
      workload = make_training_workload(p);
      check_workload(workload, "test");
      const std::int64_t reductions = p.zero_stage == 1 ? 1 : 2;  // per micro-batch from stage 2
      const std::int64_t gathers = p.zero_stage == 3 ? 4 : 1;     // forward and backward of each
      CHECK(sum_of(workload, 0, "gradient_reduce_scatter").bytes == reductions * 4 * kParams);
      CHECK(sum_of(workload, 0, "parameter_all_gather").bytes == gathers * 2 * kParams / 4);
    }
  }
}

// Each of cp - 1 steps sends keys and values of 32 / 4 tokens, 2 * 64 values of 2 bytes: 2048
// bytes; backward with their gradients. By all-gather a rank gives 2048 bytes, in both directions.
TEST_CASE("Context parallelism exchanges keys and values") {
  TrainingParams p = small();
  p.context_parallel = 4;
  p.context_exchange = ContextExchange::kRing;
  Workload workload = make_training_workload(p);
  check_workload(workload, "test");
  CHECK(sum_of(workload, 2, "context_send").calls == 4 * (3 + 3));
  CHECK(sum_of(workload, 2, "context_send").bytes == 4 * (3 + 6) * 2048);
  p.context_exchange = ContextExchange::kAllGather;
  workload = make_training_workload(p);
  check_workload(workload, "test");
  CHECK(sum_of(workload, 2, "context_all_gather").bytes == 4 * 2 * 2048);
  CHECK(sum_of(workload, 2, "context_reduce_scatter").bytes == 4 * 4 * 2048);
}

// Every rank sends each of its 32 tokens to 2 experts, 64 values of 2 bytes: 8192 bytes to the
// experts and as many back, forward and backward, in 3 of the 4 layers.
TEST_CASE("Expert parallelism dispatches and combines") {
  TrainingParams p = small();
  p.model.experts = 8;
  p.model.active_experts = 2;
  p.model.expert_ffn_size = 64;
  p.model.dense_layers = 1;
  p.data_parallel = 4;
  p.global_batch = 4;
  p.expert_parallel = 4;
  Workload workload = make_training_workload(p);
  check_workload(workload, "test");
  CHECK(sum_of(workload, 0, "expert_dispatch").calls == 6);
  CHECK(sum_of(workload, 0, "expert_dispatch").bytes == 6 * 8192);
  CHECK(sum_of(workload, 0, "expert_combine").bytes == 6 * 8192);
  CHECK(workload.matrices.empty());

  // Twice the mean at the first rank of the group: 4096 of a rank's 8192 bytes go there, the
  // others get 8192 / 4 * (4 - 2) / 3 = 1365.33, rounded up.
  p.expert_imbalance = 2;
  workload = make_training_workload(p);
  check_workload(workload, "test");
  REQUIRE(workload.matrices.size() == 2);
  CHECK(workload.matrices[0]->at(3, 0) == Bytes(4096));
  CHECK(workload.matrices[0]->at(0, 3) == Bytes(1366));
  CHECK(workload.matrices[1]->at(0, 3) == Bytes(4096));
  CHECK(workload.matrices[1]->at(3, 0) == Bytes(1366));
  CHECK(workload.graphs[0] != workload.graphs[1]);
  CHECK(workload.graphs[1] == workload.graphs[3]);
  const auto flops = [&](std::size_t rank) { return describe_rank(*workload.graphs[rank]).flops; };
  CHECK(flops(0) > flops(1));
}

TEST_CASE("Ranks are numbered tensor, context, data, pipeline, and experts lie within data") {
  TrainingParams p = small();
  p.model.experts = 4;
  p.model.active_experts = 1;
  p.model.expert_ffn_size = 64;
  p.tensor_parallel = 2;
  p.sequence_parallel = true;
  p.context_parallel = 2;
  p.data_parallel = 2;
  p.pipeline_parallel = 2;
  p.expert_parallel = 2;
  p.global_batch = 2;
  const Workload workload = make_training_workload(p);
  const auto ranks = [&](std::size_t rank, GroupRole role) {
    std::vector<std::uint32_t> numbers;
    const GroupId id = workload.bindings[rank].groups[static_cast<std::size_t>(role)];
    for (const RankId member : workload.groups[id.index()].ranks) numbers.push_back(member.value());
    return numbers;
  };
  using Ranks = std::vector<std::uint32_t>;
  CHECK(ranks(13, GroupRole::kTensor) == Ranks{12, 13});
  CHECK(ranks(13, GroupRole::kContext) == Ranks{13, 15});
  CHECK(ranks(13, GroupRole::kData) == Ranks{9, 11, 13, 15});
  CHECK(ranks(13, GroupRole::kExpert) == Ranks{13, 15});
  CHECK(ranks(13, GroupRole::kExpertData) == Ranks{9, 13});
  CHECK(ranks(13, GroupRole::kModel) == Ranks{4, 5, 12, 13});
  CHECK(ranks(13, GroupRole::kEmbedding) == Ranks{5, 13});
  CHECK(workload.peer(RankId(13), RankId(0)) == RankId(5));
  CHECK(workload.graphs[0] == workload.graphs[7]);
  CHECK(workload.graphs[0] != workload.graphs[8]);
}

// Korthikanti et al., Table 2, bytes per layer with hidden h, sequence s, micro-batch b, a heads:
// s b h (34 + 5 a s / h); tensor parallel s b h (10 + 24/t + 5 a s / (h t)); with sequence
// parallelism all over t; selective recomputation without the term in a; full 2 s b h.
TEST_CASE("Activation memory is that of Korthikanti et al.") {
  TrainingParams p;
  p.model = model_preset("gpt3_175b");
  p.fused_attention = false;
  p.pipeline_parallel = 96;  // a layer a stage, one micro-batch open on the last
  p.global_batch = 96;
  p.zero_stage = 0;
  const double sbh = 2048.0 * 12288;
  const auto layer = [&] {
    // Stage 94 is no end of the pipeline and has 2 micro-batches open.
    return memory_estimate(p, 94).activations / 2 / sbh;
  };
  const double scores = 5.0 * 96 * 2048 / 12288;
  CHECK(layer() == Approx(34 + scores));
  p.tensor_parallel = 8;
  CHECK(layer() == Approx(10 + 24.0 / 8 + scores / 8));
  p.sequence_parallel = true;
  CHECK(layer() == Approx((34 + scores) / 8));
  p.recompute = Recompute::kSelective;
  CHECK(layer() == Approx(34.0 / 8));
  p.recompute = Recompute::kFull;
  CHECK(layer() == Approx(2.0 / 8));
  // 18 bytes a parameter with fp32 gradients (Megatron-LM's docs on its distributed optimizer).
  const MemoryEstimate memory = memory_estimate(p, 94);
  const double held = stage_params(p, 94).dense;
  CHECK(memory.parameters + memory.gradients + memory.optimizer == Approx(18 * held));
}

// SC 2021, equations of section 2.2: with equal steps the first stage starts its last backward step
// after all warm-up, and open micro-batches never exceed the stages.
TEST_CASE("1F1B keeps at most as many micro-batches open as there are stages after it") {
  TrainingParams p = small();
  p.pipeline_parallel = 4;
  p.global_batch = 16;
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    std::int64_t open = 0, most = 0, steps = 0;
    for (const PipelineStep& step : pipeline_steps(p, stage)) {
      open += step.forward ? 1 : -1;
      most = std::max(most, open);
      ++steps;
    }
    CHECK(most == 4 - stage);
    CHECK(open == 0);
    CHECK(steps == 32);
  }
}

TEST_CASE("Llama 3 405B has one layer less on its first and last stage") {
  TrainingParams p;
  p.model = model_preset("llama3_405b");
  p.pipeline_parallel = 16;
  p.virtual_stages = 8;
  p.embedding_as_layer = p.output_as_layer = true;
  const auto layers = [&](std::int64_t stage) {
    std::size_t count = 0;
    for (std::int64_t part = 0; part < 8; ++part)
      for (const ModelUnit& unit : part_units(p, stage, part))
        count += unit.kind == ModelUnit::Kind::kLayer ? 1 : 0;
    return count;
  };
  CHECK(layers(0) == 7);
  CHECK(layers(1) == 8);
  CHECK(layers(15) == 7);
}

TEST_CASE("Settings that cannot be have one clear error each") {
  const auto check = [](auto change, const std::string& text) {
    TrainingParams p = small();
    change(p);
    CHECK_THAT(error_of(p), Catch::Contains(text));
  };
  using P = TrainingParams&;
  check([](P p) { p.tensor_parallel = 3; },
        "tensor_parallel: 8 heads cannot be split over 3 GPUs evenly");
  check([](P p) { p.pipeline_parallel = 3; },
        "pipeline_parallel: 4 layers cannot be split evenly into 3 parts");
  check(
      [](P p) {
        p.data_parallel = 2;
        p.micro_batch = 2;
        p.global_batch = 6;
      },
      "global_batch: 6 sequences are no multiple of data_parallel 2 * micro_batch 2 = 4");
  check(
      [](P p) {
        p.model.experts = 6;
        p.model.active_experts = 2;
        p.model.expert_ffn_size = 8;
        p.data_parallel = 4;
        p.global_batch = 4;
        p.expert_parallel = 4;
      },
      "expert_parallel: 6 experts cannot be split over 4 GPUs evenly");
  check(
      [](P p) {
        p.gpus = 16;
        p.tensor_parallel = 8;
      },
      "gpus: 16, but tensor_parallel 8");
  // 4 layers: 2 * 1 * 625,000 * 4 = 5,000,000 passes are the most. No memory is taken before.
  check(
      [](P p) { p.global_batch = 625'001; },
      "iterations: 1 * 625001 micro-batches * 4 layers are 5000008 passes forward and backward; at "
      "most 5000000 can be held. Lower iterations, global_batch or model.layers");
  check([](P p) { p.iterations = 1'000'000; }, "iterations: 1000000 * 1 micro-batches * 4 layers");
  check([](P p) { p.expert_parallel = 2; }, "expert_parallel: the model has no experts");
  check(
      [](P p) {
        p.pipeline_parallel = 2;
        p.virtual_stages = 2;
        p.global_batch = 3;
      },
      "virtual_stages: the interleaved schedule needs a multiple of pipeline_parallel 2");
  check([](P p) { p.virtual_stages = 2; }, "virtual_stages: needs pipeline_parallel");
  check([](P p) { p.sequence_parallel = true; }, "sequence_parallel: needs tensor_parallel");
  check([](P p) { p.context_parallel = 5; }, "model.sequence_length: 32 tokens cannot be split");
  check(
      [](P p) {
        p.zero_stage = 3;
        p.pipeline_parallel = 2;
      },
      "zero_stage: 3 gathers");
  check([](P p) { p.zero_stage = 4; }, "generate.zero_stage is 4, must be from 0 to 3");
  check([](P p) { p.scatter_gather = true; }, "scatter_gather: needs pipeline_parallel");
  check([](P p) { p.model.kv_heads = 3; }, "model.kv_heads: 8 heads cannot share 3 kv_heads");
  check([](P p) { p.data_parallel = p.tensor_parallel = 1 << 20; },
        "the job has more than 1048576 ranks");
  check([](P p) { p.model.attention = AttentionKind::kLatent; }, "latent needs query_rank");
}

TEST_CASE("A table of kernel times replaces the roofline") {
  const std::string file = "llm_kernel_times.csv";
  const auto write = [&](const std::string& text) { std::ofstream(file) << text; };
  TrainingParams p = small();
  p.kernel_times = file;
  write("# measured\nkernel,time\nffn_forward, 1.5ms\nffn_backward,3ms\n");
  const std::shared_ptr<const OpGraph> shared = make_training_workload(p).graphs[0];
  const OpGraph& graph = *shared;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const bool given = graph.name(OpId(i)).starts_with("ffn_");
    CHECK((graph.op(OpId(i)).duration > Duration()) == given);
  }
  const std::pair<const char*, const char*> bad[] = {
      {"ffn_forward,1ms\n", "llm_kernel_times.csv:1: the first line must be 'kernel,time'"},
      {"kernel,time\nffn_forwards,1ms\n", ":2: unknown kernel 'ffn_forwards'; did you mean"},
      {"kernel,time\nffn_forward,1\n", ":2: "},
      {"kernel,time\nffn_forward,0ms\n", "must take longer than 0"},
      {"kernel,time\nffn_forward,-1ms\n", ":2: "},
      {"kernel,time\nffn_forward\n", ":2: expected kernel,time"},
      {"kernel,time\nffn_forward,1ms,2\n", ":2: expected kernel,time"},
      {"kernel,time\nffn_forward,1ms\nffn_forward,2ms\n",
       ":3: kernel 'ffn_forward' is there twice"},
      {"kernel,time\n", "no kernels"},
      {"", "no kernels"},
  };
  for (const auto& [text, message] : bad) {
    write(text);
    CHECK_THAT(error_of(p), Catch::Contains(message));
  }
  std::remove(file.c_str());
  CHECK_THAT(error_of(p), Catch::Contains("cannot be opened"));
}

TEST_CASE("Checkpoints write every rank's share of parameters and optimizer") {
  TrainingParams p = small();
  p.data_parallel = 2;
  p.global_batch = 2;
  p.iterations = 4;
  p.checkpoint_every = 2;
  p.checkpoint_rate = BitRate::mbps(8);  // 1 MB/s
  const Workload workload = make_training_workload(p);
  CHECK(sum_of(workload, 0, "checkpoint_write").calls == 2);
  // 210304 parameters * (2 + 12) bytes / 2 ranks = 1472128 bytes: 1.472128 s, twice.
  CHECK(describe_rank(*workload.graphs[0]).cpu_compute == Duration::us(2 * 1'472'128));
}

TEST_CASE("Adding up the kernels of an op gives its operations") {
  TrainingParams p = small();
  p.precision = Precision::kFp8;
  p.recompute = Recompute::kSelective;
  const std::shared_ptr<const OpGraph> shared = make_training_workload(p).graphs[0];
  const OpGraph& graph = *shared;
  for (const Op& op : graph.ops()) {
    if (op.kind != OpKind::kCompute) continue;
    REQUIRE_FALSE(graph.kernels(op).empty());
    double flops = 0, bytes = 0;
    for (const Kernel& kernel : graph.kernels(op)) {
      flops += kernel.flops;
      bytes += kernel.memory_bytes;
    }
    CHECK(op.flops == flops);
    CHECK(op.memory_bytes == bytes);
  }
}
