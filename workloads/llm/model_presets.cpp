// SPDX-License-Identifier: Apache-2.0
// The named models. Every figure is that of the source named beside it; sequence lengths are those
// of pre-training.
#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "sim/error.hpp"
#include "workloads/llm/model_card.hpp"

namespace plait {

namespace {

constexpr std::string_view kTable1 = "Narayanan et al., SC 2021, arXiv 2104.04473, Table 1";
constexpr std::string_view kLlama3 = "Llama 3, arXiv 2407.21783, Table 3; config.json of the model";

// A GPT as Megatron-LM builds it: ffn of 4 hidden sizes, tied embeddings, biases, positions.
constexpr ModelCard gpt(std::int64_t layers, std::int64_t hidden, std::int64_t heads,
                        std::int64_t vocabulary) {
  ModelCard card;
  card.layers = layers;
  card.hidden_size = hidden;
  card.heads = card.kv_heads = heads;
  card.head_size = hidden / heads;
  card.ffn_size = 4 * hidden;
  card.vocabulary = vocabulary;
  return card;
}

constexpr ModelCard llama(std::int64_t layers, std::int64_t hidden, std::int64_t heads,
                          std::int64_t ffn, std::int64_t vocabulary) {
  ModelCard card = gpt(layers, hidden, heads, vocabulary);
  card.kv_heads = 8;
  card.ffn_size = ffn;
  card.gated_ffn = true;
  card.sequence_length = 8'192;
  card.tied_embeddings = card.learned_positions = card.biases = false;
  return card;
}

constexpr ModelCard mixtral(std::int64_t layers, std::int64_t hidden, std::int64_t heads,
                            std::int64_t ffn, std::int64_t vocabulary, std::int64_t sequence) {
  ModelCard card = llama(layers, hidden, heads, ffn, vocabulary);
  card.sequence_length = sequence;
  card.experts = 8;
  card.active_experts = 2;
  card.expert_ffn_size = ffn;
  return card;
}

constexpr ModelCard deepseek_v3() {
  ModelCard card = llama(61, 7'168, 128, 18'432, 129'280);
  card.kv_heads = 128;
  card.head_size = 192;
  card.sequence_length = 4'096;
  card.experts = 256;
  card.active_experts = 8;
  card.shared_experts = 1;
  card.expert_ffn_size = 2'048;
  card.dense_layers = 3;
  card.attention = AttentionKind::kLatent;
  card.query_rank = 1'536;
  card.kv_rank = 512;
  card.rotary_size = 64;
  card.value_head_size = 128;
  return card;
}

constexpr std::array<ModelPreset, 17> kPresets{{
    {"gpt3_175b", "GPT-3, 175 billion parameters",
     "Brown et al., arXiv 2005.14165, Table 2.1; tied embeddings: Megatron-LM",
     gpt(96, 12'288, 96, 50'257), 175e9},
    {"megatron_1.7b", "first row of Megatron-LM's scaling table", kTable1,
     gpt(24, 2'304, 24, 51'200), 1.7e9},
    {"megatron_3.6b", "second row", kTable1, gpt(30, 3'072, 32, 51'200), 3.6e9},
    {"megatron_7.5b", "third row", kTable1, gpt(36, 4'096, 32, 51'200), 7.5e9},
    {"megatron_18b", "18.4 billion parameters", kTable1, gpt(40, 6'144, 48, 51'200), 18.4e9},
    {"megatron_39b", "39.1 billion parameters", kTable1, gpt(48, 8'192, 64, 51'200), 39.1e9},
    {"megatron_76b", "76.1 billion parameters", kTable1, gpt(60, 10'240, 80, 51'200), 76.1e9},
    {"megatron_145b", "145.6 billion parameters", kTable1, gpt(80, 12'288, 96, 51'200), 145.6e9},
    {"megatron_310b", "310.1 billion parameters", kTable1, gpt(96, 16'384, 128, 51'200), 310.1e9},
    {"megatron_530b", "529.6 billion parameters", kTable1, gpt(105, 20'480, 128, 51'200), 529.6e9},
    {"megatron_1t", "1008 billion parameters", kTable1, gpt(128, 25'600, 160, 51'200), 1008e9},
    {"llama3_8b", "Llama 3 8B", kLlama3, llama(32, 4'096, 32, 14'336, 128'256), 8.03e9},
    {"llama3_70b", "Llama 3 70B", kLlama3, llama(80, 8'192, 64, 28'672, 128'256), 70.6e9},
    {"llama3_405b", "Llama 3.1 405B", kLlama3, llama(126, 16'384, 128, 53'248, 128'256), 405e9},
    {"mixtral_8x7b", "Mixtral 8x7B, 46.7 billion parameters, 2 of 8 experts",
     "Jiang et al., arXiv 2401.04088, Table 1; config.json of the model",
     mixtral(32, 4'096, 32, 14'336, 32'000, 32'768), 46.7e9},
    {"mixtral_8x22b", "Mixtral 8x22B, 141 billion parameters, 2 of 8 experts",
     "Mistral AI, 2024-04-17, config.json of the model",
     mixtral(56, 6'144, 48, 16'384, 32'768, 65'536), 141e9},
    {"deepseek_v3", "DeepSeek-V3, 671 billion parameters, 8 of 256 experts, no MTP module",
     "DeepSeek-V3, arXiv 2412.19437, section 4.2; config.json of the model", deepseek_v3(), 671e9},
}};

}  // namespace

std::span<const ModelPreset> model_presets() { return kPresets; }

ModelCard model_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const ModelPreset& preset : kPresets) {
    if (preset.name == name) return preset.card;
    names.emplace_back(preset.name);
  }
  throw UserError(fmt::format("unknown model '{}'{}; known: {}", name, did_you_mean(name, names),
                              fmt::join(names, " ")));
}

}  // namespace plait
