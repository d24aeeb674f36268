// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file telemetry.hpp
/// In-band network telemetry: what every switch on the way writes onto a data packet when it
/// leaves, and the ACK carries back. It lies in the packet's annex, so only runs whose congestion
/// control asks for it carry it. Record layout and units of the HPCC artefact (Li et al.,
/// SIGCOMM 2019): time 24 bits in ns, bytes 20 bits in 128 B times a multiplier, queue in 80 B
/// times the multiplier.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/units.hpp"

namespace plait {

struct IntHop {
  static constexpr std::uint32_t kTimeMask = (1U << 24) - 1, kBytesMask = (1U << 20) - 1,
                                 kQueueMask = (1U << 17) - 1;
  std::uint64_t bits = 0;

  IntHop() = default;
  /// @param unit  the multiplier, >= 1.
  IntHop(std::int64_t now_ps, std::uint64_t bytes_before, std::uint32_t queue_bytes,
         std::uint32_t unit)
      : bits((static_cast<std::uint64_t>(now_ps / 1000) & kTimeMask) << 40 |
             (bytes_before / (128 * unit) & kBytesMask) << 20 |
             std::min<std::uint32_t>(queue_bytes / (80 * unit), kQueueMask)) {}
  std::uint32_t time_ns() const { return static_cast<std::uint32_t>(bits >> 40); }
  std::uint32_t byte_units() const { return static_cast<std::uint32_t>(bits >> 20) & kBytesMask; }
  std::uint32_t queue_units() const { return static_cast<std::uint32_t>(bits) & kQueueMask; }
};

/// The records of one packet, first switch first.
struct alignas(64) IntStack {
  static constexpr std::uint32_t kMaxHops = 6;  ///< Later switches only count themselves.
  std::uint8_t hops = 0;
  std::uint8_t path = 0;  ///< Hash of the switches: records of different paths do not compare.
  std::uint8_t link_class[kMaxHops] = {};  ///< Of the egress link: tells its rate.
  IntHop hop[kMaxHops];
};
static_assert(sizeof(IntStack) == 64);

/// What a sender needs to read an IntStack.
struct IntScale {
  std::uint32_t unit = 1;           ///< The multiplier.
  std::vector<BitRate> class_rate;  ///< By link class.
};

}  // namespace plait
