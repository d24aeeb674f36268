// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/pipeline.hpp"

#include <algorithm>

namespace plait {

namespace {

// The k-th forward or backward step of a stage: groups of pipeline_parallel micro-batches go
// through part 0, then part 1, ...; backward steps take the parts from the last.
PipelineStep interleaved_step(const TrainingParams& p, std::int64_t k, bool forward) {
  const std::int64_t stages = p.pipeline_parallel;
  const std::int64_t round = k / (stages * p.virtual_stages);
  const std::int64_t part = k / stages % p.virtual_stages;
  return {forward, round * stages + k % stages, forward ? part : p.virtual_stages - 1 - part};
}

}  // namespace

std::vector<PipelineStep> pipeline_steps(const TrainingParams& p, std::int64_t stage) {
  const std::int64_t total = p.micro_batches() * p.virtual_stages;
  const std::int64_t later = p.pipeline_parallel - 1 - stage;
  const bool interleaved = p.virtual_stages > 1;
  const std::int64_t warmup = std::min(
      total, interleaved ? 2 * later + (p.virtual_stages - 1) * p.pipeline_parallel : later);
  const auto step = [&](std::int64_t k, bool forward) {
    return interleaved ? interleaved_step(p, k, forward) : PipelineStep{forward, k, 0};
  };
  std::vector<PipelineStep> steps;
  for (std::int64_t k = 0; k < warmup; ++k) steps.push_back(step(k, true));
  for (std::int64_t k = warmup; k < total; ++k) {
    steps.push_back(step(k, true));
    steps.push_back(step(k - warmup, false));
  }
  for (std::int64_t k = total - warmup; k < total; ++k) steps.push_back(step(k, false));
  return steps;
}

std::vector<ModelUnit> part_units(const TrainingParams& p, std::int64_t stage, std::int64_t part) {
  const std::int64_t pieces = p.pipeline_parallel * p.virtual_stages;
  const std::int64_t before = p.embedding_as_layer ? 1 : 0;
  const std::int64_t slots = p.model.layers + before + (p.output_as_layer ? 1 : 0);
  const std::int64_t each = slots / pieces;
  const std::int64_t piece = part * p.pipeline_parallel + stage;
  std::vector<ModelUnit> units;
  if (piece == 0) units.push_back({ModelUnit::Kind::kEmbedding, 0});
  for (std::int64_t slot = piece * each; slot < (piece + 1) * each; ++slot) {
    const std::int64_t layer = slot - before;
    if (layer >= 0 && layer < p.model.layers) units.push_back({ModelUnit::Kind::kLayer, layer});
  }
  if (piece == pieces - 1) units.push_back({ModelUnit::Kind::kOutput, 0});
  return units;
}

}  // namespace plait
