// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file group_node.hpp
/// The node in which PyTorch's traces declare their process groups.

#include "workloads/chakra/node_source.hpp"
#include "workloads/chakra/process_groups.hpp"

namespace plait {

/// PyTorch's "## process_group:init ##" node carries a JSON list of the rank's groups as its input.
/// @throws UserError, with `where`, if it cannot be read, or as ProcessGroups::declare().
void declare_groups(const chakra::Node& node, const ChakraPlace& where, RankId rank,
                    ProcessGroups& groups, bool strict);

}  // namespace plait
