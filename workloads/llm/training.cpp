// SPDX-License-Identifier: Apache-2.0
// Settings of a training job, and which of them go together.
#include "workloads/llm/training.hpp"

#include <fmt/format.h>

#include "sim/error.hpp"
#include "sim/param_check.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMostRanks = 1 << 20;
// Each pass is about six ops: some 500 bytes in the graphs, and as much again in a run's plans.
constexpr std::int64_t kMostPasses = 5'000'000;

[[noreturn]] void fail(const std::string& what) { throw UserError(what); }

void check_world(const TrainingParams& p) {
  const std::int64_t degrees[] = {p.tensor_parallel, p.context_parallel, p.data_parallel,
                                  p.pipeline_parallel};
  std::int64_t ranks = 1;
  for (const std::int64_t degree : degrees) ranks = ranks > kMostRanks ? ranks : ranks * degree;
  if (ranks > kMostRanks)
    fail(fmt::format(
        "the job has more than {} ranks: tensor_parallel {} * context_parallel {} * "
        "data_parallel {} * pipeline_parallel {}",
        kMostRanks, p.tensor_parallel, p.context_parallel, p.data_parallel, p.pipeline_parallel));
  if (p.gpus > 0 && p.gpus != ranks)
    fail(
        fmt::format("gpus: {}, but tensor_parallel {} * context_parallel {} * data_parallel {} * "
                    "pipeline_parallel {} = {}",
                    p.gpus, p.tensor_parallel, p.context_parallel, p.data_parallel,
                    p.pipeline_parallel, ranks));
}

void check_tensor(const TrainingParams& p) {
  const auto divides = [&](std::int64_t amount, std::string_view what) {
    if (amount % p.tensor_parallel != 0)
      fail(fmt::format("tensor_parallel: {} {} cannot be split over {} GPUs evenly", amount, what,
                       p.tensor_parallel));
  };
  divides(p.model.heads, "heads");
  if (p.model.kv_heads > p.tensor_parallel) divides(p.model.kv_heads, "kv_heads");
  if (p.tensor_parallel > p.model.kv_heads && p.tensor_parallel % p.model.kv_heads != 0)
    fail(fmt::format("tensor_parallel: {} GPUs cannot share {} kv_heads evenly", p.tensor_parallel,
                     p.model.kv_heads));
  if (p.model.experts == 0 || p.model.dense_layers > 0) divides(p.model.ffn_size, "ffn_size");
  if (p.model.experts > 0) divides(p.model.expert_ffn_size, "expert_ffn_size");
  if (p.sequence_parallel && p.tensor_parallel == 1)
    fail("sequence_parallel: needs tensor_parallel of 2 or more");
  if (p.overlap_tensor && p.tensor_parallel == 1)
    fail("overlap_tensor: needs tensor_parallel of 2 or more");
  const std::int64_t parts =
      p.context_parallel * (p.sequence_parallel ? p.tensor_parallel : std::int64_t{1});
  if (p.model.sequence_length % parts != 0)
    fail(
        fmt::format("model.sequence_length: {} tokens cannot be split evenly into {} parts "
                    "(context_parallel{})",
                    p.model.sequence_length, parts,
                    p.sequence_parallel ? " * tensor_parallel, as sequence_parallel is on" : ""));
}

void check_pipeline(const TrainingParams& p) {
  if (p.virtual_stages > 1 && p.pipeline_parallel == 1)
    fail("virtual_stages: needs pipeline_parallel of 2 or more");
  if (p.pipeline_parallel == 1) {
    if (p.scatter_gather) fail("scatter_gather: needs pipeline_parallel of 2 or more");
    if (p.overlap_pipeline) fail("overlap_pipeline: needs pipeline_parallel of 2 or more");
  }
  if (p.scatter_gather && p.tensor_parallel == 1)
    fail("scatter_gather: needs tensor_parallel of 2 or more");
  if (p.scatter_gather && p.sequence_parallel)
    fail("scatter_gather: sequence_parallel sends activations split already; switch one off");
  const std::int64_t units =
      p.model.layers + (p.embedding_as_layer ? 1 : 0) + (p.output_as_layer ? 1 : 0);
  const std::int64_t parts = p.pipeline_parallel * p.virtual_stages;
  if (units % parts != 0)
    fail(fmt::format(
        "pipeline_parallel: {} layers{} cannot be split evenly into {} parts "
        "(pipeline_parallel {} * virtual_stages {}); embedding_as_layer and "
        "output_as_layer count one each",
        p.model.layers, units > p.model.layers ? fmt::format(" + {}", units - p.model.layers) : "",
        parts, p.pipeline_parallel, p.virtual_stages));
}

