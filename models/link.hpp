// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file link.hpp
/// One direction of a cable: serialisation at the line rate, then propagation. A packet that starts
/// at t is known to the far end at t + serialisation + latency, where the latency is the cable's
/// propagation delay plus the pipeline latency of the switch it leads to (store and forward).

#include <cstdint>

#include "sim/units.hpp"

namespace plait {

/// What many links share: rate, clock, latency. Few per fabric, so they stay in the L1 cache.
class LinkClass {
 public:
  /// @param clock  serialisation times are rounded to its nearest multiple (1 ps: rounded up to
  ///               whole picoseconds, exact at the usual rates).
  LinkClass(BitRate rate, Duration latency, Duration clock);

  std::int64_t serialisation_ps(std::uint32_t wire_bytes) const {
    if (ps_per_byte_ != 0) [[likely]]
      return ps_per_byte_ * wire_bytes;
    return rounded_ps(wire_bytes);
  }
  std::int64_t latency_ps() const { return latency_ps_; }
  BitRate rate() const { return rate_; }

  friend bool operator==(const LinkClass&, const LinkClass&) = default;

 private:
  std::int64_t rounded_ps(std::uint32_t wire_bytes) const;

  std::int64_t ps_per_byte_ = 0;  // 0: not a whole number, or a coarse clock
  std::int64_t latency_ps_ = 0;
  std::int64_t clock_ps_ = 1;
  BitRate rate_;
};

}  // namespace plait
