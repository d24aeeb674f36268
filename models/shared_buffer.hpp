// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file shared_buffer.hpp
/// Memory of one switch: who may enter, when to pause, when to resume. Pure accounting.
///
/// Symbols: B buffer, r reserve and H headroom per (ingress port, lossless priority), I bytes of an
/// ingress outside its headroom, h bytes in its headroom, S shared bytes in use. S is always the
/// sum of max(I - r, 0) over lossless ingresses plus that of max(q - r', 0) over lossy egress
/// queues of q bytes with reserve r', so it does not depend on the order of past operations.
/// Threshold T = alpha * (B - sum H - sum r - sum r' - S), alpha by port; or, with static
/// thresholds, T = xoff - r, so that I <= xoff outside the headroom. Source: switch-mmu of the HPCC
/// artefact (Li et al., SIGCOMM 2019); dynamic threshold: Choudhury and Hahne, IEEE/ACM ToN 6(2),
/// 1998; static: htsim's lossless input queue. Equations: docs/models/switch.md.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/switch_params.hpp"
#include "sim/fetch_queue.hpp"

namespace plait {

class SharedBuffer {
 public:
  /// @param headroom  per port, for each lossless priority.
  /// @param largest_packet  wire bytes that must fit into the empty buffer.
  /// @param rates  per port, for PfcParams::alpha_reference_rate; may be empty if that is 0.
  /// @throws UserError if reserves and headrooms do not fit the buffer, or if even the empty buffer
  ///         would refuse a packet.
  SharedBuffer(const SwitchParams& params, const std::vector<std::int64_t>& headroom,
               std::uint32_t largest_packet, const std::vector<BitRate>& rates = {});

  /// Names what most visits ask of the ingresses of one priority.
  void name_ingresses(std::uint32_t priority, FetchQueue& ahead) const {
    if (lossless(priority)) ahead.add(&at(0, priority), ports_ * sizeof(Ingress));
  }

  bool lossless(std::uint32_t priority) const { return (lossless_ >> priority & 1U) != 0; }
  /// Bit set of the other priorities.
  unsigned lossy() const { return ~lossless_ & 0xffU; }

  /// True if a lossless packet can enter without a pause or a drop, even if the bytes that have
  /// left since the last release() are still counted: exact state is not needed. (T falls and I - r
  /// rises with every byte counted too much, so the answer errs towards false. With a static
  /// threshold the same holds of I <= xoff and of L <= free.)
  bool surely_quiet(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) const {
    const Ingress& ingress = at(port, priority);
    if (static_) [[unlikely]]
      return ingress.headroom_used == 0 && ingress.bytes + std::int64_t{bytes} <= xoff_ &&
             bytes <= free_shared();
    return ingress.headroom_used == 0 &&
           excess(ingress.bytes + bytes) < limit_of(port, free_shared() - bytes);
  }
  /// True if a lossy packet may join an egress queue of `queue_bytes`. Errs towards false in the
  /// same way while bytes of other ports that have left are still counted.
  bool lossy_fits(std::int64_t queue_bytes, std::uint32_t bytes) const {
    const std::int64_t shared = lossy_excess(queue_bytes + bytes);
    return shared <= (free_shared() * lossy_alpha_1024_ >> 10) &&
           shared - lossy_excess(queue_bytes) <= free_shared();
  }

  /// True if no packet can cause a pause or a drop while at most `total` bytes enter, through any
  /// ports and in any order, whatever leaves. Coarser than the next two, which ask port by port.
  /// @pre no ingress is paused, so no headroom is in use.
  bool all_stay_quiet(std::int64_t total) const;
  /// True if no lossless packet that comes through `port` can cause a pause or a drop while at most
  /// `bytes` of such enter there and at most `total` of all kinds anywhere, in any order, whatever
  /// leaves.
  bool stays_quiet(std::uint32_t port, std::int64_t bytes, std::int64_t total) const {
    for (unsigned bits = lossless_; bits != 0; bits &= bits - 1) {
      const Ingress& ingress = at(port, static_cast<std::uint32_t>(__builtin_ctz(bits)));
      const bool quiet =
          static_ ? ingress.bytes + bytes <= xoff_ && total <= free_shared()
                  : excess(ingress.bytes + bytes) < limit_of(port, free_shared() - total);
      if (!quiet || ingress.headroom_used != 0) return false;
    }
    return true;
  }
  /// The same for lossy packets of an egress queue that never grows beyond `queue_bytes`.
  bool lossy_stays_below(std::int64_t queue_bytes, std::int64_t total) const {
    const std::int64_t free = free_shared() - total;
    return free >= 0 && lossy_excess(queue_bytes) <= (free * lossy_alpha_1024_ >> 10);
  }

  /// Counts a packet that surely_quiet() let in.
  void enter_quiet(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) {
    Ingress& ingress = at(port, priority);
    shared_ += excess(ingress.bytes + bytes) - excess(ingress.bytes);
    ingress.bytes += bytes;
  }
  /// A lossless packet leaves while no ingress is paused.
  void leave_quiet(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes) {
    Ingress& ingress = at(port, priority);
    shared_ -= excess(ingress.bytes) - excess(ingress.bytes - bytes);
    ingress.bytes -= bytes;
  }
  /// An egress queue of a lossy priority has `after` bytes instead of `before`.
  void resize_lossy(std::int64_t before, std::int64_t after) {
    shared_ += lossy_excess(after) - lossy_excess(before);
  }
  /// A lossy packet joins an egress queue of `queue_bytes`.
  void enter_lossy(std::int64_t queue_bytes, std::uint32_t bytes) {
    resize_lossy(queue_bytes, queue_bytes + bytes);
  }