void check_batch(const TrainingParams& p) {
  const std::int64_t each = p.data_parallel * p.micro_batch;
  if (p.global_batch % each != 0)
    fail(
        fmt::format("global_batch: {} sequences are no multiple of data_parallel {} * "
                    "micro_batch {} = {}",
                    p.global_batch, p.data_parallel, p.micro_batch, each));
  if (p.virtual_stages > 1 && p.micro_batches() % p.pipeline_parallel != 0)
    fail(
        fmt::format("virtual_stages: the interleaved schedule needs a multiple of "
                    "pipeline_parallel {} micro-batches; there are {}",
                    p.pipeline_parallel, p.micro_batches()));
  // Of all graphs together: pipeline stages share the layers.
  const double passes = 2.0 * static_cast<double>(p.iterations) *
                        static_cast<double>(p.micro_batches()) *
                        static_cast<double>(p.model.layers);
  if (passes > kMostPasses)
    fail(fmt::format(
        "iterations: {} * {} micro-batches * {} layers are {:.7g} passes forward and backward; at "
        "most {} can be held. Lower iterations, global_batch or model.layers: a few iterations "
        "show what more would repeat",
        p.iterations, p.micro_batches(), p.model.layers, passes, kMostPasses));
}

void check_experts(const TrainingParams& p) {
  if (p.model.experts == 0) {
    if (p.expert_parallel > 1) fail("expert_parallel: the model has no experts");
    if (p.expert_imbalance > 1) fail("expert_imbalance: the model has no experts");
    return;
  }
  if (p.model.experts % p.expert_parallel != 0)
    fail(fmt::format("expert_parallel: {} experts cannot be split over {} GPUs evenly",
                     p.model.experts, p.expert_parallel));
  const std::int64_t copies = p.data_parallel * p.context_parallel;
  if (copies % p.expert_parallel != 0)
    fail(
        fmt::format("expert_parallel: {} does not divide data_parallel {} * context_parallel {} "
                    "= {}, whose ranks share the experts",
                    p.expert_parallel, p.data_parallel, p.context_parallel, copies));
  if (p.tensor_parallel > 1 && !p.sequence_parallel)
    fail(
        "sequence_parallel: must be on for a model with experts and tensor_parallel of 2 or "
        "more, as in Megatron-LM");
  if (p.expert_imbalance > 1 && p.expert_parallel == 1)
    fail("expert_imbalance: needs expert_parallel of 2 or more");
  if (p.expert_imbalance > static_cast<double>(p.expert_parallel))
    fail(fmt::format("expert_imbalance: {} of the mean is more than all of {} ranks together",
                     p.expert_imbalance, p.expert_parallel));
}

void check_checkpoint(const TrainingParams& p) {
  const TrainingParams defaults;
  if (p.checkpoint_storage.empty()) {
    if (p.checkpoint_async) fail("checkpoint_async: needs checkpoint_storage");
  } else {
    if (p.checkpoint_every == 0) fail("checkpoint_storage: has no effect without checkpoint_every");
    if (p.checkpoint_rate != defaults.checkpoint_rate)
      fail(
          "checkpoint_rate: checkpoints go to checkpoint_storage, whose servers and network decide "
          "how long they take; remove one of the two");
  }
  if (!p.checkpoint_async && p.checkpoint_copy_rate != defaults.checkpoint_copy_rate)
    fail("checkpoint_copy_rate: applies to checkpoint_async only");
}

}  // namespace

void check_training(const TrainingParams& params) {
  check_ranges(params, "generate");
  check_card(params.model, "model");
  check_world(params);
  check_tensor(params);
  check_pipeline(params);
  check_batch(params);
  check_experts(params);
  check_checkpoint(params);
  if (params.zero_stage == 3 && params.pipeline_parallel > 1)
    fail(
        "zero_stage: 3 gathers every layer for every micro-batch and is not combined with "
        "pipeline_parallel; use 0, 1 or 2");
}

