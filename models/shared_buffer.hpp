// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file shared_buffer.hpp
/// Memory of one switch: who may enter, when to pause, when to resume. Pure accounting.
///
/// Symbols: B buffer, r reserve and H headroom per (ingress port, lossless priority), I bytes of an
/// ingress outside its headroom, h bytes in its headroom, S shared bytes in use. S is always the
/// sum of max(I - r, 0) over lossless ingresses plus all lossy bytes, so it does not depend on the
/// order of past operations. Threshold T = alpha * (B - sum H - sum r - S). Source: switch-mmu of
/// the HPCC artefact (Li et al., SIGCOMM 2019); dynamic threshold: Choudhury and Hahne, IEEE/ACM
/// ToN 6(2), 1998. Equations: docs/models/switch.md.

#include <cstdint>
#include <vector>

#include "models/switch_params.hpp"

namespace plait {

class SharedBuffer {
 public:
  /// @param headroom  per port, for each lossless priority.
  /// @param largest_packet  wire bytes that must fit into the empty buffer.
  /// @throws UserError if reserves and headrooms do not fit the buffer, or if even the empty buffer
  ///         would refuse a packet.
  SharedBuffer(const SwitchParams& params, const std::vector<std::int64_t>& headroom,
               std::uint32_t largest_packet);

  bool lossless(std::uint32_t priority) const { return (lossless_ >> priority & 1U) != 0; }

  /// True if a lossless packet can enter without a pause or a drop, even if the bytes that have
  /// left since the last release() are still counted: exact state is not needed. (T falls and I - r
  /// rises with every byte counted too much, so the answer errs towards false.)
  bool surely_quiet(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) const {
    const Ingress& ingress = at(port, priority);
    return ingress.headroom_used == 0 &&
           excess(ingress.bytes + bytes) < (free_shared() - bytes) * alpha_1024_ >> 10;
  }
  /// True if a lossy packet may join an egress queue of `queue_bytes`.
  bool lossy_fits(std::int64_t queue_bytes, std::uint32_t bytes) const {
    return queue_bytes + bytes <= (free_shared() * lossy_alpha_1024_ >> 10) &&
           bytes <= free_shared();
  }

  /// Counts a packet that surely_quiet() let in.
  void enter_quiet(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) {
    Ingress& ingress = at(port, priority);
    shared_ += excess(ingress.bytes + bytes) - excess(ingress.bytes);
    ingress.bytes += bytes;
  }
  void enter_lossy(std::uint32_t bytes) { shared_ += bytes; }

  enum class Verdict : std::uint8_t { kAdmitted, kAdmittedPause, kDropped };
  /// The full rule for a lossless packet. @pre the state is exact at the time of arrival.
  Verdict enter(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes);

  /// A packet leaves. @return true if its ingress is paused and may resume now (then it is no
  /// longer counted as paused).
  bool leave(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) {
    if (!lossless(priority)) {
      shared_ -= bytes;
      return false;
    }
    Ingress& ingress = at(port, priority);
    if (paused_ != 0 && is_paused(port, priority)) [[unlikely]]
      return leave_paused(port, priority, bytes);
    shared_ -= excess(ingress.bytes) - excess(ingress.bytes - bytes);
    ingress.bytes -= bytes;
    return false;
  }

  /// Number of paused (port, priority) pairs: while there is one, departures must be taken in order
  /// of time over all ports, because each may cause a resume.
  std::uint32_t paused_count() const { return paused_; }
  std::int64_t shared_bytes() const { return shared_; }
  std::int64_t ingress_bytes(std::uint32_t port, std::uint32_t priority) const {
    return at(port, priority).bytes + at(port, priority).headroom_used;
  }

 private:
  struct Ingress {
    std::int32_t bytes = 0;
    std::int32_t headroom_used = 0;
  };
  Ingress& at(std::uint32_t port, std::uint32_t priority) {
    return ingress_[port * kPriorities + priority];
  }
  const Ingress& at(std::uint32_t port, std::uint32_t priority) const {
    return ingress_[port * kPriorities + priority];
  }
  std::int64_t excess(std::int64_t bytes) const { return bytes > reserve_ ? bytes - reserve_ : 0; }
  std::int64_t free_shared() const { return pool_ - shared_; }
  std::int64_t threshold() const { return free_shared() * alpha_1024_ >> 10; }
  bool is_paused(std::uint32_t port, std::uint32_t priority) const {
    return (paused_of_port_[port] >> priority & 1U) != 0;
  }
  void check_empty_admits(std::uint32_t largest_packet) const;
  bool leave_paused(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes);

  std::int64_t pool_ = 0;    // B - sum H - sum r
  std::int64_t shared_ = 0;  // S
  std::int64_t reserve_ = 0;
  std::int64_t resume_offset_ = 0;
  std::int64_t alpha_1024_ = 0, lossy_alpha_1024_ = 0;
  std::uint32_t paused_ = 0;
  std::uint8_t lossless_ = 0;
  std::vector<std::int64_t> headroom_;        // by port
  std::vector<Ingress> ingress_;              // by port and priority
  std::vector<std::uint8_t> paused_of_port_;  // bit: this priority of the port's peer is paused
};

}  // namespace plait
