// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file pipeline.hpp
/// Order in which a pipeline stage works: 1F1B, and its interleaved form for virtual stages
/// (Narayanan et al., SC 2021, section 2.2; Megatron-LM core/pipeline_parallel/schedules.py).

#include <cstdint>
#include <vector>

#include "workloads/llm/training.hpp"

namespace plait {

struct PipelineStep {
  bool forward = true;
  std::int64_t micro_batch = 0;
  std::int64_t part = 0;  ///< Virtual stage on this stage, 0 .. virtual_stages - 1.
};

/// Steps of one iteration on `stage`, in order. @pre check_training() passes.
std::vector<PipelineStep> pipeline_steps(const TrainingParams& params, std::int64_t stage);

/// A piece of the model that is computed, reduced and gathered as one.
struct ModelUnit {
  enum class Kind : std::uint8_t { kEmbedding, kLayer, kOutput } kind = Kind::kLayer;
  std::int64_t layer = 0;  ///< Of the model, from 0.
};

/// Units of one part of one stage, in forward order. Part v of stage s is piece
/// v * pipeline_parallel + s of the model.
std::vector<ModelUnit> part_units(const TrainingParams& params, std::int64_t stage,
                                  std::int64_t part);

}  // namespace plait
