// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file training.hpp
/// Training jobs of transformers, from a model card and the settings of the parallelism, without a
/// trace: Megatron-LM's schedule (Narayanan et al., SC 2021; Korthikanti et al., arXiv 2205.05198)
/// and ZeRO (Rajbhandari et al., SC 2020). What is sent when, sizes, and deviations: docs/llm.md.

#include <cstdint>
#include <string>

#include "sim/params.hpp"
#include "workloads/llm/model_card.hpp"
#include "workloads/op_graph.hpp"
#include "workloads/storage/storage.hpp"

namespace plait {

enum class Recompute : std::uint8_t { kNone, kSelective, kFull };
enum class Precision : std::uint8_t { kBf16, kFp8 };
enum class GradientType : std::uint8_t { kBf16, kFp32 };
enum class ContextExchange : std::uint8_t { kAllGather, kRing };

struct TrainingParams {
  ModelCard model;
  std::int64_t tensor_parallel = 1;
  std::int64_t context_parallel = 1;
  std::int64_t expert_parallel = 1;
  std::int64_t data_parallel = 1;
  std::int64_t pipeline_parallel = 1;
  std::int64_t gpus = 0;  ///< If > 0, must be the product of the parallelism.
  std::int64_t virtual_stages = 1;
  std::int64_t global_batch = 1;  ///< Sequences per iteration.
  std::int64_t micro_batch = 1;   ///< Sequences.
  std::int64_t iterations = 1;
  bool sequence_parallel = false;
  std::int64_t zero_stage = 0;
  Recompute recompute = Recompute::kNone;
  Precision precision = Precision::kBf16;
  GradientType gradients = GradientType::kFp32;
  bool fused_attention = true;
  ContextExchange context_exchange = ContextExchange::kAllGather;
  bool scatter_gather = false;
  bool overlap_data = true;
  bool overlap_tensor = false;
  bool overlap_pipeline = false;
  bool embedding_as_layer = false;
  bool output_as_layer = false;
  bool gradient_clipping = true;
  double expert_imbalance = 1;
  std::int64_t checkpoint_every = 0;
  BitRate checkpoint_rate = BitRate::gigabytes_per_s(2);
  std::string checkpoint_storage;  ///< Storage job that takes checkpoints; empty: a time.
  bool checkpoint_async = false;
  BitRate checkpoint_copy_rate = BitRate::gigabytes_per_s(25);
  std::string kernel_times;  ///< CSV file, or empty.

  std::int64_t world_size() const {
    return tensor_parallel * context_parallel * data_parallel * pipeline_parallel;
  }
  std::int64_t micro_batches() const { return global_batch / (data_parallel * micro_batch); }
  /// Of one micro-batch on one rank.
  double tokens() const {
    return static_cast<double>(micro_batch * model.sequence_length) /
           static_cast<double>(context_parallel);
  }
  double gradient_bytes() const { return gradients == GradientType::kFp32 ? 4 : 2; }
};

void describe(ParamVisitor& visitor, TrainingParams& params);

/// @throws UserError naming the setting, what it clashes with and what is legal.
void check_training(const TrainingParams& params);

/// One graph per pipeline stage (two where the busiest experts differ), shared by all its ranks.
/// Order of ranks: tensor fastest, then context, data (expert inside), pipeline.
/// With checkpoint_storage, `storage` is that job: checkpoints become messages to its servers, for
/// which the last ranks of the workload stand (add_storage_servers), and collectives of all ranks
/// are those of a group without them.
/// @throws UserError as check_training(), or on a bad table of kernel times.
Workload make_training_workload(const TrainingParams& params,
                                const StorageParams* storage = nullptr);

}  // namespace plait
