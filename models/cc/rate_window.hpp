// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rate_window.hpp
/// What rate-based congestion controls with a window share: whole bits per second, and a window
/// that scales with the rate.

#include <algorithm>
#include <cstdint>

#include "models/cc/congestion_control.hpp"

namespace plait {

/// The base round-trip time in force: `given`, or the path's if that is zero.
inline Duration base_rtt_of(const PathInfo& path, Duration given) {
  return given > Duration() ? given : path.base_rtt;
}

/// The rate that sends one full payload per `rtt`. @pre rtt > 0.
inline std::int64_t packet_per_rtt_bps(Bytes mtu, Duration rtt) {
  const double bits = static_cast<double>(mtu.count()) * 8;
  return static_cast<std::int64_t>(bits * 1e12 / static_cast<double>(rtt.ps()));
}

/// A rate times a factor, truncated to whole bits per second. @pre the product fits.
inline std::int64_t scaled_bps(std::int64_t bps, double factor) {
  return static_cast<std::int64_t>(static_cast<double>(bps) * factor);
}

/// `full` at line rate, less in proportion below it, but never nothing.
inline Bytes window_at(Bytes full, std::int64_t rate_bps, std::int64_t line_bps) {
  std::int64_t narrow;  // most products fit; a division of 128 bits is a call
  if (!__builtin_mul_overflow(full.count(), rate_bps, &narrow)) [[likely]]
    return Bytes(std::max<std::int64_t>(1, narrow / line_bps));
  __extension__ using Wide = __int128;
  const Wide scaled = static_cast<Wide>(full.count()) * rate_bps / line_bps;
  return Bytes(std::max<std::int64_t>(1, static_cast<std::int64_t>(scaled)));
}

}  // namespace plait