  enum class Verdict : std::uint8_t { kAdmitted, kAdmittedPause, kDropped };
  /// The full rule for a lossless packet. @pre the state is exact at the time of arrival.
  Verdict enter(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes);

  /// A packet leaves; its egress queue has `queue_bytes` without it. @return true if its ingress is
  /// paused and may resume now (then it is no longer counted as paused).
  bool leave(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes,
             std::int64_t queue_bytes) {
    if (!lossless(priority)) {
      shared_ -= lossy_excess(queue_bytes + bytes) - lossy_excess(queue_bytes);
      return false;
    }
    if (paused_ != 0 && is_paused(port, priority)) [[unlikely]]
      return leave_paused(port, priority, bytes);
    leave_quiet(port, priority, bytes);
    return false;
  }

  /// Number of paused (port, priority) pairs: while there is one, departures must be taken in order
  /// of time over all ports, because each may cause a resume.
  std::uint32_t paused_count() const { return paused_; }
  /// Bit set of the priorities of the port's peer that are paused.
  std::uint8_t paused_priorities(std::uint32_t port) const { return paused_of_port_[port]; }

  // What holds as long as `held` bytes of an ingress stay, whatever else leaves; for deadlocks.
  /// S counts at least so many of them. (Bytes leave the headroom first.)
  std::int64_t least_shared(std::uint32_t port, std::uint32_t priority, std::int64_t held) const {
    return lossless(priority) ? excess(std::min<std::int64_t>(held, at(port, priority).bytes)) : 0;
  }
  /// Whether a paused ingress stays paused if S is at least `shared`. A resume is considered only
  /// when bytes of the ingress leave.
  bool stays_paused(std::uint32_t port, std::uint32_t priority, std::int64_t held,
                    std::int64_t shared) const {
    if (held >= ingress_bytes(port, priority)) return held > 0;
    if (static_) return held >= xon_;
    return excess(held) > 0 && excess(held) + resume_offset_ > limit_of(port, pool_ - shared);
  }

  std::int64_t shared_bytes() const { return shared_; }
  /// No more than this is in the buffer while no headroom is in use.
  std::int64_t most_held() const { return shared_ + reserves_; }
  bool empty() const;
  /// The peer of `port` has been told to pause this priority.
  bool is_paused(std::uint32_t port, std::uint32_t priority) const {
    return (paused_of_port_[port] >> priority & 1U) != 0;
  }
  std::int64_t ingress_bytes(std::uint32_t port, std::uint32_t priority) const {
    return at(port, priority).bytes + at(port, priority).headroom_used;
  }

 private:
  struct Ingress {
    std::int32_t bytes = 0;
    std::int32_t headroom_used = 0;
  };
  // By priority first: a visit asks for one or two priorities of many ports.
  Ingress& at(std::uint32_t port, std::uint32_t priority) {
    return ingress_[std::size_t{priority} * ports_ + port];
  }
  const Ingress& at(std::uint32_t port, std::uint32_t priority) const {
    return ingress_[std::size_t{priority} * ports_ + port];
  }
  std::int64_t excess(std::int64_t bytes) const { return bytes > reserve_ ? bytes - reserve_ : 0; }
  std::int64_t lossy_excess(std::int64_t bytes) const {
    return bytes > lossy_reserve_ ? bytes - lossy_reserve_ : 0;
  }
  std::int64_t free_shared() const { return pool_ - shared_; }
  /// T for `free` shared bytes. Cut so that the 32-bit counters of an ingress hold in any buffer.
  std::int64_t limit(std::uint32_t alpha_1024, std::int64_t free) const {
    return std::min(free * alpha_1024 >> 10, most_per_ingress_);
  }
  std::int64_t limit_of(std::uint32_t port, std::int64_t free) const {
    return limit(alpha_1024_[port], free);
  }
  std::int64_t most_of_an_ingress() const;
  std::int64_t threshold(std::uint32_t port) const {
    return static_ ? xoff_ - reserve_ : limit_of(port, free_shared());
  }
  /// Whether an ingress without headroom in use is at its threshold; h > 0 always is.
  bool over(std::uint32_t port, const Ingress& ingress) const {
    return ingress.headroom_used > 0 || (!static_ && excess(ingress.bytes) >= threshold(port));
  }
  bool may_resume(std::uint32_t port, const Ingress& ingress) const;
  void check_empty_admits(std::uint32_t largest_packet) const;
  bool leave_paused(std::uint32_t port, std::uint32_t priority, std::uint32_t bytes);

  // First what name_ingresses() reads, then the rest of what a calm visit does.
  std::uint8_t lossless_ = 0;
  bool static_ = false;  // thresholds
  std::uint32_t ports_;
  std::vector<Ingress> ingress_;  // see at()
  std::uint32_t paused_ = 0;
  std::int64_t pool_ = 0;      // B - sum H - sum r - sum r'
  std::int64_t shared_ = 0;    // S
  std::int64_t reserves_ = 0;  // sum r + sum r'
  std::int64_t reserve_ = 0;
  std::int64_t lossy_reserve_ = 0;
  std::int64_t lossy_alpha_1024_ = 0;
  /// All ingresses together fit one egress port's counter, so they are paused before it overflows.
  std::int64_t most_per_ingress_ = kMostQueued;
  std::uint32_t least_alpha_1024_ = UINT32_MAX;
  std::vector<std::int64_t> headroom_;  // by port
  std::int64_t resume_offset_ = 0;
  std::int64_t xoff_ = 0, xon_ = 0;           // static thresholds
  std::vector<std::uint32_t> alpha_1024_;     // by port
  std::vector<std::uint8_t> paused_of_port_;  // bit: this priority of the port's peer is paused
};

}  // namespace plait
