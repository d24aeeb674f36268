// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file slo.hpp
/// Bounds that a request must keep to count as good (service level objective).

#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

/// 0: no bound.
struct RequestSlo {
  Duration latency{};  ///< Arrival to end.
  Duration time_to_first_token{};
  Duration time_per_output_token{};

  bool given() const {
    return latency > Duration{} || time_to_first_token > Duration{} ||
           time_per_output_token > Duration{};
  }
};

}  // namespace plait
