// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file egress_port.hpp
/// Egress side of a switch port: one cache line of what every packet touches, and queues per
/// priority. Queue 8 holds pause frames: served first, never paused, not counted in the buffer.

#include <cstdint>

#include "models/busy_clock.hpp"
#include "models/packet.hpp"
#include "models/pause_clock.hpp"
#include "models/switch_params.hpp"
#include "sim/channel.hpp"

namespace plait {

constexpr unsigned kPfcQueue = kPriorities;
constexpr unsigned kQueues = kPriorities + 1;

struct alignas(64) EgressPort {
  std::int64_t free_at_ps = 0;  ///< The wire is busy until here.
  OutChain<Packet> out;         ///< Written in this visit, not yet published.
  std::uint64_t packets = 0;
  std::uint64_t wire_bytes = 0;
  std::uint32_t queue_bytes = 0;  ///< All queues but the pause frames'.
  std::uint32_t max_queue_bytes = 0;
  std::uint32_t mark_draws = 0;    ///< Random numbers drawn for marking.
  std::uint32_t channel = 0;       ///< The peer's port, which receives.
  std::uint16_t waiting = 0;       ///< Bit q: queue q is not empty.
  std::uint8_t paused = 0;         ///< Bit p: the peer has paused priority p.
  std::uint8_t turn = 0;           ///< Deficit round robin: queue whose turn it is.
  std::uint16_t link_class = 0;    ///< Of the cable as it is now.
  std::uint16_t cabled_class = 0;  ///< Before any fault: which marking thresholds hold.
};
static_assert(sizeof(EgressPort) == 64);

struct EgressQueue {
  Chain<Packet> packets;
  std::uint32_t bytes = 0;
  std::int32_t deficit = 0;
  bool empty() const { return packets.empty(); }
};
static_assert(sizeof(EgressQueue) == 24);

/// The queues of one port. In memory the queues of one priority lie together over all ports: most
/// traffic uses two, and a visit touches those of many ports. The stride is kept in bytes: every
/// packet asks, and that saves one multiplication of two.
class EgressQueues {
 public:
  EgressQueues(EgressQueue* first, std::uint32_t stride)
      : first_(reinterpret_cast<char*>(first)), stride_bytes_(stride * sizeof(EgressQueue)) {}
  EgressQueue& operator[](std::size_t queue) const {
    return *reinterpret_cast<EgressQueue*>(first_ + queue * stride_bytes_);
  }

 private:
  char* first_;
  std::size_t stride_bytes_;
};

/// What is counted per port but seldom touched.
struct PortStatistics {
  PauseClock pause_clock;
  BusyClock busy;
  std::uint64_t marks = 0;
  std::uint64_t drops = 0;  ///< All but the watchdog's.
  std::uint64_t lossless_drops = 0;
  std::uint64_t trims = 0;
  std::uint64_t pauses_sent = 0;
  std::uint64_t watchdog_triggers = 0, watchdog_drops = 0;
};

/// Chooses the next queue of a port: pause frames, then strict priorities from the highest, then
/// deficit weighted round robin (Shreedhar and Varghese, SIGCOMM 1995) over the rest.
class EgressScheduler {
 public:
  explicit EgressScheduler(const SwitchParams& params);
  /// @return queue number, or -1 if nothing may be sent. Changes deficits only if it returns a
  /// queue.
  int pick(EgressPort& port, EgressQueues queues) const {
    const unsigned eligible = port.waiting & ~static_cast<unsigned>(port.paused);
    if (eligible == 0) return -1;
    return pick(port, eligible, queues,
                [queues](unsigned q) { return queues[q].packets.front().wire_bytes; });
  }
  /// Among the queues of the bit set `eligible`, not empty; front_bytes(q) is the size of the first
  /// packet of one of them.
  template <class FrontBytes>
  int pick(EgressPort& port, unsigned eligible, EgressQueues queues,
           FrontBytes&& front_bytes) const {
    const unsigned strict = eligible & strict_mask_;
    // One branch, mostly not taken: the processor could not foresee which of two queues is next.
    const bool weighted = (strict == 0) & ((eligible & (eligible - 1)) != 0);
    if (weighted) [[unlikely]]
      return pick_weighted(port, eligible, queues, front_bytes);
    return 31 - __builtin_clz(strict != 0 ? strict : eligible);
  }

 private:
  template <class FrontBytes>
  int pick_weighted(EgressPort& port, unsigned eligible, EgressQueues queues,
                    FrontBytes&& front_bytes) const;

  unsigned strict_mask_ = 0;
  std::int32_t quantum_[kPriorities] = {};
};

template <class FrontBytes>
int EgressScheduler::pick_weighted(EgressPort& port, unsigned eligible, EgressQueues queues,
                                   FrontBytes&& front_bytes) const {
  for (;;) {
    const unsigned q = port.turn;
    if ((eligible >> q & 1U) != 0) {
      EgressQueue& queue = queues[q];
      const std::int32_t size = front_bytes(q);
      if (queue.deficit >= size) {
        queue.deficit -= size;
        return static_cast<int>(q);
      }
    }
    port.turn = static_cast<std::uint8_t>((q + 1) % kPriorities);
    if ((eligible >> port.turn & 1U) != 0) queues[port.turn].deficit += quantum_[port.turn];
  }
}

}  // namespace plait
