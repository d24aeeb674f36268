// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file pause_clock.hpp
/// How long PFC has held back at least one priority of a port.

#include <algorithm>
#include <cstdint>

#include "sim/units.hpp"

namespace plait {

class PauseClock {
 public:
  /// Follows the set of paused priorities.
  void on_change(std::int64_t now_ps, bool was_paused, bool is_paused) {
    if (!was_paused && is_paused) since_ps_ = now_ps;
    if (first_ps_ < 0) first_ps_ = now_ps;
    last_ps_ = now_ps;
    if (was_paused && !is_paused) total_ps_ += now_ps - since_ps_;
  }
  /// The first pause began here; 0 if there was none.
  SimTime from() const { return SimTime::ps(std::max<std::int64_t>(first_ps_, 0)); }
  /// The last one ended here. @param is_paused  as below.
  SimTime until(SimTime end, bool is_paused) const {
    return is_paused ? std::max(end, from()) : SimTime::ps(last_ps_);
  }
  /// @param is_paused  whether the port still is at `end`.
  Duration total(SimTime end, bool is_paused) const {
    const std::int64_t still = is_paused ? end.ps() - since_ps_ : 0;
    return Duration::ps(total_ps_ + std::max<std::int64_t>(still, 0));
  }

 private:
  std::int64_t since_ps_ = 0, total_ps_ = 0;
  std::int64_t first_ps_ = -1, last_ps_ = 0;
};

}  // namespace plait
