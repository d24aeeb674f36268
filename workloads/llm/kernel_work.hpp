// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file kernel_work.hpp
/// Operations and memory traffic of the parts of a transformer, for one micro-batch on one rank.
/// Equations and what is left out: docs/llm.md, "Compute".

#include <vector>

#include "workloads/llm/training.hpp"

namespace plait {

/// Kernels of one part of the model, in both directions.
struct PartWork {
  std::vector<Kernel> forward;
  std::vector<Kernel> backward;
};

/// What recompute asks for is not in it.
struct ModelWork {
  PartWork embedding;
  PartWork attention_in;    ///< Norm and the products that make queries, keys, values.
  PartWork attention_core;  ///< Scores, softmax and their product with the values.
  PartWork attention_out;   ///< Output product and residual.
  PartWork ffn;             ///< Feed-forward part of a dense layer.
  PartWork router;          ///< Norm and router of an MoE layer.
  PartWork shared_experts;
  PartWork experts;       ///< Routed experts with the residual, at what the busiest leaves.
  PartWork busy_experts;  ///< The same at expert_imbalance times the mean.
  PartWork output;        ///< Final norm, logits, loss.
};

ModelWork model_work(const TrainingParams& params);

double total_flops(const std::vector<Kernel>& kernels);
double total_memory_bytes(const std::vector<Kernel>& kernels);

/// Operations that a paper's "model FLOPs" count for one iteration: 3 times the forward pass of all
/// layers and the output, of attention the whole square if `full_attention`, as Megatron-LM does,
/// else its causal half; without recomputation, elementwise work or imbalance.
double model_flops(const ModelCard& card, double sequences, bool full_attention);

}  // namespace plait
