// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file entity_groups.hpp
/// Which nodes of a fabric share a clock (sim/group_clocks.hpp): those of one side, where the
/// fabric has two (the tiers of a Clos alternate), and of about the same shortest cable. So spines
/// 2 us away run windows of 4 us, while hosts and leaves 200 ns apart run theirs of 400 ns.

#include "models/network_context.hpp"
#include "sim/group_clocks.hpp"

namespace plait {

/// Group of every node, by its number. Depends on the fabric and its latencies alone.
EntityGroups entity_groups(const NetworkContext& context);

}  // namespace plait
