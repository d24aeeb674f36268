// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file layer_ops.hpp
/// Ops of one unit of the model in one direction: its compute, and what tensor, context and expert
/// parallelism send. Data parallelism and the pipeline are added by stage_graph.hpp.

#include <memory>
#include <vector>

#include "workloads/byte_matrix.hpp"
#include "workloads/llm/kernel_work.hpp"
#include "workloads/llm/pipeline.hpp"
#include "workloads/llm/stage_ops.hpp"

namespace plait {

/// Tags of messages that are no activations between stages, which have 0 and 1 of each part.
constexpr std::uint32_t kContextTag = 0;
constexpr std::uint32_t kFirstStageTag = 1;

/// Tokens to experts and back, when their load is uneven; else empty. Indices of
/// Workload::matrices.
struct ExpertMatrices {
  static constexpr std::uint32_t kDispatch = 0;
  static constexpr std::uint32_t kCombine = 1;
  std::vector<std::shared_ptr<const ByteMatrix>> matrices;
};
ExpertMatrices expert_matrices(const TrainingParams& params);

class LayerOps {
 public:
  /// @param busy whether the ranks of this graph have the busiest experts.
  LayerOps(const TrainingParams& params, const ModelWork& work, const ExpertMatrices& experts,
           bool busy, StageOps& ops);

  void forward(const ModelUnit& unit);
  void backward(const ModelUnit& unit);

  /// Of the activations of one micro-batch, whole.
  double activation_bytes() const { return activation_; }

 private:
  enum class Direction : std::uint8_t { kForward, kBackward };

  void attention(Direction direction);
  void attention_compute(Direction direction);
  void attention_in_parts(Direction direction);
  void exchange_by_gather(Direction direction, const std::vector<Kernel>& core);
  void exchange_by_ring(Direction direction, const std::vector<Kernel>& core);
  void ffn(Direction direction);
  void experts(Direction direction);
  void routed(Direction direction);
  void shared(Direction direction);
  void all_to_all(bool dispatch);
  /// A part whose matrices are split: `body` between the collectives that belong to it.
  template <class Body>
  void split_part(Direction direction, Body body);
  /// The part's kernels in this direction; backward, `recomputed` are run forward first.
  std::vector<Kernel> kernels(const PartWork& work, Direction direction,
                              bool recomputed = false) const;

  const TrainingParams& p_;
  const ModelWork& work_;
  const ExpertMatrices& matrices_;
  bool busy_;
  StageOps& ops_;
  double activation_;
};

}  // namespace plait
