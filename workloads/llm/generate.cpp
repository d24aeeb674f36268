// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "sim/error.hpp"
#include "workloads/llm/kernel_times.hpp"
#include "workloads/llm/stage_graph.hpp"

namespace plait {

namespace {

// Collectives of all ranks must not wait for servers.
void add_storage(Workload& workload, const StorageParams& storage) {
  constexpr auto kAll = static_cast<std::size_t>(GroupRole::kAll);
  const GroupId training(workload.groups.size());
  workload.groups.push_back(workload.groups[0]);
  for (RankBinding& binding : workload.bindings) binding.groups[kAll] = training;
  workload.groups[0].name += "_and_storage";
  add_storage_servers(workload, storage.server_count(), kPeerRoles);
}

}  // namespace

Workload make_training_workload(const TrainingParams& params, const StorageParams* storage) {
  check_training(params);
  if (params.checkpoint_storage.empty())
    storage = nullptr;
  else if (storage == nullptr)
    throw UserError(
        "checkpoint_storage: names a job of a scenario; a training job alone has no storage");
  KernelTimes times;
  if (!params.kernel_times.empty()) times = load_kernel_times(params.kernel_times);
  const RankMesh mesh(params);
  const ModelWork work = model_work(params);
  const ExpertMatrices experts = expert_matrices(params);
  const bool uneven = !experts.matrices.empty();

  using Graph = std::shared_ptr<const OpGraph>;
  std::vector<Graph> plain, busy;  // by stage
  for (std::int64_t stage = 0; stage < params.pipeline_parallel; ++stage) {
    const auto make = [&](bool is_busy) {
      StageGraph graph(params, mesh, work, experts, times, storage, stage, is_busy);
      return std::make_shared<const OpGraph>(std::move(graph).build());
    };
    plain.push_back(make(false));
    if (uneven) busy.push_back(make(true));
  }

  Workload workload;
  mesh.bind(workload);
  workload.matrices = experts.matrices;
  for (std::size_t rank = 0; rank < workload.bindings.size(); ++rank) {
    const MeshPosition at = mesh.position(RankId(rank));
    const bool is_busy = uneven && mesh.expert_index(at) == 0;
    workload.graphs.push_back((is_busy ? busy : plain)[static_cast<std::size_t>(at.stage)]);
  }
  if (storage != nullptr) add_storage(workload, *storage);
  return workload;
}

}  // namespace plait
