// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file headroom.hpp
/// PFC headroom of every port of a switch, as set or computed; docs/models/switch.md, section 3.

#include <cstdint>
#include <vector>

#include "sim/ids.hpp"

namespace plait {

struct NetworkContext;

/// Bytes per lossless priority, by port number. With `fabric.switch.pfc.headroom` = 0 B:
/// rate * (latency to the peer + latency from the peer) + 3 full packets + 1 pause frame per
/// lossless priority. In the worst case the pause frame waits for one packet and the others here,
/// the peer has just begun another one, and the packet that crossed the threshold is counted whole.
/// With the rule of three delays: 3 * floor(rate * cable delay / 8).
std::vector<std::int64_t> headroom_of_ports(const NetworkContext& context, NodeId node);

}  // namespace plait
