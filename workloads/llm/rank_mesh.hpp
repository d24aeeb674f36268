// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank_mesh.hpp
/// Which rank does what in a training job. Order of ranks as in Megatron-LM, "tp-cp-ep-dp-pp":
/// rank = tensor + tp * (context + cp * (data + dp * stage)). Expert-parallel ranks are neighbours
/// among the context and data ones: position x = context + cp * data has expert index x mod ep.

#include <array>
#include <vector>

#include "workloads/llm/training.hpp"

namespace plait {

/// Roles of groups in the shared graphs.
enum class GroupRole : std::uint8_t {
  kAll,
  kTensor,
  kContext,
  kData,        ///< Copies of a layer: context and data.
  kExpert,      ///< Ranks that share the experts.
  kExpertData,  ///< Copies of the same experts.
  kModel,       ///< Tensor and pipeline: one copy of the model.
  kEmbedding,   ///< First and last stage, which both hold tied embeddings.
};
constexpr std::size_t kGroupRoles = 8;

/// Roles of peers in the shared graphs.
enum class PeerRole : std::uint8_t { kPreviousStage, kNextStage, kPreviousContext, kNextContext };
constexpr std::size_t kPeerRoles = 4;

struct MeshPosition {
  std::int64_t tensor = 0, context = 0, data = 0, stage = 0;
};

class RankMesh {
 public:
  explicit RankMesh(const TrainingParams& params) : p_(params) {}

  MeshPosition position(RankId rank) const;
  RankId rank(const MeshPosition& at) const;
  std::int64_t expert_index(const MeshPosition& at) const {
    return (at.context + p_.context_parallel * at.data) % p_.expert_parallel;
  }
  /// Number of ranks in every group of this role.
  std::int64_t size(GroupRole role) const;

  /// Sets groups and bindings of `workload`. Roles whose groups would have one rank are left out:
  /// their place in the bindings holds an invalid id.
  void bind(Workload& workload) const;

 private:
  void add_groups(Workload& workload, GroupRole role) const;
  /// Ranks that share the group of `role` have the same key and differ in the order within.
  std::array<std::int64_t, 4> key(GroupRole role, const MeshPosition& at) const;

  const TrainingParams& p_;
};

}  // namespace plait
