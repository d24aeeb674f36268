// SPDX-License-Identifier: Apache-2.0
#include "models/shared_buffer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "sim/error.hpp"

namespace plait {

namespace {

// Doubled for each doubling of the rate above the reference, as long as it is below 1 (the HPCC
// artefact lowers a shift down to 0).
std::uint32_t alpha_at(BitRate rate, const PfcParams& pfc) {
  auto alpha_1024 = static_cast<std::uint32_t>(std::llround(pfc.alpha * 1024));
  if (pfc.alpha_reference_rate.bps() == 0) return alpha_1024;
  for (std::int64_t bps = rate.bps(); bps > pfc.alpha_reference_rate.bps() && alpha_1024 < 1024;
       bps /= 2)
    alpha_1024 *= 2;
  return alpha_1024;
}

void check_pfc(const PfcParams& pfc, const std::vector<std::int64_t>& headroom) {
  if (pfc.threshold == PfcThreshold::kStatic && (pfc.xon > pfc.xoff || pfc.reserve > pfc.xoff))
    throw UserError("fabric.switch.pfc: xon (" + to_string(pfc.xon) + ") and reserve (" +
                    to_string(pfc.reserve) + ") must not be above xoff (" + to_string(pfc.xoff) +
                    ")");
  for (const std::int64_t bytes : headroom)
    if (bytes > kMostQueued)
      throw UserError("the headroom of a switch port is " + to_string(Bytes(bytes)) + "; at most " +
                      to_string(Bytes(kMostQueued)) +
                      " are supported. Shorten the cables or set fabric.switch.pfc.headroom");
}

}  // namespace

SharedBuffer::SharedBuffer(const SwitchParams& params, const std::vector<std::int64_t>& headroom,
                           std::uint32_t largest_packet, const std::vector<BitRate>& rates)
    : lossless_(params.pfc.enabled ? parse_priority_set(params.pfc.priorities) : 0),
      static_(params.pfc.threshold == PfcThreshold::kStatic),
      ports_(static_cast<std::uint32_t>(headroom.size())),
      ingress_(headroom.size() * kPriorities),
      reserve_(params.pfc.reserve.count()),
      lossy_reserve_(params.lossy_reserve.count()),
      lossy_alpha_1024_(std::llround(params.lossy_alpha * 1024)),
      headroom_(headroom),
      resume_offset_(params.pfc.resume_offset.count()),
      xoff_(params.pfc.xoff.count()),
      xon_(params.pfc.xon.count()),
      paused_of_port_(headroom.size()) {
  check_pfc(params.pfc, headroom);
  for (std::size_t port = 0; port < headroom.size(); ++port) {
    alpha_1024_.push_back(alpha_at(rates.empty() ? BitRate() : rates[port], params.pfc));
    least_alpha_1024_ = std::min(least_alpha_1024_, alpha_1024_.back());
  }
  const auto ports = static_cast<std::int64_t>(headroom.size());
  if (params.buffer.count() > kMostQueued && ports > 0)
    most_per_ingress_ = std::max<std::int64_t>(largest_packet, kMostQueued / 2 / ports);
  const std::int64_t lossless_priorities = std::popcount(lossless_);
  const std::int64_t lossy_priorities =
      static_cast<std::int64_t>(kPriorities) - lossless_priorities;
  reserves_ = (lossless_priorities * reserve_ + lossy_priorities * lossy_reserve_) * ports;
  const std::int64_t set_aside =
      lossless_priorities * std::accumulate(headroom.begin(), headroom.end(), std::int64_t{0}) +
      reserves_;
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
  for (std::uint32_t port = 0; port < ports_ && lossless_ != 0; ++port) {
    const auto priority = static_cast<std::uint32_t>(std::countr_zero(lossless_));
    if (!surely_quiet(port, priority, largest_packet) && largest_packet > headroom_[port])
      refuse("pause threshold (fabric.switch.pfc.alpha or xoff) and headroom are lower");
  }
}

// An ingress or a lossy queue alone has at most S above its reserve. If that does not do, which is
// where many ingresses hold something, the fullest of them decides.
bool SharedBuffer::all_stay_quiet(std::int64_t total) const {
  const std::int64_t most = shared_ + total;
  const std::int64_t free = pool_ - most;
  if (free < 0 || (lossy() != 0 && most > (free * lossy_alpha_1024_ >> 10))) return false;
  if (lossless_ == 0) return true;
  if (static_) return most_of_an_ingress() + total <= xoff_;
  const std::int64_t least_limit = limit(least_alpha_1024_, free);
  return most < least_limit || excess(most_of_an_ingress() + total) < least_limit;
}

std::int64_t SharedBuffer::most_of_an_ingress() const {
  std::int32_t most = 0;
  for (unsigned bits = lossless_; bits != 0; bits &= bits - 1) {
    const Ingress* const of_priority = &at(0, static_cast<std::uint32_t>(std::countr_zero(bits)));
    for (std::uint32_t port = 0; port < ports_; ++port)
      most = std::max(most, of_priority[port].bytes);
  }
  return most;
}

SharedBuffer::Verdict SharedBuffer::enter(std::uint32_t port, std::uint32_t priority,
                                          std::uint32_t bytes) {
  if (surely_quiet(port, priority, bytes)) {
    enter_quiet(port, priority, bytes);
    return Verdict::kAdmitted;
  }
  Ingress& ingress = at(port, priority);
  const std::int64_t limit = threshold(port);
  const bool full = bytes > free_shared();
  const std::int64_t after = ingress.bytes + std::int64_t{bytes};
  const bool beyond = static_ ? after > xoff_ : excess(ingress.bytes) + bytes > limit;
  if ((full || beyond) && std::int64_t{bytes} + ingress.headroom_used > headroom_[port])
    return Verdict::kDropped;
  if (full || (after > reserve_ && after - reserve_ > limit)) {
    ingress.headroom_used += static_cast<std::int32_t>(bytes);
  } else {
    enter_quiet(port, priority, bytes);
  }
  if (is_paused(port, priority) || !over(port, ingress)) return Verdict::kAdmitted;
  paused_of_port_[port] |= static_cast<std::uint8_t>(1U << priority);
  ++paused_;
  return Verdict::kAdmittedPause;
}

bool SharedBuffer::may_resume(std::uint32_t port, const Ingress& ingress) const {
  if (ingress.headroom_used > 0) return false;
  if (static_) return ingress.bytes < xon_;
  const std::int64_t shared = excess(ingress.bytes);
  return shared == 0 || shared + resume_offset_ <= threshold(port);
}

bool SharedBuffer::empty() const {
  return shared_ == 0 && std::all_of(ingress_.begin(), ingress_.end(), [](const Ingress& i) {
           return i.bytes == 0 && i.headroom_used == 0;
         });
}

bool SharedBuffer::leave_paused(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) {
  Ingress& ingress = at(port, priority);
  const auto size = static_cast<std::int32_t>(bytes);
  const std::int32_t from_headroom = std::min<std::int32_t>(ingress.headroom_used, size);
  const std::int32_t rest = size - from_headroom;
  ingress.headroom_used -= from_headroom;
  shared_ -= excess(ingress.bytes) - excess(ingress.bytes - rest);
  ingress.bytes -= rest;
  if (!may_resume(port, ingress)) return false;
  paused_of_port_[port] &= static_cast<std::uint8_t>(~(1U << priority));
  --paused_;
  return true;
}

}  // namespace plait
