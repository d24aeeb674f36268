// SPDX-License-Identifier: Apache-2.0
#include "models/sent_window.hpp"

#include <algorithm>

#include "sim/check.hpp"

namespace plait {

void SentWindow::note_sent(std::uint32_t psn, std::int64_t payload) {
  PLAIT_CHECK_LT(next_serial_, UINT32_MAX);
  const bool again = psn != newest_;
  if (!again) {
    if (newest_ - oldest_ == ring_.size()) grow();
    ++newest_;
    slot(psn) = Slot();
  }
  Slot& sent = slot(psn);
  sent.serial = next_serial_++;
  sent.payload = static_cast<std::uint16_t>(payload);
  sent.again = again;
  order_.push(psn);
}

bool SentWindow::acknowledge(std::uint32_t psn, std::int64_t& newly) {
  if (!in_flight(psn)) return false;
  Slot& here = slot(psn);
  if (here.acked) return false;
  here.acked = true;
  newly += here.payload;
  if (here.lost) {
    here.lost = false;
    --lost_count_;
  } else {
    absent_bytes_ += here.payload;
  }
  if (!here.again) count_acked(here.serial);
  return true;
}

std::int64_t SentWindow::acknowledge_before(std::uint32_t psn) {
  PLAIT_CHECK_LE(psn - oldest_, newest_ - oldest_);
  std::int64_t newly = 0;
  for (; oldest_ != psn; ++oldest_) {
    acknowledge(oldest_, newly);
    absent_bytes_ -= slot(oldest_).payload;
  }
  trim_order();
  return newly;
}

std::uint32_t SentWindow::filler_of(std::uint32_t psn) const {
  while (psn != oldest_)
    if (!slot(--psn).acked) return psn;
  return UINT32_MAX;
}

void SentWindow::count_acked(std::uint32_t serial) {
  if (serial < first_serial_) return;  // it was lost, and is no longer in the order
  order_[serial - first_serial_] = kCounted;
  ++counted_;
}

void SentWindow::drop_first() {
  counted_ -= order_.front() == kCounted;
  order_.pop();
  ++first_serial_;
}

// Forgets transmissions at the front of the order that can no longer be found lost.
void SentWindow::trim_order() {
  for (; !order_.empty(); drop_first()) {
    const std::uint32_t psn = order_.front();
    if (psn == kCounted || !in_flight(psn)) continue;
    const Slot& here = slot(psn);
    if (!here.acked && here.serial == first_serial_) return;
  }
}

std::optional<std::uint32_t> SentWindow::find_lost() {
  std::optional<std::uint32_t> oldest_lost;
  for (; counted_ >= threshold_; drop_first()) {
    const std::uint32_t psn = order_.front();
    if (psn == kCounted || !in_flight(psn)) continue;
    if (slot(psn).serial == first_serial_ && lose(psn))
      oldest_lost = std::min(psn, oldest_lost.value_or(psn));
  }
  return oldest_lost;
}

bool SentWindow::lose(std::uint32_t psn) {
  if (!in_flight(psn)) return false;
  Slot& here = slot(psn);
  if (here.acked || here.lost) return false;
  here.lost = true;
  absent_bytes_ += here.payload;
  ++lost_count_;
  lost_.push(psn);
  return true;
}

void SentWindow::lose_all() {
  for (std::uint32_t psn = oldest_; psn != newest_; ++psn) lose(psn);
}

std::uint32_t SentWindow::take_lost() {
  for (;;) {
    const std::uint32_t psn = lost_.front();
    lost_.pop();
    if (!in_flight(psn) || !slot(psn).lost) continue;
    slot(psn).lost = false;
    absent_bytes_ -= slot(psn).payload;
    --lost_count_;
    return psn;
  }
}

void SentWindow::grow() {
  std::vector<Slot> larger(ring_.empty() ? 16 : 2 * ring_.size());
  for (std::uint32_t psn = oldest_; psn != newest_; ++psn)
    larger[psn & (larger.size() - 1)] = slot(psn);
  ring_.swap(larger);
}

}  // namespace plait
