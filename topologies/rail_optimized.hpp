// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rail_optimized.hpp
/// Hosts with several NICs, grouped in units. NIC r of every host of a unit hangs on that unit's
/// rail switch r, so GPUs of one host stand on different rails and equal ranks of different hosts
/// on the same one. Every rail switch is cabled to every spine. What joins the GPUs of one host
/// (NVSwitch) is inside the host and no part of this graph.

#include <cstdint>
#include <string_view>

#include "topologies/generator.hpp"

namespace plait {

struct RailOptimizedParams {
  static constexpr std::string_view kKind = "rail_optimized";
  static constexpr std::string_view kHelp =
      "NIC r of every host of a unit on rail switch r, spines above the rails";

  std::int64_t hosts = 8;
  std::int64_t hosts_per_unit = 4;
  std::int64_t spines = 4;
  std::int64_t uplinks = 1;
};

void describe(ParamVisitor& v, RailOptimizedParams& p);
/// Rails = parts.host.nics. @throws UserError also for several units without spines, and for GPUs
/// that do not spread evenly over the rails.
FabricGraph build(const RailOptimizedParams& params, const FabricParts& parts);

}  // namespace plait
