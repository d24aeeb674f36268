// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/collective.hpp"

#include <algorithm>

#include "sim/check.hpp"
#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

class EmptySchedule final : public CollectiveSchedule {
 public:
  std::uint32_t channels() const override { return 0; }
  std::uint32_t step_count(std::uint32_t) const override { return 0; }
  CollectiveStep step(std::uint32_t, std::uint32_t) const override { return {}; }
  std::vector<CollectiveSource> sources() const override { return {}; }
};

void check_call(const CollectiveCall& call) {
  PLAIT_CHECK_LT(call.position, call.group_size);
  PLAIT_CHECK_LT(call.root, call.group_size);
  PLAIT_CHECK_GE(call.size.count(), 0);
  PLAIT_CHECK_GE(call.max_chunk.count(), 1);
  PLAIT_CHECK(call.layout != nullptr && !call.layout->rings.empty(), "at least one ring");
  for (const auto& ring : call.layout->rings) PLAIT_CHECK_EQ(ring.size(), call.group_size);
}

}  // namespace

std::uint32_t lane_count(Bytes total, std::int64_t pieces, Bytes max_chunk) {
  const std::int64_t largest = (total.count() + pieces - 1) / pieces;
  const std::int64_t lanes = (largest + max_chunk.count() - 1) / max_chunk.count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(lanes, 1));
}

std::unique_ptr<CollectiveSchedule> make_schedule(const CollectiveCall& call) {
  check_call(call);
  if (call.group_size == 1) return std::make_unique<EmptySchedule>();
  switch (call.kind) {
    case CollectiveKind::kAllReduce:
    case CollectiveKind::kAllGather:
    case CollectiveKind::kReduceScatter:
      return make_ring_schedule(call);
    case CollectiveKind::kBroadcast:
      return make_broadcast_schedule(call);
    case CollectiveKind::kAllToAll:
      return make_all_to_all_schedule(call);
    case CollectiveKind::kBarrier:
      return make_barrier_schedule(call);
    case CollectiveKind::kReduce:
    case CollectiveKind::kGather:
    case CollectiveKind::kScatter:
      break;
  }
  PLAIT_CHECK(false, "every collective kind has an algorithm");
  return nullptr;
}

CollectiveAlgorithm default_algorithm(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::kAllToAll:
      return CollectiveAlgorithm::kPairwise;
    case CollectiveKind::kBarrier:
      return CollectiveAlgorithm::kDissemination;
    default:
      return CollectiveAlgorithm::kRing;
  }
}

std::string_view to_string(CollectiveAlgorithm algorithm) {
  switch (algorithm) {
    case CollectiveAlgorithm::kAuto:
      return "auto";
    case CollectiveAlgorithm::kRing:
      return "ring";
    case CollectiveAlgorithm::kTree:
      return "tree";
    case CollectiveAlgorithm::kHalvingDoubling:
      return "halving_doubling";
    case CollectiveAlgorithm::kDirect:
      return "direct";
    case CollectiveAlgorithm::kNvls:
      return "nvls";
    case CollectiveAlgorithm::kNvlsTree:
      return "nvls_tree";
    case CollectiveAlgorithm::kHierarchical:
      return "hierarchical";
    case CollectiveAlgorithm::kTwoLevelTree:
      return "two_level_tree";
    case CollectiveAlgorithm::kPat:
      return "pat";
    case CollectiveAlgorithm::kBruck:
      return "bruck";
    case CollectiveAlgorithm::kPairwise:
      return "pairwise";
    case CollectiveAlgorithm::kPxn:
      return "pxn";
    case CollectiveAlgorithm::kDissemination:
      return "dissemination";
    case CollectiveAlgorithm::kCustom:
      return "custom";
  }
  return "unknown";
}

}  // namespace plait
