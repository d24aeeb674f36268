// SPDX-License-Identifier: Apache-2.0
#include "workloads/serving/step_graph.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace plait {

namespace {

const GroupId kTensorGroup(0), kReplicaGroup(1);

std::int64_t divided_up(std::int64_t whole, std::int64_t parts) {
  return (whole + parts - 1) / parts;
}

double as_double(std::int64_t value) { return static_cast<double>(value); }

// base^exponent by squaring: the same bits on every machine, which libm's pow does not promise.
double power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) result *= base;
  return result;
}

}  // namespace

void StepWork::add_prompt(std::int64_t before, std::int64_t count, bool completes) {
  tokens += count;
  outputs += completes ? 1 : 0;
  pairs += as_double(count) * as_double(before) + as_double(count) * as_double(count + 1) / 2;
  context += as_double(before + count);
}

void StepWork::add_decode(std::int64_t positions) {
  ++tokens;
  ++outputs;
  pairs += as_double(positions);
  context += as_double(positions);
}

/// Ops one after another.
struct StepGraphMaker::Chain {
  OpGraphBuilder builder;
  std::uint64_t count = 0;

  void add(const Op& op, std::string_view name) {
    std::vector<std::uint64_t> after;
    if (count > 0) after.push_back(count - 1);
    builder.add(op, name, count++, std::move(after));
  }
  void compute(std::string_view name, double flops, double memory_bytes) {
    Op op;
    op.flops = flops;
    op.memory_bytes = memory_bytes;
    add(op, name);
  }
  void collective(CollectiveKind kind, GroupId group, std::int64_t bytes) {
    Op op;
    op.kind = OpKind::kCollective;
    op.collective = kind;
    op.group = group;
    op.size = Bytes(bytes);
    add(op, to_string(kind));
  }
};

StepGraphMaker::StepGraphMaker(const ServingParams& params, const PoolParams& pool)
    : params_(params), pool_(pool) {
  const ModelCard& card = params_.model;
  std::size_t ops = params_.step_overhead > Duration{} ? 1 : 0;
  for (std::int64_t layer = 0; layer < card.layers;) {
    Block block{layer, 1, 0};
    while (block.count < params_.layers_per_op && layer + block.count < card.layers &&
           card.has_experts(layer) == card.has_experts(layer + block.count))
      ++block.count;
    ops += ops_of(block);
    block.ops_before_next = ops;
    blocks_.push_back(block);
    layer += block.count;
  }
}

bool StepGraphMaker::spreads_experts(const Block& block) const {
  return pool_.expert_parallel > 1 && params_.model.has_experts(block.first);
}

std::size_t StepGraphMaker::ops_of(const Block& block) const {
  const std::size_t cut = pool_.tensor_parallel > 1 ? 2 : 0;
  return 2 + cut + (spreads_experts(block) ? 2 : 0);
}

std::shared_ptr<const OpGraph> StepGraphMaker::make(const StepWork& work) const {
  Chain chain;
  if (params_.step_overhead > Duration{}) {
    Op op;
    op.device = Device::kCpu;
    op.duration = params_.step_overhead;
    chain.add(op, "schedule");
  }
  for (const Block& block : blocks_) add_layers(chain, block, work);
  add_output(chain, work);
  return std::make_shared<const OpGraph>(std::move(chain.builder).build("step"));
}

void StepGraphMaker::add_layers(Chain& chain, const Block& block, const StepWork& work) const {
  const ModelCard& card = params_.model;
  const LayerParams layer = layer_params(card, block.first);
  const double tp = as_double(pool_.tensor_parallel), groups = pool_.attention_groups();
  const double n = as_double(block.count), tokens = as_double(work.tokens) / groups;
  const double attention = layer.attention_split / tp + layer.attention_whole;
  const double pair_flops = 2 * as_double(card.heads * (card.head_size + card.value_size())) / tp;
  const double kv = as_double(kv_bytes_per_layer(params_, pool_.tensor_parallel));
  chain.compute("attention", n * (2 * tokens * attention + pair_flops * work.pairs / groups),
                n * (as_double(params_.weight_bytes) * attention +
                     kv * (work.context + as_double(work.tokens)) / groups));
  const std::int64_t hidden = block.count * divided_up(work.tokens, pool_.attention_groups()) *
                              card.hidden_size * params_.activation_bytes;
  if (spreads_experts(block)) return add_experts(chain, block, work);
  const bool cut = pool_.tensor_parallel > 1;
  if (cut) chain.collective(CollectiveKind::kAllReduce, kTensorGroup, hidden);
  const double ffn = layer.ffn_split / tp + layer.ffn_whole;
  double flops = 2 * tokens * ffn, read = ffn;
  if (card.has_experts(block.first)) {
    const double share = as_double(card.active_experts) / as_double(card.experts);
    flops += 2 * tokens * share * layer.experts / tp;
    read += (1 - power(1 - share, work.tokens)) * layer.experts / tp;
  }
  chain.compute("ffn", n * flops, n * as_double(params_.weight_bytes) * read);
  if (cut) chain.collective(CollectiveKind::kAllReduce, kTensorGroup, hidden);
}

