// SPDX-License-Identifier: Apache-2.0
#include "workloads/llm/rank_mesh.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "sim/check.hpp"

namespace plait {

namespace {

constexpr std::array<std::string_view, kGroupRoles> kNames{
    "all", "tensor", "context", "data", "expert", "expert_data", "model", "embedding"};

}  // namespace

MeshPosition RankMesh::position(RankId rank) const {
  auto rest = static_cast<std::int64_t>(rank.value());
  MeshPosition at;
  const auto take = [&rest](std::int64_t degree) {
    const std::int64_t index = rest % degree;
    rest /= degree;
    return index;
  };
  at.tensor = take(p_.tensor_parallel);
  at.context = take(p_.context_parallel);
  at.data = take(p_.data_parallel);
  at.stage = rest;
  return at;
}

RankId RankMesh::rank(const MeshPosition& at) const {
  const std::int64_t copy =
      at.context + p_.context_parallel * (at.data + p_.data_parallel * at.stage);
  return RankId(static_cast<std::size_t>(at.tensor + p_.tensor_parallel * copy));
}

std::int64_t RankMesh::size(GroupRole role) const {
  switch (role) {
    case GroupRole::kAll:
      return p_.world_size();
    case GroupRole::kTensor:
      return p_.tensor_parallel;
    case GroupRole::kContext:
      return p_.context_parallel;
    case GroupRole::kData:
      return p_.context_parallel * p_.data_parallel;
    case GroupRole::kExpert:
      return p_.expert_parallel;
    case GroupRole::kExpertData:
      return p_.context_parallel * p_.data_parallel / p_.expert_parallel;
    case GroupRole::kModel:
      return p_.tensor_parallel * p_.pipeline_parallel;
    case GroupRole::kEmbedding:
      return p_.pipeline_parallel > 1 && p_.model.tied_embeddings ? 2 : 1;
  }
  return 1;
}

std::array<std::int64_t, 4> RankMesh::key(GroupRole role, const MeshPosition& at) const {
  const std::int64_t copy = at.context + p_.context_parallel * at.data;
  switch (role) {
    case GroupRole::kAll:
      return {0, 0, 0, 0};
    case GroupRole::kTensor:
      return {0, at.context, at.data, at.stage};
    case GroupRole::kContext:
      return {at.tensor, 0, at.data, at.stage};
    case GroupRole::kData:
      return {at.tensor, 0, 0, at.stage};
    case GroupRole::kExpert:
      return {at.tensor, copy / p_.expert_parallel, 0, at.stage};
    case GroupRole::kExpertData:
      return {at.tensor, copy % p_.expert_parallel, 0, at.stage};
    case GroupRole::kModel:
      return {0, at.context, at.data, 0};
    case GroupRole::kEmbedding:
      return {at.tensor, at.context, at.data, 0};
  }
  return {};
}

// Members in order of their rank numbers, groups in order of their first members.
void RankMesh::add_groups(Workload& workload, GroupRole role) const {
  const auto slot = static_cast<std::size_t>(role);
  std::map<std::array<std::int64_t, 4>, GroupId> known;
  for (std::size_t r = 0; r < workload.bindings.size(); ++r) {
    const MeshPosition at = position(RankId(r));
    const bool inner = at.stage > 0 && at.stage + 1 < p_.pipeline_parallel;
    if (role == GroupRole::kEmbedding && inner) continue;
    const auto [found, is_new] = known.try_emplace(key(role, at), GroupId(workload.groups.size()));
    if (is_new)
      workload.groups.push_back({fmt::format("{}{}", kNames[slot], known.size() - 1), {}});
    workload.groups[found->second.index()].ranks.emplace_back(r);
    workload.bindings[r].groups[slot] = found->second;
  }
}

void RankMesh::bind(Workload& workload) const {
  const auto ranks = static_cast<std::size_t>(p_.world_size());
  workload.bindings.assign(ranks,
                           {std::vector<GroupId>(kGroupRoles), std::vector<RankId>(kPeerRoles)});
  workload.groups.assign(1, {std::string(kNames[0]), {}});
  for (std::size_t r = 0; r < ranks; ++r) {
    workload.groups[0].ranks.emplace_back(r);
    workload.bindings[r].groups[0] = GroupId(0);
    const MeshPosition at = position(RankId(r));
    const auto shifted = [&](PeerRole role, std::int64_t MeshPosition::*axis, std::int64_t degree,
                             std::int64_t by) {
      MeshPosition other = at;
      other.*axis = (at.*axis + by + degree) % degree;
      workload.bindings[r].peers[static_cast<std::size_t>(role)] = rank(other);
    };
    shifted(PeerRole::kPreviousStage, &MeshPosition::stage, p_.pipeline_parallel, -1);
    shifted(PeerRole::kNextStage, &MeshPosition::stage, p_.pipeline_parallel, 1);
    shifted(PeerRole::kPreviousContext, &MeshPosition::context, p_.context_parallel, -1);
    shifted(PeerRole::kNextContext, &MeshPosition::context, p_.context_parallel, 1);
  }
  for (std::size_t role = 1; role < kGroupRoles; ++role)
    if (size(static_cast<GroupRole>(role)) > 1) add_groups(workload, static_cast<GroupRole>(role));
}

}  // namespace plait
