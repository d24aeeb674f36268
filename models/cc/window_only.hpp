// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file window_only.hpp
/// Congestion control `none`: line rate and a fixed window, so that PFC alone (or the window) holds
/// the sender back. The window is a multiple of the bandwidth-delay product of the unloaded path.

#include <memory>

#include "models/cc/congestion_control.hpp"

namespace plait {

struct WindowOnlyParams {
  double bdp_multiple = 1.0;  ///< Window / (line rate * base RTT); 0 = no window at all.
};
void describe(ParamVisitor& visitor, WindowOnlyParams& params);

std::unique_ptr<CongestionControl> make_window_only(const PathInfo& path,
                                                    const WindowOnlyParams& params);

}  // namespace plait
