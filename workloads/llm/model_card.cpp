// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/model_card.hpp"

#include <fmt/format.h>

#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::int64_t kMost = 1'000'000'000;

double number(std::int64_t n) { return static_cast<double>(n); }

// Where the numbers in hand are from; they are the defaults of the keys, and differ between jobs.
std::string_view source_of(const ModelCard& card) {
  for (const ModelPreset& preset : model_presets())
    if (preset.card == card) return preset.source;
  return "none";
}

// Weights of up (one or two) and down, with biases if the model has them.
double ffn_params(const ModelCard& card, std::int64_t width) {
  const double ups = card.gated_ffn ? 2 : 1;
  const double matrices = (ups + 1) * number(card.hidden_size) * number(width);
  return matrices + (card.biases ? ups * number(width) + number(card.hidden_size) : 0);
}

double norm_params(const ModelCard& card) {
  return (card.biases ? 2 : 1) * number(card.hidden_size);
}

void grouped_attention(const ModelCard& card, LayerParams& params) {
  const double h = number(card.hidden_size);
  const double q = number(card.heads * card.head_size);
  const double kv = 2 * number(card.kv_heads * card.head_size);
  params.attention_split = h * (q + kv) + q * h + (card.biases ? q + kv : 0);
  params.attention_whole = norm_params(card) + (card.biases ? h : 0);
}

// DeepSeek-V2, arXiv 2405.04434, section 2.1: compressed queries and keys/values, each with a norm.
void latent_attention(const ModelCard& card, LayerParams& params) {
  const double h = number(card.hidden_size);
  const double heads = number(card.heads);
  const double plain = number(card.head_size - card.rotary_size);
  const double value = number(card.value_head_size);
  params.attention_split = number(card.query_rank) * heads * number(card.head_size) +
                           number(card.kv_rank) * heads * (plain + value) + heads * value * h;
  params.attention_whole = h * number(card.query_rank) + number(card.query_rank) +
                           h * number(card.kv_rank + card.rotary_size) + number(card.kv_rank) +
                           norm_params(card);
}

}  // namespace

LayerParams layer_params(const ModelCard& card, std::int64_t layer) {
  LayerParams params;
  if (card.attention == AttentionKind::kLatent)
    latent_attention(card, params);
  else
    grouped_attention(card, params);
  params.ffn_whole = norm_params(card);
  if (!card.has_experts(layer)) {
    params.ffn_split = ffn_params(card, card.ffn_size);
    return params;
  }
  params.ffn_whole += number(card.hidden_size) * number(card.experts);  // router
  params.ffn_split = number(card.shared_experts) * ffn_params(card, card.expert_ffn_size);
  params.experts = number(card.experts) * ffn_params(card, card.expert_ffn_size);
  return params;
}

double embedding_params(const ModelCard& card) {
  const std::int64_t rows = card.vocabulary + (card.learned_positions ? card.sequence_length : 0);
  return number(rows) * number(card.hidden_size);
}

double output_params(const ModelCard& card) {
  const double matrix =
      card.tied_embeddings ? 0 : number(card.vocabulary) * number(card.hidden_size);
  return norm_params(card) + matrix;
}

double parameter_count(const ModelCard& card) {
  double sum = embedding_params(card) + output_params(card);
  for (std::int64_t layer = 0; layer < card.layers; ++layer)
    sum += layer_params(card, layer).total();
  return sum;
}

double active_parameter_count(const ModelCard& card) {
  double sum = embedding_params(card) + output_params(card);
  for (std::int64_t layer = 0; layer < card.layers; ++layer) {
    const LayerParams params = layer_params(card, layer);
    sum += params.total();
    if (card.has_experts(layer))
      sum -= params.experts * (1 - number(card.active_experts) / number(card.experts));
  }
  return sum;
}

