// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fat_tree.hpp
/// Three-tier k-ary fat tree: k pods of k/2 edge and k/2 aggregation switches, (k/2)^2 cores, k^3/4
/// hosts. Source: Al-Fares, Loukissas, Vahdat, "A Scalable, Commodity Data Center Network
/// Architecture", SIGCOMM 2008. Aggregation switch j of every pod is cabled to cores j*k/2 up to
/// (j+1)*k/2 - 1. With over-subscription o an edge switch has o*k/2 hosts over its k/2 uplinks.

#include <cstdint>
#include <string_view>

#include "topologies/generator.hpp"

namespace plait {

struct FatTreeParams {
  static constexpr std::string_view kKind = "fat_tree";
  static constexpr std::string_view kHelp = "three-tier k-ary fat tree";

  std::int64_t k = 0;
  std::int64_t hosts = 0;
  double oversubscription = 1;
};

void describe(ParamVisitor& v, FatTreeParams& p);
/// Hosts fill edge switch by edge switch. Edge switches and pods without hosts are left out, and
/// the cores when there is one pod only; every other switch is there. Names: edge<pod>.<n>,
/// agg<pod>.<n>, core<n>.
/// @throws UserError for an odd k, neither k nor hosts given, more hosts than k holds, and an
/// over-subscription that gives no whole number of hosts per edge switch.
FabricGraph build(const FatTreeParams& params, const FabricParts& parts);

}  // namespace plait
