// SPDX-License-Identifier: Apache-2.0
#include "models/link.hpp"

#include <algorithm>

namespace plait {

namespace {
__extension__ typedef __int128 Wide;
constexpr std::int64_t kBitPsPerByte = 8'000'000'000'000;
}  // namespace

std::int64_t rounded_transmission_ps(std::uint32_t wire_bytes, BitRate rate,
                                     std::int64_t clock_ps) {
  if (clock_ps == 1) return transmission_time(Bytes(wire_bytes), rate).ps();
  const Wide tick = static_cast<Wide>(clock_ps) * rate.bps();
  const Wide ticks = (static_cast<Wide>(wire_bytes) * kBitPsPerByte + tick / 2) / tick;
  return std::max(static_cast<std::int64_t>(ticks), std::int64_t{1}) * clock_ps;
}

LinkClass::LinkClass(BitRate rate, Duration latency, Duration clock, Bytes cut)
    : latency_ps_(latency.ps()), clock_ps_(clock.ps()), rate_(rate) {
  PLAIT_CHECK_LT(std::int64_t{0}, rate.bps());
  PLAIT_CHECK_LT(std::int64_t{0}, clock.ps());
  if (clock_ps_ == 1 && kBitPsPerByte % rate.bps() == 0) ps_per_byte_ = kBitPsPerByte / rate.bps();
  if (cut.count() != 0) cut_ps_ = serialisation_ps(static_cast<std::uint32_t>(cut.count()));
}

}  // namespace plait
