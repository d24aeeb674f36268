// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file timely.hpp
/// TIMELY: rate-based congestion control by the gradient of the round-trip time. Source: Mittal et
/// al., "TIMELY: RTT-based Congestion Control for the Datacenter", SIGCOMM 2015 (symbols in
/// brackets), updated once per round trip as the HPCC artefact's ns-3 code does. Equations and
/// deviations: docs/models/timely.md.

#include <memory>

#include "models/cc/congestion_control.hpp"

namespace plait {

/// Defaults are the `paper` preset.
struct TimelyParams {
  double weight = 0.875;                   ///< [alpha] of a new difference of round-trip times.
  double cut = 0.8;                        ///< [beta]
  Duration t_low = Duration::us(50);       ///< Below: increase, whatever the gradient.
  Duration t_high = Duration::us(500);     ///< Above: decrease, whatever the gradient.
  Duration min_rtt = Duration::us(20);     ///< Normalises the gradient; 0 = of the path.
  BitRate step = BitRate::mbps(10);        ///< [delta]
  BitRate hyper_step = BitRate::mbps(50);  ///< [N delta]
  std::int64_t steps_to_hyper = 5;         ///< Increases in a row before the larger step.
  bool hyper_below_low = false;            ///< Increases below t_low count and may be large too.
  BitRate min_rate = BitRate::mbps(10);
  Bytes window{};                ///< At line rate; 0 = no window.
  bool variable_window = false;  ///< The window is proportional to the rate.
};
void describe(ParamVisitor& visitor, TimelyParams& params);

/// The preset paper or ns3. @throws UserError naming the nearest one.
TimelyParams timely_preset(std::string_view name);

/// @param params must outlive the result (shared by all flows of a run).
std::unique_ptr<CongestionControl> make_timely(const PathInfo& path, const TimelyParams& params);

}  // namespace plait
