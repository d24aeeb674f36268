// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file leaf_spine.hpp
/// Two tiers: every leaf is cabled to every spine. Over-subscription of a leaf is
/// hosts_per_leaf * nics * host rate / (spines * uplinks * fabric rate).

#include <cstdint>
#include <string_view>

#include "topologies/generator.hpp"

namespace plait {

struct LeafSpineParams {
  static constexpr std::string_view kKind = "leaf_spine";
  static constexpr std::string_view kHelp = "two tiers, every leaf cabled to every spine";

  std::int64_t hosts = 16;
  std::int64_t hosts_per_leaf = 4;
  std::int64_t spines = 4;
  std::int64_t uplinks = 1;
};

void describe(ParamVisitor& v, LeafSpineParams& p);
/// Leaves = hosts / hosts_per_leaf, rounded up; the last one may be partly filled.
FabricGraph build(const LeafSpineParams& params, const FabricParts& parts);

}  // namespace plait
