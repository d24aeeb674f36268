// SPDX-License-Identifier: Apache-2.0
#include "workloads/serving/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "sim/error.hpp"
#include "workloads/serving/step_graph.hpp"

namespace plait {

namespace {

double number(std::int64_t n) { return static_cast<double>(n); }

std::string gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

// Of the KV cache that one rank must hold at the least: a request's is never spread over attention
// groups, kv_tokens are.
std::int64_t least_tokens(const PoolParams& pool, std::int64_t longest) {
  return std::max(longest, pool.kv_tokens / pool.attention_groups());
}

double needed(const ServingParams& params, const PoolParams& pool, std::int64_t longest) {
  return weights_per_rank(params, pool) + cache_per_rank(params, pool, least_tokens(pool, longest));
}

bool is_legal(const PoolParams& pool, const ModelCard& card) {
  const std::int64_t tp = pool.tensor_parallel;
  const bool kv = card.attention == AttentionKind::kLatent || card.kv_heads % tp == 0 ||
                  tp % card.kv_heads == 0;
  return card.heads % tp == 0 && kv &&
         (pool.expert_parallel == 1 || pool.expert_parallel % tp == 0);
}

// "raise decode.tensor_parallel to 4, ", or nothing if no value is enough.
std::string enough_ranks(const ServingParams& params, PoolParams pool, std::int64_t longest,
                         Bytes memory, std::string_view name) {
  while (++pool.tensor_parallel <= params.model.heads)
    if (is_legal(pool, params.model) && needed(params, pool, longest) <= number(memory.count()))
      return fmt::format("raise {}.tensor_parallel to {} or more, ", name, pool.tensor_parallel);
  return params.model.experts > 0 ? fmt::format("raise {}.expert_parallel, ", name) : "";
}

void check_pool(const ServingParams& params, const PoolParams& pool, std::string_view name,
                std::int64_t longest, Bytes memory) {
  if (needed(params, pool, longest) <= number(memory.count())) return;
  const std::int64_t tokens = least_tokens(pool, longest);
  throw UserError(fmt::format(
      "{}: a GPU needs {} for its share of the weights and {} for the KV cache of {} tokens, "
      "{}, but it has {}; {}lower {}, or choose a GPU with more memory (fabric.host)",
      name, gigabytes(weights_per_rank(params, pool)),
      gigabytes(cache_per_rank(params, pool, tokens)), tokens,
      tokens > longest ? fmt::format("its share of {}.kv_tokens", name) : "the longest request",
      gigabytes(number(memory.count())), enough_ranks(params, pool, longest, memory, name),
      tokens > longest ? fmt::format("{}.kv_tokens", name) : "weight_bytes or kv_bytes"));
}

}  // namespace

double weights_per_rank(const ServingParams& params, const PoolParams& pool) {
  const ModelCard& card = params.model;
  const double tp = number(pool.tensor_parallel);
  const bool spread = pool.expert_parallel > 1;
  // The vocabulary is cut; so is here the final norm, which is a millionth of it.
  double sum = (embedding_params(card) + output_params(card)) / tp;
  for (std::int64_t i = 0; i < card.layers; ++i) {
    const LayerParams layer = layer_params(card, i);
    sum += (layer.attention_split + layer.ffn_split) / tp + layer.attention_whole + layer.ffn_whole;
    sum += layer.experts / (spread ? pool.replica_ranks() : tp);
  }
  return sum * number(params.weight_bytes);
}

double cache_per_rank(const ServingParams& params, const PoolParams& pool, std::int64_t tokens) {
  return number(tokens) * number(params.model.layers) *
         number(kv_bytes_per_layer(params, pool.tensor_parallel));
}

void check_serving_memory(const ServingParams& params,
                          const std::vector<InferenceRequest>& requests, Bytes memory) {
  std::int64_t prompt = 0, whole = 0;
  for (const InferenceRequest& request : requests) {
    prompt = std::max(prompt, request.prompt_tokens);
    whole = std::max(whole, request.prompt_tokens + request.output_tokens);
  }
  if (params.colocates()) {
    check_pool(params, params.colocated, "colocated", whole, memory);
  } else {
    check_pool(params, params.prefill, "prefill", prompt, memory);
    check_pool(params, params.decode, "decode", whole, memory);
  }
}

}  // namespace plait