// The all-reduces are split: between reduce-scatter and all-gather every rank has its own tokens,
// which it sends to their experts and gets back.
void StepGraphMaker::add_experts(Chain& chain, const Block& block, const StepWork& work) const {
  const ModelCard& card = params_.model;
  const LayerParams layer = layer_params(card, block.first);
  const std::int64_t ranks = pool_.replica_ranks();
  const std::int64_t row = block.count * card.hidden_size * params_.activation_bytes;
  const std::int64_t own_tokens = divided_up(work.tokens, ranks);
  const std::int64_t dispatched = own_tokens * card.active_experts * row;
  const bool cut = pool_.tensor_parallel > 1;
  if (cut)
    chain.collective(CollectiveKind::kReduceScatter, kTensorGroup,
                     own_tokens * pool_.tensor_parallel * row);
  chain.collective(CollectiveKind::kAllToAll, kReplicaGroup, dispatched);
  const double share = as_double(card.active_experts) / as_double(card.experts);
  const double tp = as_double(pool_.tensor_parallel), n = as_double(block.count);
  const double shared = layer.ffn_split / tp + layer.ffn_whole;
  const double experts = layer.experts / as_double(ranks);
  const double touched = 1 - power(1 - share, work.tokens);
  chain.compute(
      "experts",
      n * 2 * as_double(work.tokens) * (shared / pool_.attention_groups() + share * experts),
      n * as_double(params_.weight_bytes) * (shared + touched * experts));
  chain.collective(CollectiveKind::kAllToAll, kReplicaGroup, dispatched);
  if (cut) chain.collective(CollectiveKind::kAllGather, kTensorGroup, own_tokens * row);
}

void StepGraphMaker::add_output(Chain& chain, const StepWork& work) const {
  if (work.outputs == 0) return;
  const ModelCard& card = params_.model;
  const std::int64_t tp = pool_.tensor_parallel;
  const double matrix = as_double(card.vocabulary) * as_double(card.hidden_size) / as_double(tp);
  chain.compute("output", 2 * as_double(work.outputs) / pool_.attention_groups() * matrix,
                as_double(params_.weight_bytes) * matrix);
  if (tp > 1)
    chain.collective(CollectiveKind::kAllGather, kTensorGroup,
                     divided_up(work.outputs, pool_.attention_groups()) *
                         divided_up(card.vocabulary, tp) * params_.activation_bytes);
}

std::int64_t kv_bytes_per_layer(const ServingParams& params, std::int64_t tensor_parallel) {
  const ModelCard& card = params.model;
  if (card.attention == AttentionKind::kLatent)
    return (card.kv_rank + card.rotary_size) * params.kv_bytes;
  return std::max<std::int64_t>(card.kv_heads / tensor_parallel, 1) *
         (card.head_size + card.value_size()) * params.kv_bytes;
}

std::vector<KvTransfer> kv_transfers(const ServingParams& params) {
  const ModelCard& card = params.model;
  const std::int64_t p = params.prefill.tensor_parallel, d = params.decode.tensor_parallel;
  std::vector<KvTransfer> transfers;
  const auto add = [&](std::int64_t from, std::int64_t to, std::int64_t bytes) {
    transfers.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), bytes});
  };
  if (card.attention == AttentionKind::kLatent) {  // every rank has all of it
    for (std::int64_t to = 0; to < d; ++to) add(to % p, to, kv_bytes_per_layer(params, d));
    return transfers;
  }
  const std::int64_t heads = card.kv_heads;
  const std::int64_t head_bytes = (card.head_size + card.value_size()) * params.kv_bytes;
  for (std::int64_t to = 0; to < d; ++to) {
    const std::int64_t first = to * heads / d, held = std::max<std::int64_t>(heads / d, 1);
    for (std::int64_t head = first; head < first + held; ++head) {
      // Of several prefill ranks that have the head, the decode ranks that want it take turns.
      const std::int64_t copies = std::max<std::int64_t>(p / heads, 1);
      const std::int64_t from = head * p / heads + to % copies;
      if (!transfers.empty() && transfers.back().to == to && transfers.back().from == from)
        transfers.back().bytes_per_layer += head_bytes;
      else
        add(from, to, head_bytes);
    }
  }
  return transfers;
}

}  // namespace plait
