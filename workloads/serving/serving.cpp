// SPDX-License-Identifier: Apache-2.0
#include "workloads/serving/serving.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/error.hpp"
#include "sim/param_check.hpp"

namespace plait {

namespace {

constexpr std::string_view kOurs = "Plait's choice";

void describe_slo(ParamVisitor& visitor, RequestSlo& slo) {
  const Range<Duration> range{Duration{}, Duration::s(86'400)};
  visitor.field({"latency", "from arrival to the last token; 0us: no bound", kOurs}, slo.latency,
                range);
  visitor.field({"time_to_first_token", "from arrival; 0us: no bound", kOurs},
                slo.time_to_first_token, range);
  visitor.field({"time_per_output_token", "mean after the first; 0us: no bound", kOurs},
                slo.time_per_output_token, range);
}

void divides(std::int64_t part, std::int64_t whole, const std::string& key,
             const std::string& what) {
  if (whole % part != 0)
    throw UserError(fmt::format("{} {} does not divide the model's {} {}", key, part, whole, what));
}

void check_pool(const PoolParams& pool, const ModelCard& card, const std::string& name) {
  const std::int64_t tp = pool.tensor_parallel, ep = pool.expert_parallel;
  divides(tp, card.heads, name + ".tensor_parallel", "heads");
  if (card.attention == AttentionKind::kGrouped && tp % card.kv_heads != 0)
    divides(tp, card.kv_heads, name + ".tensor_parallel", "KV heads, nor do they divide it");
  if (ep == 1) return;
  if (card.experts == 0)
    throw UserError(
        fmt::format("{}.expert_parallel is {}, but the model has no experts", name, ep));
  divides(ep, card.experts, name + ".expert_parallel", "experts");
  if (ep % tp != 0)
    throw UserError(fmt::format("{0}.expert_parallel {1} is no multiple of {0}.tensor_parallel {2}",
                                name, ep, tp));
}

bool same(const PoolParams& a, const PoolParams& b) {
  return a.replicas == b.replicas && a.tensor_parallel == b.tensor_parallel &&
         a.expert_parallel == b.expert_parallel && a.max_batch == b.max_batch &&
         a.max_batch_tokens == b.max_batch_tokens && a.kv_tokens == b.kv_tokens;
}

void refuse(bool changed, std::string_view key, std::string_view applies_to) {
  if (changed)
    throw UserError(fmt::format("{} applies to mode {} only; remove it", key, applies_to));
}

}  // namespace

void describe(ParamVisitor& visitor, PoolParams& pool) {
  visitor.field({"replicas", "copies of the model", kOurs}, pool.replicas, {1, 100'000});
  visitor.field({"tensor_parallel", "ranks over which every matrix is cut", kOurs},
                pool.tensor_parallel, {1, 1'024});
  visitor.field({"expert_parallel",
                 "ranks over which experts are spread whole; 1: they are cut as other matrices. "
                 "More than tensor_parallel: attention is data-parallel between its groups",
                 kOurs},
                pool.expert_parallel, {1, 4'096});
  visitor.field(
      {"max_batch", "most sequences of one step", "vLLM v0.8, SchedulerConfig.max_num_seqs"},
      pool.max_batch, {1, 1'000'000});
  visitor.field({"max_batch_tokens",
                 "most prompt and decode tokens of one step; a longer prompt runs alone, unless "
                 "chunked",
                 "vLLM, max_num_batched_tokens of its API server on an H100"},
                pool.max_batch_tokens, {1, 100'000'000});
  visitor.field({"kv_tokens",
                 "tokens of KV cache that a replica holds; a request enters when its prompt and "
                 "whole output fit; 0: no limit",
                 kOurs},
                pool.kv_tokens, {0, 1'000'000'000'000});
}

void describe(ParamVisitor& visitor, RequestStreamParams& params) {
  visitor.field(
      {"file", "CSV file with the columns arrival, prompt_tokens, output_tokens; empty: drawn",
       "none"},
      params.file);
  visitor.field({"count", "number of requests drawn", kOurs}, params.count, {1, 10'000'000});
  visitor.field({"per_s", "mean number per second; Poisson arrivals", kOurs}, params.per_s,
                {1e-6, 1e9});
  nested(visitor, {"prompt_tokens", "tokens of a prompt", ""}, params.prompt_tokens);
  nested(visitor, {"output_tokens", "tokens of an answer, the first included", ""},
         params.output_tokens);
}

void describe(ParamVisitor& visitor, ServingParams& params) {
  nested(visitor, {"model", "the transformer that is served", ""}, params.model);
  visitor.choice({"mode", "where prefill and decode run", kOurs}, params.mode,
                 {{"disaggregated", "on replicas of their own; the KV cache moves between them"},
                  {"colocated", "on the same replicas"}});
  nested(visitor, {"prefill", "replicas that run prompts; mode disaggregated", ""}, params.prefill);
  nested(visitor, {"decode", "replicas that make the other tokens; mode disaggregated", ""},
         params.decode);
  nested(visitor, {"colocated", "replicas that do both; mode colocated", ""}, params.colocated);
  visitor.field({"chunked_prefill",
                 "cut prompts to fill max_batch_tokens, and mix them with decode tokens; else a "
                 "step is of whole prompts, which go first, or of decode tokens",
                 "off, as vLLM before v1; Agrawal et al., Sarathi-Serve, OSDI 2024"},
                params.chunked_prefill);
  visitor.choice({"kv_transfer", "when the KV cache of a prompt is sent", kOurs},
                 params.kv_transfer,
                 {{"after_prefill", "with the end of the step that completes the prompt"},
                  {"layer_wise", "layer by layer while that step runs"}});
  visitor.choice(
      {"router", "which replica gets a request; decided by its number and size alone", kOurs},
      params.router,
      {{"round_robin", "each in turn"},
       {"least_loaded", "the one that was given the fewest tokens so far"}});
  visitor.field({"weight_bytes", "of one number of the weights", "Plait's choice: bf16"},
                params.weight_bytes, {1, 4});
  visitor.field(
      {"activation_bytes", "of one number of what ranks send each other", "Plait's choice: bf16"},
      params.activation_bytes, {1, 4});
  visitor.field({"kv_bytes", "of one number of the KV cache", "Plait's choice: bf16"},
                params.kv_bytes, {1, 4});
  visitor.field({"layers_per_op",
                 "layers whose compute and messages are put together as one; more is faster and "
                 "leaves out latencies of the collectives",
                 "Plait's choice: every layer on its own"},
                params.layers_per_op, {1, 1'000});
  visitor.field({"step_overhead", "scheduler and launches, before the first layer of a step",
                 "Plait's choice: none, it differs between engines"},
                params.step_overhead, {Duration{}, Duration::s(10)});
  visitor.field(
      {"control_message", "that tells the ranks of a replica what the next step is", kOurs},
      params.control_message, {Bytes(1), Bytes::mebi(64)});
  nested(visitor, {"requests", "what is asked, and when", ""}, params.requests);
  if (!visitor.begin({"slo", "bounds that a good request keeps", ""})) return;
  describe_slo(visitor, params.slo);
  visitor.end();
}

std::uint32_t ServingParams::ranks() const {
  const auto of = [](const PoolParams& pool) {
    return static_cast<std::uint32_t>(pool.replicas) * pool.replica_ranks();
  };
  return colocates() ? of(colocated) : of(prefill) + of(decode);
}

void check_serving(const ServingParams& params) {
  check_ranges(params, "serving");
  check_card(params.model, "serving.model");
  const PoolParams untouched;
  if (params.colocates()) {
    refuse(!same(params.prefill, untouched), "prefill", "disaggregated");
    refuse(!same(params.decode, untouched), "decode", "disaggregated");
    refuse(params.kv_transfer != KvTransferTime::kAfterPrefill, "kv_transfer", "disaggregated");
    check_pool(params.colocated, params.model, "colocated");
  } else {
    refuse(!same(params.colocated, untouched), "colocated", "colocated");
    check_pool(params.prefill, params.model, "prefill");
    check_pool(params.decode, params.model, "decode");
    if (params.prefill.kv_tokens > 0)
      throw UserError("prefill.kv_tokens: the KV cache of prefill is not limited; remove it");
  }
  const RequestStreamParams drawn;
  if (!params.requests.file.empty() &&
      (params.requests.count != drawn.count || params.requests.per_s != drawn.per_s))
    throw UserError("requests.file says what is asked; remove requests.count and requests.per_s");
}

}  // namespace plait
