// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/kernel_work.hpp"

#include <algorithm>

namespace plait {

namespace {

constexpr double kActivation = 2;   // bytes of a bf16 value
constexpr double kAccumulator = 8;  // an fp32 gradient is read and written

double number(std::int64_t n) { return static_cast<double>(n); }

/// What the kernels of one setting have in common.
struct Shape {
  explicit Shape(const TrainingParams& p)
      : tokens(p.tokens()),
        hidden(number(p.model.hidden_size)),
        tensor(number(p.tensor_parallel)),
        heads(number(p.model.heads) / tensor),
        kv_heads(std::max(1.0, number(p.model.kv_heads) / tensor)),
        split_tokens(p.sequence_parallel ? tokens / tensor : tokens),
        kind(p.precision == Precision::kFp8 ? KernelClass::kMatrixFp8 : KernelClass::kMatrix) {}

  double tokens, hidden, tensor, heads, kv_heads;
  double split_tokens;  // of norms, dropout and residuals
  KernelClass kind;     // of the layers' matrix products
};

// rows x inner times inner x columns. Backward: the gradient of the input, and that of the weights,
// which is added to an accumulator.
void product(PartWork& work, KernelClass kind, double rows, double inner, double columns,
             double weights = 0) {
  if (weights == 0) weights = inner * columns;
  const double flops = 2 * rows * inner * columns;
  const double bytes = kActivation * (rows * inner + rows * columns + weights);
  work.forward.push_back({kind, flops, bytes});
  work.backward.push_back({kind, flops, bytes});
  work.backward.push_back(
      {kind, flops, kActivation * rows * (inner + columns) + kAccumulator * weights});
}

// Values moved by kernels that only move, each `kActivation` bytes.
void elementwise(PartWork& work, double forward_values, double backward_values) {
  work.forward.push_back({KernelClass::kMemory, 0, kActivation * forward_values});
  work.backward.push_back({KernelClass::kMemory, 0, kActivation * backward_values});
}

// Norm: read x, write y; backward read x and dy, write dx.
void norm(PartWork& work, double values) { elementwise(work, 2 * values, 3 * values); }

// Dropout or bias and residual: read two, write one; backward read and write one.
void residual(PartWork& work, double values) { elementwise(work, 3 * values, 2 * values); }

PartWork attention_in(const TrainingParams& p, const Shape& s) {
  const ModelCard& card = p.model;
  PartWork work;
  norm(work, s.split_tokens * s.hidden);
  const double size = number(card.head_size);
  if (card.attention == AttentionKind::kGrouped) {
    product(work, s.kind, s.tokens, s.hidden, (s.heads + 2 * s.kv_heads) * size);
  } else {
    const double plain = number(card.head_size - card.rotary_size);
    const double compressed = number(card.query_rank + card.kv_rank + card.rotary_size);
    product(work, s.kind, s.tokens, s.hidden, compressed);
    norm(work, s.tokens * compressed);
    product(work, s.kind, s.tokens, number(card.query_rank), s.heads * size);
    product(work, s.kind, s.tokens, number(card.kv_rank),
            s.heads * (plain + number(card.value_head_size)));
  }
  if (!card.learned_positions) {  // rotation: read and write queries and keys
    const double values = 2 * s.tokens * (s.heads + s.kv_heads) * size;
    elementwise(work, values, values);
  }
  return work;
}

// Fused: FlashAttention reads and writes queries, keys, values and outputs only, skips the masked
// half, and computes the scores again in its backward pass: 5 products for 2. Else the two products
// of the whole square (4 in the backward pass), and softmax (2 passes; backward 3) and dropout with
// its mask of one byte (2.5 passes, the same backward) go over the scores.
PartWork attention_core(const TrainingParams& p, const Shape& s) {
  const double keys = number(p.model.sequence_length);
  const double size = number(p.model.head_size);
  const double value = number(p.model.value_size());
  const double scores = s.tokens * keys * s.heads;
  const double flops = 2 * scores * (size + value);
  const double ends = kActivation * s.tokens * (s.heads + s.kv_heads) * (size + value);
  PartWork work;
  if (p.fused_attention) {
    work.forward.push_back({KernelClass::kAttention, flops / 2, ends});
    work.backward.push_back({KernelClass::kAttention, flops / 2 * 2.5, 3 * ends});
    return work;
  }
  const double bytes = kActivation * 2 * scores + ends;
  work.forward.push_back({KernelClass::kMatrix, flops, bytes});
  work.backward.push_back({KernelClass::kMatrix, 2 * flops, 2 * bytes});
  elementwise(work, 4.5 * scores, 5.5 * scores);
  return work;
}

PartWork attention_out(const TrainingParams& p, const Shape& s) {
  PartWork work;
  product(work, s.kind, s.tokens, s.heads * number(p.model.value_size()), s.hidden);
  residual(work, s.split_tokens * s.hidden);
  return work;
}

// Up (two when gated), activation, down. GELU: read and write; SwiGLU: read two, write one;
// backward they read one more and write as many as they read before.
void feed_forward(PartWork& work, const Shape& s, bool gated, double tokens, double width,
                  double copies) {
  const double ups = gated ? 2 : 1;
  product(work, s.kind, tokens, s.hidden, ups * width, copies * s.hidden * ups * width);
  elementwise(work, (ups + 1) * tokens * width, (2 * ups + 1) * tokens * width);
  product(work, s.kind, tokens, width, s.hidden, copies * s.hidden * width);
}

PartWork dense_ffn(const TrainingParams& p, const Shape& s) {
  PartWork work;
  norm(work, s.split_tokens * s.hidden);
  feed_forward(work, s, p.model.gated_ffn, s.tokens, number(p.model.ffn_size) / s.tensor, 1);
  residual(work, s.split_tokens * s.hidden);
  return work;
}

PartWork router(const TrainingParams& p, const Shape& s) {
  PartWork work;
  norm(work, s.split_tokens * s.hidden);
  product(work, KernelClass::kMatrix, s.split_tokens, s.hidden, number(p.model.experts));
  return work;
}

// Tokens are sorted by expert and put back: each copy is read and written twice.
PartWork routed_experts(const TrainingParams& p, const Shape& s, double load) {
  const double tokens = s.tokens * number(p.model.active_experts) * load;
  PartWork work;
  elementwise(work, 4 * tokens * s.hidden / s.tensor, 4 * tokens * s.hidden / s.tensor);
  feed_forward(work, s, p.model.gated_ffn, tokens, number(p.model.expert_ffn_size) / s.tensor,
               number(p.model.experts) / number(p.expert_parallel));
  residual(work, s.split_tokens * s.hidden);
  return work;
}

PartWork shared_experts(const TrainingParams& p, const Shape& s) {
  PartWork work;
  feed_forward(work, s, p.model.gated_ffn, s.tokens,
               number(p.model.shared_experts * p.model.expert_ffn_size) / s.tensor, 1);
  return work;
}

PartWork embedding(const Shape& s) {
  PartWork work;
  elementwise(work, 2 * s.tokens * s.hidden, 3 * s.tokens * s.hidden);
  return work;
}

// Logits are made in bf16 and taken to fp32; their maximum, exponentials and sum are one more read
// and write each, the gradient is written in bf16: 18 bytes forward, 6 backward, of each.
PartWork output(const TrainingParams& p, const Shape& s) {
  const double words = number(p.model.vocabulary) / s.tensor;
  PartWork work;
  norm(work, s.split_tokens * s.hidden);
  product(work, KernelClass::kMatrix, s.tokens, s.hidden, words);
  elementwise(work, 9 * s.tokens * words, 3 * s.tokens * words);
  return work;
}

double product_flops(const PartWork& work) {
  double sum = 0;
  for (const Kernel& kernel : work.forward)
    if (kernel.kind != KernelClass::kMemory) sum += kernel.flops;
  return sum;
}

}  // namespace

ModelWork model_work(const TrainingParams& params) {
  const Shape shape(params);
  ModelWork work;
  work.embedding = embedding(shape);
  work.attention_in = attention_in(params, shape);
  work.attention_core = attention_core(params, shape);
  work.attention_out = attention_out(params, shape);
  work.ffn = dense_ffn(params, shape);
  work.output = output(params, shape);
  if (params.model.experts == 0) return work;
  work.router = router(params, shape);
  const double ranks = number(params.expert_parallel);
  const double others = ranks > 1 ? (ranks - params.expert_imbalance) / (ranks - 1) : 1;
  work.experts = routed_experts(params, shape, others);
  work.busy_experts = routed_experts(params, shape, params.expert_imbalance);
  if (params.model.shared_experts > 0) work.shared_experts = shared_experts(params, shape);
  return work;
}

double total_flops(const std::vector<Kernel>& kernels) {
  double sum = 0;
  for (const Kernel& kernel : kernels) sum += kernel.flops;
  return sum;
}

double total_memory_bytes(const std::vector<Kernel>& kernels) {
  double sum = 0;
  for (const Kernel& kernel : kernels) sum += kernel.memory_bytes;
  return sum;
}

double model_flops(const ModelCard& card, double sequences, bool full_attention) {
  TrainingParams one;
  one.model = card;
  one.fused_attention = !full_attention;
  const ModelWork work = model_work(one);
  double sum = product_flops(work.output);
  for (std::int64_t layer = 0; layer < card.layers; ++layer) {
    sum += product_flops(work.attention_in) + product_flops(work.attention_core) +
           product_flops(work.attention_out);
    if (card.has_experts(layer))
      sum += product_flops(work.router) + product_flops(work.experts) +
             product_flops(work.shared_experts);
    else
      sum += product_flops(work.ffn);
  }
  return 3 * sum * sequences;
}

}  // namespace plait
