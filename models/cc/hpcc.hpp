// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file hpcc.hpp
/// HPCC sender: reads per-hop telemetry from every ACK, estimates how busy the busiest link is, and
/// sets rate and window so that it settles just below full. Source: Li et al., "HPCC: High
/// Precision Congestion Control", SIGCOMM 2019, algorithm 1 (symbols in brackets), in the
/// rate-based form of its ns-3 artefact: the rate is adapted and the window follows it.
/// docs/models/hpcc.md.

#include <cstdint>
#include <memory>
#include <string_view>

#include "models/cc/congestion_control.hpp"

namespace plait {

/// Defaults are the `paper` preset.
struct HpccParams {
  double target_utilisation = 0.95;           ///< [eta]
  std::int64_t max_stages = 5;                ///< [maxStage] additive rounds before a full update.
  BitRate additive_step = BitRate::mbps(50);  ///< [W_AI] as a rate.
  BitRate min_rate = BitRate::mbps(100);
  bool fast_reaction = true;    ///< React to every ACK; else once per round trip.
  Duration base_rtt{};          ///< [T]; 0 = of the path.
  Bytes window{};               ///< [W_init]; 0 = line rate * T.
  bool variable_window = true;  ///< The window shrinks with the rate.
};
void describe(ParamVisitor& visitor, HpccParams& params);

/// The preset paper or ns3. @throws UserError naming the nearest one.
HpccParams hpcc_preset(std::string_view name);

/// @param params must outlive the result. @pre path.int_scale is not null.
std::unique_ptr<CongestionControl> make_hpcc(const PathInfo& path, const HpccParams& params);

}  // namespace plait
