// SPDX-License-Identifier: Apache-2.0
#include "models/shared_buffer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "sim/error.hpp"

namespace plait {

SharedBuffer::SharedBuffer(const SwitchParams& params, const std::vector<std::int64_t>& headroom,
                           std::uint32_t largest_packet)
    : reserve_(params.pfc.reserve.count()),
      resume_offset_(params.pfc.resume_offset.count()),
      alpha_1024_(std::llround(params.pfc.alpha * 1024)),
      lossy_alpha_1024_(std::llround(params.lossy_alpha * 1024)),
      lossless_(params.pfc.enabled ? parse_priority_set(params.pfc.priorities) : 0),
      headroom_(headroom),
      ingress_(headroom.size() * kPriorities),
      paused_of_port_(headroom.size()) {
  const std::int64_t lossless_priorities = std::popcount(lossless_);
  const std::int64_t set_aside =
      lossless_priorities * (std::accumulate(headroom.begin(), headroom.end(), std::int64_t{0}) +
                             reserve_ * static_cast<std::int64_t>(headroom.size()));
  pool_ = params.buffer.count() - set_aside;
  if (pool_ <= 0)
    throw UserError("switch buffer of " + to_string(params.buffer) +
                    " is too small: reserve and "
                    "headroom of " +
                    std::to_string(headroom.size()) + " ports take " + to_string(Bytes(set_aside)) +
                    "; enlarge fabric.switch.buffer or set "
                    "fabric.switch.pfc.headroom");
  check_empty_admits(largest_packet);
}

// Otherwise packets would be lost and sent again for ever.
void SharedBuffer::check_empty_admits(std::uint32_t largest_packet) const {
  const auto refuse = [&](const char* what) {
    throw UserError("switch buffer: even an idle switch would drop a packet of " +
                    std::to_string(largest_packet) + " bytes, its " + what + "; " +
                    to_string(Bytes(pool_)) +
                    " are shared. Enlarge fabric.switch.buffer or "
                    "the threshold");
  };
  if (lossless_ != 0xff && !lossy_fits(0, largest_packet))
    refuse("lossy threshold (fabric.switch.lossy_alpha) is lower");
  for (std::uint32_t port = 0; port < headroom_.size() && lossless_ != 0; ++port) {
    const auto priority = static_cast<std::uint32_t>(std::countr_zero(lossless_));
    if (!surely_quiet(port, priority, largest_packet) && largest_packet > headroom_[port])
      refuse("pause threshold (fabric.switch.pfc.alpha) and headroom are lower");
  }
}

SharedBuffer::Verdict SharedBuffer::enter(std::uint32_t port, std::uint32_t priority,
                                          std::uint32_t bytes) {
  if (surely_quiet(port, priority, bytes)) {
    enter_quiet(port, priority, bytes);
    return Verdict::kAdmitted;
  }
  Ingress& ingress = at(port, priority);
  const std::int64_t limit = threshold();
  const bool full = bytes > free_shared();
  if ((full || excess(ingress.bytes) + bytes > limit) &&
      bytes + ingress.headroom_used > headroom_[port])
    return Verdict::kDropped;
  const std::int64_t after = ingress.bytes + bytes;
  if (full || (after > reserve_ && after - reserve_ > limit)) {
    ingress.headroom_used += static_cast<std::int32_t>(bytes);
  } else {
    enter_quiet(port, priority, bytes);
  }
  if (is_paused(port, priority) ||
      (ingress.headroom_used == 0 && excess(ingress.bytes) < threshold()))
    return Verdict::kAdmitted;
  paused_of_port_[port] |= static_cast<std::uint8_t>(1U << priority);
  ++paused_;
  return Verdict::kAdmittedPause;
}

bool SharedBuffer::leave_paused(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) {
  Ingress& ingress = at(port, priority);
  const auto size = static_cast<std::int32_t>(bytes);
  const std::int32_t from_headroom = std::min<std::int32_t>(ingress.headroom_used, size);
  const std::int32_t rest = size - from_headroom;
  ingress.headroom_used -= from_headroom;
  shared_ -= excess(ingress.bytes) - excess(ingress.bytes - rest);
  ingress.bytes -= rest;
  const std::int64_t over = excess(ingress.bytes);
  if (ingress.headroom_used > 0 || (over > 0 && over + resume_offset_ > threshold())) return false;
  paused_of_port_[port] &= static_cast<std::uint8_t>(~(1U << priority));
  --paused_;
  return true;
}

}  // namespace plait