void describe(ParamVisitor& v, ModelCard& card) {
  std::vector<Choice> choices;
  for (const ModelPreset& preset : model_presets())
    choices.push_back({preset.name, preset.help, preset.source});
  const int chosen = v.preset(choices);
  if (chosen >= 0) card = model_presets()[static_cast<std::size_t>(chosen)].card;
  const std::string_view source = source_of(card);
  v.field({"layers", "transformer layers", source}, card.layers, {1, 10'000});
  v.field({"hidden_size", "values that stand for a token between layers", source}, card.hidden_size,
          {1, kMost});
  v.field({"heads", "attention heads of queries", source}, card.heads, {1, 100'000});
  v.field(
      {"kv_heads", "attention heads of keys and values; fewer than heads: grouped queries", source},
      card.kv_heads, {1, 100'000});
  v.field({"head_size", "values of a query or key of one head", source}, card.head_size,
          {1, 100'000});
  v.field({"ffn_size", "inner width of a dense layer's feed-forward part", source}, card.ffn_size,
          {1, kMost});
  v.field({"gated_ffn", "the feed-forward part has two matrices up (SwiGLU), not one", source},
          card.gated_ffn);
  v.field({"vocabulary", "words of the embedding", source}, card.vocabulary, {1, kMost});
  v.field({"sequence_length", "tokens of a training sequence", source}, card.sequence_length,
          {1, kMost});
  v.field({"tied_embeddings", "input and output embedding are one matrix", source},
          card.tied_embeddings);
  v.field({"learned_positions", "positions are an embedding; else rotary", source},
          card.learned_positions);
  v.field({"biases", "linear layers and norms have biases", source}, card.biases);
  v.field({"experts", "routed experts of each MoE layer; 0: a dense model", source}, card.experts,
          {0, 100'000});
  v.field({"active_experts", "routed experts that one token goes to", source}, card.active_experts,
          {0, 100'000});
  v.field({"shared_experts", "experts that every token goes to", source}, card.shared_experts,
          {0, 100'000});
  v.field({"expert_ffn_size", "inner width of one expert", source}, card.expert_ffn_size,
          {0, kMost});
  v.field({"dense_layers", "the first so many layers have no experts", source}, card.dense_layers,
          {0, 10'000});
  v.choice({"attention", "how queries, keys and values are made", source}, card.attention,
           {{"grouped", "multi-head or grouped-query attention"},
            {"latent", "multi-head latent attention (MLA) of DeepSeek-V3"}});
  v.field({"query_rank", "latent attention: size of compressed queries", source}, card.query_rank,
          {0, kMost});
  v.field({"kv_rank", "latent attention: size of compressed keys and values", source}, card.kv_rank,
          {0, kMost});
  v.field({"rotary_size", "latent attention: rotated part of head_size", source}, card.rotary_size,
          {0, 100'000});
  v.field({"value_head_size", "latent attention: values of one head", source}, card.value_head_size,
          {0, 100'000});
}

void check_card(const ModelCard& card, std::string_view where) {
  const auto fail = [&](const std::string& what) {
    throw UserError(fmt::format("{}.{}", where, what));
  };
  if (card.heads % card.kv_heads != 0)
    fail(fmt::format("kv_heads: {} heads cannot share {} kv_heads evenly", card.heads,
                     card.kv_heads));
  if (card.experts > 0 && (card.active_experts < 1 || card.active_experts > card.experts))
    fail(fmt::format("active_experts: {} of {} experts; legal is 1 to {}", card.active_experts,
                     card.experts, card.experts));
  if (card.experts > 0 && card.expert_ffn_size < 1)
    fail("expert_ffn_size: a model with experts needs their width, 1 or more");
  if (card.experts == 0 && (card.active_experts > 0 || card.shared_experts > 0))
    fail("experts: active_experts and shared_experts need experts, 1 or more");
  if (card.dense_layers > card.layers)
    fail(fmt::format("dense_layers: {} of {} layers", card.dense_layers, card.layers));
  if (card.attention != AttentionKind::kLatent) return;
  if (card.query_rank < 1 || card.kv_rank < 1 || card.value_head_size < 1 ||
      card.rotary_size >= card.head_size)
    fail(
        "attention: latent needs query_rank, kv_rank and value_head_size of 1 or more and a "
        "rotary_size below head_size");
}

}  // namespace plait
