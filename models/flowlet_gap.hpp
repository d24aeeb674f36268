// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file flowlet_gap.hpp
/// The silence after which a flow may change its path without overtaking itself;
/// docs/models/load_balancing.md, section 4.

#include "sim/units.hpp"

namespace plait {

struct NetworkContext;

/// The longer of two spans: the longest base round-trip time from the first NIC, which is what a
/// sender with a window of one bandwidth-delay product can queue by itself; and, if data are
/// marked, the time in which the slowest port between switches sends k_min bytes, a queue that no
/// congestion control answers to. 0 on a fabric without a choice of paths.
Duration safe_flowlet_gap(const NetworkContext& context);

}  // namespace plait