void describe(ParamVisitor& v, TrainingParams& p) {
  constexpr std::string_view kOurs = "Plait's choice";
  constexpr std::string_view kMegatron = "default of Megatron-LM";
  nested(v, {"model", "the transformer", ""}, p.model);
  const auto degree = [&](std::string_view name, std::string_view help, std::int64_t& value) {
    v.field({name, help, kMegatron}, value, {1, kMostRanks});
  };
  degree("tensor_parallel", "GPUs that share each layer's matrices", p.tensor_parallel);
  degree("context_parallel", "GPUs that share each sequence's attention", p.context_parallel);
  degree("expert_parallel",
         "GPUs that share the experts; they are among those of data_parallel * "
         "context_parallel",
         p.expert_parallel);
  degree("data_parallel", "copies of the model that share the batch", p.data_parallel);
  degree("pipeline_parallel", "stages that share the layers", p.pipeline_parallel);
  v.field({"gpus", "if not 0, checked to be the product of the parallelism", kOurs}, p.gpus,
          {0, kMostRanks});
  degree("virtual_stages", "parts of the model on each stage; 1: plain 1F1B, else interleaved",
         p.virtual_stages);
  v.field({"global_batch", "sequences of one iteration, over all GPUs", kOurs}, p.global_batch,
          {1, 1'000'000'000});
  v.field({"micro_batch", "sequences that go through the pipeline together", kMegatron},
          p.micro_batch, {1, 1'000'000});
  v.field({"iterations", "optimizer steps to run", kOurs}, p.iterations, {1, 1'000'000});
  v.field({"sequence_parallel",
           "split norms and dropout over the tensor-parallel GPUs: all-gather and reduce-scatter "
           "in place of all-reduce (Korthikanti et al.)",
           kMegatron},
          p.sequence_parallel);
  v.field({"zero_stage",
           "what data-parallel GPUs split: 0 nothing, 1 optimizer, 2 gradients too, 3 parameters "
           "too (FSDP)",
           kMegatron},
          p.zero_stage, {0, 3});
  v.choice({"recompute", "activations computed again in the backward pass", kMegatron}, p.recompute,
           {{"none", "all are kept"},
            {"selective", "those of the attention core (Korthikanti et al.)"},
            {"full", "all but each layer's input"}});
  v.choice({"precision", "of the layers' matrix products", kOurs}, p.precision,
           {{"bf16", "16 bits, also fp16"}, {"fp8", "8 bits"}});
  v.choice({"gradients", "number type of gradients in memory and on the wire", kMegatron},
           p.gradients, {{"bf16", "2 bytes, also fp16"}, {"fp32", "4 bytes"}});
  v.field(
      {"fused_attention", "FlashAttention: no matrix of scores in memory, causal half only", kOurs},
      p.fused_attention);
  v.choice({"context_exchange", "how keys and values reach the GPUs of context_parallel",
            "Llama 3, arXiv 2407.21783, section 3.3.2"},
           p.context_exchange,
           {{"all_gather", "all-gather before attention, reduce-scatter after its backward pass"},
            {"ring", "from neighbour to neighbour while attention runs (ring attention)"}});
  v.field({"scatter_gather",
           "send 1 / tensor_parallel of the activations between stages and gather them there "
           "(SC 2021, section 4.1)",
           kMegatron},
          p.scatter_gather);
  v.field({"overlap_data",
           "reduce gradients during the backward pass, gather parameters during the forward pass",
           kOurs},
          p.overlap_data);
  v.field({"overlap_tensor", "tensor-parallel collectives during the products they belong to",
           kMegatron},
          p.overlap_tensor);
  v.field({"overlap_pipeline", "compute goes on while activations are being sent", kMegatron},
          p.overlap_pipeline);
  v.field({"embedding_as_layer",
           "the embedding counts as a layer when layers are split over "
           "stages",
           kMegatron},
          p.embedding_as_layer);
  v.field({"output_as_layer",
           "the output and loss count as a layer when layers are split over "
           "stages",
           kMegatron},
          p.output_as_layer);
  v.field({"gradient_clipping", "the norm of all gradients is reduced before the optimizer step",
           kMegatron},
          p.gradient_clipping);
  v.field(
      {"expert_imbalance",
       "tokens at the busiest expert-parallel rank, the first of each group, over the mean", kOurs},
      p.expert_imbalance, {1, 1e6});
  v.field({"checkpoint_every", "iterations between checkpoints; 0: none", kOurs},
          p.checkpoint_every, {0, 1'000'000});
  v.field({"checkpoint_rate", "at which one rank writes its part of a checkpoint", kOurs},
          p.checkpoint_rate, {BitRate::mbps(1), BitRate::gigabytes_per_s(100'000)});
  v.field({"checkpoint_storage",
           "job with `storage` whose servers take the checkpoints, as messages over the fabric; "
           "empty: a checkpoint is a time only",
           "none"},
          p.checkpoint_storage);
  v.field({"checkpoint_async",
           "training goes on once its state has been copied to the host's memory, while that is "
           "being written (PyTorch DCP, async_save); needs checkpoint_storage",
           "torch.distributed.checkpoint.save"},
          p.checkpoint_async);
  v.field({"checkpoint_copy_rate", "from GPU to host memory; checkpoint_async only",
           "Plait's choice: of the 31.5 GB/s of PCIe 4.0 x16"},
          p.checkpoint_copy_rate, {BitRate::mbps(1), BitRate::gigabytes_per_s(100'000)});
  v.field({"kernel_times", "CSV file of lines kernel,time that replace the roofline; empty: none",
           kOurs},
          p.kernel_times);
}

}  // namespace plait
