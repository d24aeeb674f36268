// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file dumbbell.hpp
/// Two switches with hosts, and a bottleneck between them.
///
///     host0 \                        / host(left)
///     host1 - leaf0 ========== leaf1 - ...

#include <cstdint>
#include <string_view>

#include "topologies/generator.hpp"

namespace plait {

struct DumbbellParams {
  static constexpr std::string_view kKind = "dumbbell";
  static constexpr std::string_view kHelp =
      "two switches with hosts, joined by fabric links as the bottleneck";

  std::int64_t left = 2;
  std::int64_t right = 2;
  std::int64_t bottleneck_links = 1;
};

void describe(ParamVisitor& v, DumbbellParams& p);
FabricGraph build(const DumbbellParams& params, const FabricParts& parts);

}  // namespace plait
