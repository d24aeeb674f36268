// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/collective.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/collectives/algorithms.hpp"
#include "workloads/collectives/custom.hpp"

namespace plait {

namespace {

class EmptySchedule final : public CollectiveSchedule {
 public:
  std::uint32_t channels() const override { return 0; }
  std::uint32_t step_count(std::uint32_t) const override { return 0; }
  CollectiveStep step(std::uint32_t, std::uint32_t) const override { return {}; }
  std::vector<CollectiveSource> sources() const override { return {}; }
  std::vector<DataRange> payload(std::uint32_t, std::uint32_t) const override { return {}; }
};

void check_call(const CollectiveCall& call) {
  PLAIT_CHECK_LT(call.position, call.group_size);
  PLAIT_CHECK_LT(call.root, call.group_size);
  PLAIT_CHECK_GE(call.size.count(), 0);
  PLAIT_CHECK_GE(call.max_chunk.count(), 1);
  PLAIT_CHECK(call.layout != nullptr && !call.layout->rings.empty(), "at least one ring");
  for (const auto& ring : call.layout->rings) PLAIT_CHECK_EQ(ring.size(), call.group_size);
  if (call.matrix != nullptr) PLAIT_CHECK_EQ(call.matrix->positions(), call.group_size);
}

std::unique_ptr<CollectiveSchedule> made(const CollectiveCall& call) {
  switch (call.algorithm) {
    case CollectiveAlgorithm::kRing:
      return has_root(call.kind) ? make_chain_schedule(call) : make_ring_schedule(call);
    case CollectiveAlgorithm::kTree:
      return make_tree_schedule(call);
    case CollectiveAlgorithm::kTwoLevelTree:
      return make_two_level_tree_schedule(call);
    case CollectiveAlgorithm::kHalvingDoubling:
      return make_halving_doubling_schedule(call);
    case CollectiveAlgorithm::kDirect:
      return call.kind == CollectiveKind::kAllToAll ? make_all_to_all_schedule(call)
                                                    : make_direct_schedule(call);
    case CollectiveAlgorithm::kPairwise:
      return make_all_to_all_schedule(call);
    case CollectiveAlgorithm::kNvls:
    case CollectiveAlgorithm::kNvlsTree:
      return make_nvls_schedule(call);
    case CollectiveAlgorithm::kHierarchical:
      return make_hierarchical_schedule(call);
    case CollectiveAlgorithm::kPat:
    case CollectiveAlgorithm::kBruck:
      return make_aggregated_schedule(call);
    case CollectiveAlgorithm::kPxn:
      return make_pxn_schedule(call);
    case CollectiveAlgorithm::kDissemination:
      return make_barrier_schedule(call);
    case CollectiveAlgorithm::kCustom:
      return make_custom_schedule(call);
    case CollectiveAlgorithm::kAuto:
      break;
  }
  PLAIT_CHECK(false, "every legal algorithm has a schedule");
  return nullptr;
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
  CollectiveCall chosen = call;
  if (call.algorithm == CollectiveAlgorithm::kAuto) chosen.algorithm = default_algorithm(call.kind);
  const std::string why = why_not(chosen.algorithm, chosen);
  if (!why.empty())
    throw UserError(fmt::format("algorithm {} cannot run this {}: {}", to_string(chosen.algorithm),
                                to_string(call.kind), why));
  return made(chosen);
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
