// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file dcqcn.hpp
/// DCQCN sender (reaction point): rate-based congestion control driven by congestion notifications.
/// Source: Zhu et al., "Congestion Control for Large-Scale RDMA Deployments", SIGCOMM 2015 (symbols
/// in brackets), in the form that RDMA NICs ship and the HPCC artefact's ns-3 code computes: cuts
/// happen on a periodic check instead of at once. Equations and deviations: docs/models/dcqcn.md.

#include <cstdint>
#include <memory>
#include <string_view>

#include "models/cc/congestion_control.hpp"

namespace plait {

/// Defaults are the `connectx` preset.
struct DcqcnParams {
  double gain = 5.0 / 1024;                     ///< [g] weight of a new sample of alpha.
  Duration alpha_timer = Duration::us(1);       ///< [K] period of the alpha update.
  Duration decrease_timer = Duration::us(4);    ///< At most one cut per period.
  Duration increase_timer = Duration::us(300);  ///< [T] period of timed increases.
  Bytes increase_bytes = Bytes(32767 * 64);     ///< [B] bytes per counted increase; 0 = off.
  std::int64_t fast_recovery_rounds = 1;        ///< [F]
  BitRate additive_step = BitRate::mbps(5);     ///< [R_AI]
  BitRate hyper_step = BitRate::mbps(50);       ///< [R_HAI]
  BitRate min_rate = BitRate::mbps(1);
  bool early_start = true;    ///< A rate that rises meanwhile shortens the wait of the next packet.
  bool clamp_target = false;  ///< Every cut lowers the target too, also within recovery round 0.
  Bytes window{};             ///< At line rate; 0 = no window, as in the paper.
  bool variable_window = false;  ///< The window is proportional to the rate.
};
void describe(ParamVisitor& visitor, DcqcnParams& params);

/// The preset connectx, paper or ns3. @throws UserError naming the nearest one.
DcqcnParams dcqcn_preset(std::string_view name);

/// @param params must outlive the result (shared by all flows of a run).
std::unique_ptr<CongestionControl> make_dcqcn(const PathInfo& path, const DcqcnParams& params);

}  // namespace plait
