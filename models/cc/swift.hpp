// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file swift.hpp
/// Swift: a congestion window steered by the distance of the delay from a target that grows with
/// the hops and shrinks with the window. Source: Kumar et al., "Swift: Delay is Simple and
/// Effective for Congestion Control in the Datacenter", SIGCOMM 2020, algorithm 1 and section 3.5;
/// constants that the paper leaves open as in htsim. Equations and deviations:
/// docs/models/swift.md.

#include <cstdint>
#include <memory>

#include "models/cc/congestion_control.hpp"

namespace plait {

/// Lengths of windows count full packets.
struct SwiftParams {
  Duration base_target = Duration::us(20);          ///< [base target delay]
  Duration hop_delay = Duration::ns(3053);          ///< [h-bar] added to the target per hop.
  Duration flow_scaling_range = Duration::us(100);  ///< [fs_range] most that scaling adds.
  double flow_scaling_min = 0.1;                    ///< [fs_min_cwnd] Below: the whole range.
  double flow_scaling_max = 100;                    ///< [fs_max_cwnd] Above: nothing.
  double additive_step = 1.0;                       ///< [ai] Per round trip.
  double cut = 0.8;                                 ///< [beta]
  double max_cut = 0.5;                             ///< [max_mdf]
  double min_window = 0.01;                         ///< Below 1 the flow is paced.
  double max_window = 1000;
  double start_window = 0;           ///< 0 = line rate times base RTT.
  std::int64_t timeouts_to_min = 5;  ///< [RETX_RESET_THRESHOLD]
  Duration base_rtt{};               ///< 0 = of the path.
};
void describe(ParamVisitor& visitor, SwiftParams& params);

/// @param params must outlive the result (shared by all flows of a run).
std::unique_ptr<CongestionControl> make_swift(const PathInfo& path, const SwiftParams& params);

}  // namespace plait
