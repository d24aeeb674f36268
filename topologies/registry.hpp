// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file registry.hpp
/// All kinds of topologies. A new one is a pair of files like leaf_spine.hpp/.cpp and one line
/// here.

#include <string_view>
#include <variant>
#include <vector>

#include "sim/params.hpp"
#include "topologies/dumbbell.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/rail_optimized.hpp"
#include "topologies/single_switch.hpp"
#include "topologies/topology_file.hpp"

namespace plait {

/// The parameters of one kind; which one it holds is the kind. The first is the default.
using TopologyShape = std::variant<LeafSpineParams, FatTreeParams, RailOptimizedParams,
                                   SingleSwitchParams, DumbbellParams, TopologyFileParams>;

struct TopologyParams {
  TopologyShape shape;
};

/// Name and help of every kind, in the order of TopologyShape.
std::vector<Choice> topology_kinds();
/// Defaults of the kind with that index.
TopologyShape default_topology(std::size_t kind);
std::string_view kind_name(const TopologyParams& params);

/// The choice `kind`, and beside it the fields of the chosen kind only: a reader that refuses keys
/// that nobody asked for thereby refuses those of other kinds.
void describe(ParamVisitor& v, TopologyParams& p);

/// The fabric, finalized and validated. @throws UserError for impossible shapes and faulty files.
FabricGraph build_topology(const TopologyParams& params, const FabricParts& parts);

}  // namespace plait
