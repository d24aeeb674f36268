// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file faults.hpp
/// Failures and impairments as timed events, and how fast routing reacts. What each does to frames,
/// pauses and routes: docs/models/faults.md.

#include <cstdint>
#include <vector>

#include "sim/ids.hpp"
#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

enum class FaultKind : std::uint8_t {
  kDown,       ///< Cables carry nothing.
  kFlap,       ///< `count` times down for `down_for`, then up for `up_for`.
  kDegrade,    ///< Cables run at `rate`.
  kBitErrors,  ///< Cables have `bit_error_rate`.
  kReboot,     ///< A switch loses what it holds, and all its cables are down.
  kSlow,       ///< Compute ops that start on a host take `factor` times as long.
};

/// One event. Events of one kind that overlap on one cable or host: the worst of them holds.
struct FaultEvent {
  FaultKind kind = FaultKind::kDown;
  SimTime at{};
  Duration length{};          ///< 0: for ever. Not of a flap.
  std::vector<PortId> ports;  ///< Of cables: either port of each.
  NodeId node;                ///< kReboot: a switch; kSlow: a host.
  Duration down_for{}, up_for{};
  std::int64_t count = 0;
  BitRate rate;
  double bit_error_rate = 0;
  double factor = 1;
};

/// How switches learn of cables that fail and come back; both delays hold both ways.
struct RoutingParams {
  Duration detection = Duration::ms(1);
  Duration convergence = Duration::ms(100);
};
void describe(ParamVisitor& visitor, RoutingParams& params);

}  // namespace plait
