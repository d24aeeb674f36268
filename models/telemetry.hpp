// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file telemetry.hpp
/// In-band network telemetry: what every switch on the way writes onto a data packet when it
/// leaves, and the ACK carries back. Record layout and units of the HPCC artefact (Li et al.,
/// SIGCOMM 2019): time 24 bits in ns, bytes 20 bits in 128 B times a multiplier, queue in 80 B
/// times the multiplier.
///
/// A stack of records stays at one place of memory from the sending of the packet until its ACK has
/// been read. The packet carries a ticket for it in its annex, 8 bytes, so only runs whose
/// congestion control asks for telemetry pay for it. Switches write to the stack and never read it:
/// nobody waits for its memory but the sender.

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "sim/check.hpp"
#include "sim/free_list.hpp"
#include "sim/memory_block.hpp"
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
struct IntStack {
  static constexpr std::uint32_t kMaxHops = 6;  ///< Later switches only count themselves.
  std::uint8_t hops = 0;
  std::uint8_t path = 0;  ///< Hash of the switches: records of different paths do not compare.
  std::uint8_t link_class[kMaxHops] = {};  ///< Of the egress link: tells its rate.
  IntHop hop[kMaxHops];
};

/// Where a stack lies.
struct alignas(64) IntSlot {
  IntStack stack;
  IntSlot* next = nullptr;  ///< While it is free.
};
static_assert(sizeof(IntSlot) == 64);

/// A packet's claim to a slot, or none. It counts the records itself, so that who adds one need not
/// read the slot. Exactly one ticket exists for a slot in use: who copies one to another packet
/// forgets the original, who throws a packet away gives the slot back.
class IntTicket {
 public:
  IntTicket() = default;
  explicit IntTicket(IntSlot* slot) : bits_(reinterpret_cast<std::uintptr_t>(slot) << kCountBits) {
    PLAIT_CHECK_EQ(this->slot(), slot);
  }
  bool empty() const { return bits_ == 0; }
  IntSlot* slot() const {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): eight bytes for a pointer and two counts
    return reinterpret_cast<IntSlot*>(bits_ >> kCountBits);
  }

  /// The next switch's record. @pre not empty().
  void record(const IntHop& hop, std::uint32_t link_class, std::uint32_t node) {
    if (hops() < IntStack::kMaxHops) {
      slot()->stack.link_class[hops()] = static_cast<std::uint8_t>(link_class);
      slot()->stack.hop[hops()] = hop;
    }
    const auto path = static_cast<std::uint8_t>(this->path() * 31U + node * 7U + 1U);
    const auto count = static_cast<std::uint8_t>(hops() + 1);
    bits_ = bits_ >> kCountBits << kCountBits | std::uint64_t{path} << 8 | count;
  }
  /// All records so far.
  const IntStack& read() const {
    PLAIT_CHECK(!empty(), "a packet has no telemetry");
    slot()->stack.hops = hops();
    slot()->stack.path = path();
    return slot()->stack;
  }

 private:
  static constexpr unsigned kCountBits = 16;  // user addresses have 48 bits
  std::uint8_t hops() const { return static_cast<std::uint8_t>(bits_); }
  std::uint8_t path() const { return static_cast<std::uint8_t>(bits_ >> 8); }

  std::uint64_t bits_ = 0;  // slot, path and hops
};

/// Slots, one pool per worker; memory is freed when all pools of the run are destroyed together.
class IntPool {
 public:
  IntTicket take() {
    if (free_.empty()) [[unlikely]]
      refill();
    return IntTicket(free_.take());
  }
  /// Nothing if the ticket is empty; it is afterwards.
  void give(IntTicket& ticket) {
    if (ticket.empty()) return;
    free_.give(std::exchange(ticket, IntTicket()).slot());
  }
  FreeList<IntSlot>& free_list() { return free_; }
  const FreeList<IntSlot>& free_list() const { return free_; }
  /// Made here, wherever they are now.
  std::size_t slots() const { return memory_bytes_ / sizeof(IntSlot); }
  std::size_t memory_bytes() const { return memory_bytes_; }

 private:
  [[gnu::noinline, gnu::cold]] void refill() {
    const std::size_t bytes = next_block_bytes(memory_bytes_, kBlockBytes);
    blocks_.push_back(allocate_block(bytes, alignof(IntSlot)));
    memory_bytes_ += bytes;
    for (std::size_t at = bytes; at > 0; at -= sizeof(IntSlot))
      free_.give(new (blocks_.back().get() + at - sizeof(IntSlot)) IntSlot);
  }
  static constexpr std::size_t kBlockBytes = 1024 * sizeof(IntSlot);
  FreeList<IntSlot> free_;
  std::vector<MemoryBlock> blocks_;
  std::size_t memory_bytes_ = 0;
};

/// What a sender needs to read an IntStack.
struct IntScale {
  std::uint32_t unit = 1;           ///< The multiplier.
  std::vector<BitRate> class_rate;  ///< By link class.
};

}  // namespace plait
