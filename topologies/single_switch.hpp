// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file single_switch.hpp
/// All hosts on one switch: the fabric of an incast, and the smallest one there is.
///
///     host0  host1  host2 ...
///        \     |     /
///            leaf0

#include <cstdint>
#include <string_view>

#include "topologies/generator.hpp"

namespace plait {

struct SingleSwitchParams {
  static constexpr std::string_view kKind = "single_switch";
  static constexpr std::string_view kHelp = "all hosts on one switch";

  std::int64_t hosts = 2;
};

void describe(ParamVisitor& v, SingleSwitchParams& p);
FabricGraph build(const SingleSwitchParams& params, const FabricParts& parts);

}  // namespace plait
