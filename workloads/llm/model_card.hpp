// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file model_card.hpp
/// Decoder-only transformers as numbers: what a training or serving job has to compute, keep and
/// send. Presets with their sources: model_presets.cpp; equations: docs/llm.md.

#include <cstdint>
#include <span>
#include <string_view>

#include "sim/params.hpp"

namespace plait {

enum class AttentionKind : std::uint8_t {
  kGrouped,  ///< Multi-head or, with fewer kv_heads than heads, grouped-query attention.
  kLatent,   ///< Multi-head latent attention (MLA) of DeepSeek-V2 and V3.
};

/// The defaults are GPT-3 175B.
struct ModelCard {
  std::int64_t layers = 96;
  std::int64_t hidden_size = 12'288;
  std::int64_t heads = 96;       ///< Of queries.
  std::int64_t kv_heads = 96;    ///< Of keys and values; divides heads.
  std::int64_t head_size = 128;  ///< Of queries and keys, and of values unless latent.
  std::int64_t ffn_size = 49'152;
  bool gated_ffn = false;  ///< SwiGLU: two matrices up instead of one.
  std::int64_t vocabulary = 50'257;
  std::int64_t sequence_length = 2'048;
  bool tied_embeddings = true;      ///< Input and output embedding are one matrix.
  bool learned_positions = true;    ///< A position embedding; else rotary, without parameters.
  bool biases = true;               ///< Linear layers and norms (LayerNorm) have biases.
  std::int64_t experts = 0;         ///< Routed experts of each MoE layer; 0: a dense model.
  std::int64_t active_experts = 0;  ///< Routed experts that a token goes to (top-k).
  std::int64_t shared_experts = 0;  ///< Experts that every token goes to.
  std::int64_t expert_ffn_size = 0;
  std::int64_t dense_layers = 0;  ///< The first so many layers have no experts.
  AttentionKind attention = AttentionKind::kGrouped;
  std::int64_t query_rank = 0;       ///< Latent attention: compressed queries.
  std::int64_t kv_rank = 0;          ///< Latent attention: compressed keys and values.
  std::int64_t rotary_size = 0;      ///< Latent attention: part of head_size that is rotated.
  std::int64_t value_head_size = 0;  ///< Latent attention: of values.

  bool has_experts(std::int64_t layer) const { return experts > 0 && layer >= dense_layers; }
  /// Of values, whatever the kind of attention.
  std::int64_t value_size() const {
    return attention == AttentionKind::kLatent ? value_head_size : head_size;
  }
  bool operator==(const ModelCard&) const = default;
};

void describe(ParamVisitor& visitor, ModelCard& card);

/// Parameters by how they are spread over GPUs. Not rounded: a share of a layer may be fractional.
struct LayerParams {
  double attention_split = 0;  ///< Of attention, divided by tensor parallelism.
  double attention_whole = 0;  ///< Of attention, on every tensor-parallel rank: norms, MLA down.
  double ffn_split = 0;        ///< Of a dense layer's ffn or the shared experts.
  double ffn_whole = 0;        ///< Norm, router.
  double experts = 0;          ///< Of all routed experts.
  double total() const {
    return attention_split + attention_whole + ffn_split + ffn_whole + experts;
  }
};

LayerParams layer_params(const ModelCard& card, std::int64_t layer);
double embedding_params(const ModelCard& card);  ///< Words and positions.
double output_params(const ModelCard& card);  ///< Final norm and, unless tied, the output matrix.
double parameter_count(const ModelCard& card);
/// Those that one token meets: of routed experts only the active ones.
double active_parameter_count(const ModelCard& card);

struct ModelPreset {
  std::string_view name, help, source;
  ModelCard card;
  double published_parameters = 0;  ///< As printed by the source.
};
std::span<const ModelPreset> model_presets();
/// @throws UserError naming the nearest preset.
ModelCard model_preset(std::string_view name);

/// @param where path of the card for messages, "generate.model".
/// @throws UserError on numbers that contradict each other.
void check_card(const ModelCard& card, std::string_view where);

}  // namespace plait
