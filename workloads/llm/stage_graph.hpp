// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file stage_graph.hpp
/// All iterations of one pipeline stage as an op graph: the schedule, messages between stages, what
/// data parallelism reduces and gathers, the optimizer step and checkpoints.

#include <map>
#include <optional>
#include <utility>

#include "workloads/llm/layer_ops.hpp"
#include "workloads/llm/stage_params.hpp"
#include "workloads/storage/client_ops.hpp"

namespace plait {

class StageGraph {
 public:
  /// @param busy as in LayerOps. @param storage that takes checkpoints, behind the peer roles of
  /// the mesh; null: they are a time. The arguments must outlive the object.
  StageGraph(const TrainingParams& params, const RankMesh& mesh, const ModelWork& work,
             const ExpertMatrices& experts, const KernelTimes& times, const StorageParams* storage,
             std::int64_t stage, bool busy);
  StageGraph(const StageGraph&) = delete;
  StageGraph& operator=(const StageGraph&) = delete;

  OpGraph build() &&;

 private:
  using UnitKey = std::pair<std::int64_t, std::size_t>;  // part, position in it

  void iteration(std::int64_t number);
  void forward(const PipelineStep& step);
  void backward(const PipelineStep& step);
  void receive(const PipelineStep& step);
  void hand_on(const PipelineStep& step);
  bool is_first(std::int64_t part) const { return stage_ == 0 && part == 0; }
  bool is_last(std::int64_t part) const;

  const std::vector<ModelUnit>& units(std::int64_t part) const {
    return units_[static_cast<std::size_t>(part)];
  }
  void wait_for_parameters(const UnitKey& key);
  StageOps::Ids gather(const ModelUnit& unit, const StageOps::Ids& needs);
  StageOps::Ids reduce(const ModelUnit& unit, const StageOps::Ids& needs);
  void gather_ahead(std::int64_t part, std::size_t position, std::int64_t next);
  void reduce_after(const PipelineStep& step, const ModelUnit& unit);
  void finish_gradients();
  void step_optimizer();
  void gather_parameters();
  void checkpoint();
  void checkpoint_to_storage(Bytes bytes);

  const TrainingParams& p_;
  std::int64_t stage_;
  StageOps ops_;
  LayerOps layers_;
  std::vector<std::vector<ModelUnit>> units_;  // by part
  StageOps::Ids reducing_;                     // of this iteration
  std::map<UnitKey, StageOps::Ids> gathered_;  // parameters that the next use waits for
  std::optional<StorageClientOps> storage_;
  StageOps::Ids writing_;  // the last checkpoint, that training did not wait for
};

}  // namespace plait
