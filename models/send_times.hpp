// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file send_times.hpp
/// When each packet in flight of one flow was sent, for round-trip times.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plait {

/// A ring over packet sequence numbers. A packet that is sent again has the time of the latest
/// copy; whose time an ACK tells is then not certain.
class SendTimes {
 public:
  static constexpr std::int64_t kUnknown = -1;
  struct Sent {
    std::int64_t at_ps = kUnknown;
    bool again = false;
  };

  /// Packet `psn` is sent at `now_ps`; none below `oldest` will be asked for later.
  void note(std::uint32_t psn, std::uint32_t oldest, std::int64_t now_ps, bool again) {
    while (psn - oldest >= ring_.size()) grow();
    ring_[psn & (ring_.size() - 1)] = {psn, {now_ps, again}};
  }
  Sent at(std::uint32_t psn) const {
    if (ring_.empty()) return {};
    const Entry& entry = ring_[psn & (ring_.size() - 1)];
    return entry.psn == psn ? entry.sent : Sent();
  }

 private:
  struct Entry {
    std::uint32_t psn = UINT32_MAX;
    Sent sent;
  };
  void grow() {
    std::vector<Entry> larger(ring_.empty() ? 16 : 2 * ring_.size());
    for (const Entry& entry : ring_)
      if (entry.psn != UINT32_MAX) larger[entry.psn & (larger.size() - 1)] = entry;
    ring_.swap(larger);
  }
  std::vector<Entry> ring_;  // size is a power of two
};

}  // namespace plait
