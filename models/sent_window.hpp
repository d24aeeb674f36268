// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file sent_window.hpp
/// What a selective-repeat sender knows of its packets in flight: which are acknowledged, which are
/// lost and wait to be sent again. A packet is lost when `threshold` packets that were sent after
/// it have been acknowledged (1: as in IRN, Mittal et al., SIGCOMM 2018, section 3.1), when the
/// receiver says so, or when the retransmission timer expires. An acknowledgement of a packet that
/// was sent twice may answer either copy (Karn), so it never counts against others.

#include <cstdint>
#include <optional>
#include <vector>

#include "models/fifo.hpp"

namespace plait {

class SentWindow {
 public:
  /// @param threshold  at least 1.
  explicit SentWindow(std::uint32_t threshold) : threshold_(threshold) {}

  /// Packet `psn` goes out: the one after the newest, or one that take_lost() returned.
  void note_sent(std::uint32_t psn, std::int64_t payload);
  /// Packet `psn` has arrived. @return whether that is news; `payload` is then added to `newly`.
  bool acknowledge(std::uint32_t psn, std::int64_t& newly);
  /// Every packet before `psn` has arrived. @return newly acknowledged payload.
  std::int64_t acknowledge_before(std::uint32_t psn);
  /// The packet whose arrival let the receiver's expected packet rise to `psn`: the newest before
  /// it that had not been acknowledged. UINT32_MAX if there is none.
  std::uint32_t filler_of(std::uint32_t psn) const;

  /// Declares packets lost by the threshold. @return the oldest of them, if there are any.
  std::optional<std::uint32_t> find_lost();
  /// Packet `psn` is lost. @return false if it is acknowledged, or waits to be sent again already.
  bool lose(std::uint32_t psn);
  /// All that is not acknowledged is lost.
  void lose_all();

  /// Where what is noted of packet `psn` lies, the next ones behind it; for fetching ahead.
  /// @pre some packet was sent.
  const void* place(std::uint32_t psn) const { return &slot(psn); }

  bool has_lost() const { return lost_count_ != 0; }
  /// The lost packet to send again next. @pre has_lost().
  std::uint32_t take_lost();

  /// Payload between the oldest and the newest packet that is not in flight: acknowledged, or lost.
  std::int64_t absent_bytes() const { return absent_bytes_; }

 private:
  struct Slot {
    std::uint32_t serial = 0;  // of its latest transmission
    std::uint16_t payload = 0;
    bool acked : 1 = false, lost : 1 = false, again : 1 = false;
  };
  static_assert(sizeof(Slot) == 8);
  Slot& slot(std::uint32_t psn) { return ring_[psn & (ring_.size() - 1)]; }
  const Slot& slot(std::uint32_t psn) const { return ring_[psn & (ring_.size() - 1)]; }
  bool in_flight(std::uint32_t psn) const { return psn - oldest_ < newest_ - oldest_; }
  void count_acked(std::uint32_t serial);
  void drop_first();
  void trim_order();
  void grow();

  std::uint32_t threshold_;
  std::uint32_t oldest_ = 0, newest_ = 0;  // [oldest_, newest_) is kept
  std::vector<Slot> ring_;                 // size is a power of two
  // Packets in the order of their transmissions; kCounted where one has been acknowledged that was
  // sent only once.
  static constexpr std::uint32_t kCounted = UINT32_MAX;
  Fifo<std::uint32_t> order_;
  std::uint32_t counted_ = 0;       // such places in order_
  std::uint32_t first_serial_ = 0;  // of order_'s front
  std::uint32_t next_serial_ = 0;
  Fifo<std::uint32_t> lost_;  // may hold packets that were acknowledged meanwhile
  std::uint32_t lost_count_ = 0;
  std::int64_t absent_bytes_ = 0;
};

}  // namespace plait
