// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file link.hpp
/// One direction of a cable: serialisation at the line rate, then propagation. A packet that starts
/// at t is known to the far end at t + serialisation + latency, where the latency is the cable's
/// propagation delay plus the pipeline latency of the switch it leads to (store and forward). A
/// cut-through switch at the far end knows it when the first `cut` bytes are there.

#include <algorithm>
#include <cstdint>

#include "sim/units.hpp"

namespace plait {

/// Time of `wire_bytes` at `rate`, rounded to the nearest multiple of the clock, at least one; with
/// a clock of 1 ps rounded up.
std::int64_t rounded_transmission_ps(std::uint32_t wire_bytes, BitRate rate, std::int64_t clock_ps);

/// What many links share: rate, clock, latency, cut. Few per fabric, so they stay in the L1 cache.
class LinkClass {
 public:
  /// @param clock  serialisation times are rounded to its nearest multiple (1 ps: rounded up to
  ///               whole picoseconds, exact at the usual rates).
  /// @param cut    bytes after which the far end may forward; 0: the whole packet.
  LinkClass(BitRate rate, Duration latency, Duration clock, Bytes cut = Bytes(0));

  std::int64_t serialisation_ps(std::uint32_t wire_bytes) const {
    if (ps_per_byte_ != 0) [[likely]]
      return ps_per_byte_ * wire_bytes;
    return rounded_transmission_ps(wire_bytes, rate_, clock_ps_);
  }
  /// Serialisation times of packets add up to that of all their bytes if it is not 0.
  std::int64_t ps_per_byte() const { return ps_per_byte_; }
  /// Whether b bytes that start at t are known at t + b * ps_per_byte() + latency_ps().
  bool is_linear() const { return ps_per_byte_ != 0 && cut_ps_ == 0; }
  std::int64_t latency_ps() const { return latency_ps_; }
  /// When the far end may act on a packet that starts at `start` and ends at `end`.
  std::int64_t known_ps(std::int64_t start, std::int64_t end) const {
    return (cut_ps_ == 0 ? end : std::min(end, start + cut_ps_)) + latency_ps_;
  }
  BitRate rate() const { return rate_; }

  friend bool operator==(const LinkClass&, const LinkClass&) = default;

 private:
  std::int64_t ps_per_byte_ = 0;  // 0: not a whole number, or a coarse clock
  std::int64_t latency_ps_ = 0;
  std::int64_t cut_ps_ = 0;  // serialisation of the cut; 0: store and forward
  std::int64_t clock_ps_ = 1;
  BitRate rate_;
};

}  // namespace plait
