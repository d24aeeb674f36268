// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/stage_params.hpp"

#include <algorithm>

namespace plait {

namespace {

double number(std::int64_t n) { return static_cast<double>(n); }

// Bytes that one layer keeps of a micro-batch until its backward pass. In brackets the terms of
// Korthikanti et al. for a GPT, per token and hidden value.
double layer_activation_bytes(const TrainingParams& p, std::int64_t layer) {
  const ModelCard& card = p.model;
  const double tensor = number(p.tensor_parallel);
  const double whole = p.sequence_parallel ? tensor : 1;
  const double h = number(card.hidden_size);
  if (p.recompute == Recompute::kFull) return 2 * p.tokens() * h / whole;
  const double q = number(card.heads * card.head_size);
  const double k = std::max(tensor, number(card.kv_heads)) * number(card.head_size);
  const double v = std::max(tensor, number(card.kv_heads)) * number(card.value_size());
  const double masks = card.learned_positions ? 2 * h : 0;  // dropout [1 + 1]
  double outside = 4 * h + 4 * h + masks;                   // norms [4], inputs [2 + 2]
  double inside = 2 * (q + k + v) + 2 * number(card.heads * card.value_size());  // [6], [2]
  const double kept = card.gated_ffn ? 6 : 4;  // input and output of the activation [16]
  if (card.has_experts(layer))
    inside += (kept * number(card.expert_ffn_size) + 2 * h) *
              number(card.active_experts + card.shared_experts);
  else
    inside += kept * number(card.ffn_size);
  double scores = 0;  // softmax, its dropout's mask and result [5 a s / h]
  if (!p.fused_attention && p.recompute == Recompute::kNone)
    scores = 5 * number(card.heads * card.sequence_length);
  return p.tokens() * (outside / whole + (inside + scores) / tensor);
}

// Steps forward minus steps backward, at most, of each part.
std::vector<std::int64_t> most_open(const TrainingParams& p, std::int64_t stage) {
  std::vector<std::int64_t> open(static_cast<std::size_t>(p.virtual_stages), 0);
  std::vector<std::int64_t> most = open;
  std::int64_t sum = 0, most_sum = 0;
  for (const PipelineStep& step : pipeline_steps(p, stage)) {
    const auto part = static_cast<std::size_t>(step.part);
    open[part] += step.forward ? 1 : -1;
    sum += step.forward ? 1 : -1;
    if (sum <= most_sum) continue;
    most_sum = sum;
    most = open;
  }
  return most;
}

}  // namespace

RankParams unit_params(const TrainingParams& p, const ModelUnit& unit) {
  const double tensor = number(p.tensor_parallel);
  switch (unit.kind) {
    case ModelUnit::Kind::kEmbedding:
      return {embedding_params(p.model) / tensor, 0};
    case ModelUnit::Kind::kLayer: {
      const LayerParams layer = layer_params(p.model, unit.layer);
      return {(layer.attention_split + layer.ffn_split) / tensor + layer.attention_whole +
                  layer.ffn_whole,
              layer.experts / (tensor * number(p.expert_parallel))};
    }
    case ModelUnit::Kind::kOutput: {
      // The last stage of a pipeline has its own copy of tied embeddings.
      const bool has_copy = p.model.tied_embeddings && p.pipeline_parallel > 1;
      const double copy = has_copy ? number(p.model.vocabulary * p.model.hidden_size) : 0;
      return {(output_params(p.model) + copy) / tensor, 0};
    }
  }
  return {};
}

RankParams stage_params(const TrainingParams& p, std::int64_t stage) {
  RankParams sum;
  for (std::int64_t part = 0; part < p.virtual_stages; ++part)
    for (const ModelUnit& unit : part_units(p, stage, part)) sum += unit_params(p, unit);
  return sum;
}

double split_over_copies(const TrainingParams& p, const RankParams& held) {
  const double copies = number(p.data_parallel * p.context_parallel);
  return held.dense / copies + held.experts * number(p.expert_parallel) / copies;
}

MemoryEstimate memory_estimate(const TrainingParams& p, std::int64_t stage) {
  const RankParams held = stage_params(p, stage);
  const double all = held.dense + held.experts;
  const double split = split_over_copies(p, held);
  MemoryEstimate bytes;
  bytes.parameters = 2 * (p.zero_stage >= 3 ? split : all);
  bytes.gradients = p.gradient_bytes() * (p.zero_stage >= 2 ? split : all);
  bytes.optimizer = 12 * (p.zero_stage >= 1 ? split : all);
  const std::vector<std::int64_t> open = most_open(p, stage);
  for (std::int64_t part = 0; part < p.virtual_stages; ++part) {
    double one = 0;
    for (const ModelUnit& unit : part_units(p, stage, part)) {
      if (unit.kind == ModelUnit::Kind::kLayer) one += layer_activation_bytes(p, unit.layer);
      if (unit.kind == ModelUnit::Kind::kOutput)  // logits in fp32
        one += 4 * p.tokens() * number(p.model.vocabulary) / number(p.tensor_parallel);
    }
    bytes.activations += one * number(open[static_cast<std::size_t>(part)]);
  }
  return bytes;
}

}  // namespace plait
