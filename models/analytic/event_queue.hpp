// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file event_queue.hpp
/// The one queue of an analytic run: events leave in order of (time, order of push).

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/units.hpp"

namespace plait {

enum class AnalyticEventKind : std::uint8_t {
  kStart,          ///< of the rank on GPU `target`
  kTimer,          ///< of the rank on GPU `target`
  kDelivered,      ///< message `target`
  kAcked,          ///< message `target`
  kCollectiveEnd,  ///< of group `token` of job `target`
};

struct AnalyticEvent {
  SimTime time;
  std::uint64_t sequence = 0;
  std::uint64_t token = 0;
  std::uint32_t target = 0;
  AnalyticEventKind kind = AnalyticEventKind::kStart;
};

/// Binary heap, earliest first.
class AnalyticEventQueue {
 public:
  void push(SimTime time, AnalyticEventKind kind, std::uint32_t target, std::uint64_t token) {
    heap_.push_back({time, next_sequence_++, token, target, kind});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  /// @pre not empty.
  AnalyticEvent pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const AnalyticEvent event = heap_.back();
    heap_.pop_back();
    return event;
  }
  bool empty() const { return heap_.empty(); }
  SimTime next_time() const { return heap_.front().time; }
  std::size_t memory_bytes() const { return heap_.capacity() * sizeof(AnalyticEvent); }

 private:
  static bool later(const AnalyticEvent& a, const AnalyticEvent& b) {
    return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
  }

  std::vector<AnalyticEvent> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace plait
