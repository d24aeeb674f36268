// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file receive_window.hpp
/// What a selective-repeat receiver remembers of packets that came before their turn. Hardware
/// keeps a bitmap and writes the payload straight to memory (IRN, Mittal et al., SIGCOMM 2018,
/// section 6); here each bit has its payload size beside it.

#include <cstdint>
#include <vector>

namespace plait {

/// A ring over packet sequence numbers that grows to the largest distance seen.
class ReceiveWindow {
 public:
  struct Slot {
    std::uint16_t payload = 0;
    bool present = false;
    bool last = false;   ///< Ends its part of a message.
    bool final = false;  ///< The message ends with that part.
  };

  /// @param expected  the next packet in order; psn >= expected.
  /// @return false if it is there already.
  bool put(std::uint32_t psn, std::uint32_t expected, Slot slot) {
    while (psn - expected >= ring_.size()) grow(expected);
    Slot& here = ring_[psn & mask()];
    if (here.present) return false;
    here = slot;
    here.present = true;
    return true;
  }
  bool holds(std::uint32_t psn, std::uint32_t expected) const {
    return psn - expected < ring_.size() && ring_[psn & mask()].present;
  }
  /// Where packet `psn` would be noted, the next ones behind it; for fetching ahead. May be null.
  const void* place(std::uint32_t psn) const {
    return ring_.empty() ? nullptr : ring_.data() + (psn & mask());
  }
  /// @pre packet `psn` is there.
  const Slot& at(std::uint32_t psn) const { return ring_[psn & mask()]; }
  /// Takes out packet `psn`. @pre it is there.
  Slot take(std::uint32_t psn) {
    const Slot slot = ring_[psn & mask()];
    ring_[psn & mask()] = Slot();
    return slot;
  }

 private:
  std::uint32_t mask() const { return static_cast<std::uint32_t>(ring_.size()) - 1; }
  void grow(std::uint32_t expected) {
    std::vector<Slot> larger(ring_.empty() ? 16 : 2 * ring_.size());
    for (std::uint32_t i = 0; i < ring_.size(); ++i)
      larger[(expected + i) & (larger.size() - 1)] = ring_[(expected + i) & mask()];
    ring_.swap(larger);
  }
  std::vector<Slot> ring_;  // size is a power of two
};

}  // namespace plait
