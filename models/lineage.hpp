// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file lineage.hpp
/// Order of events at equal times as a simulator with one event list has it (ns-3): the event that
/// was posted first comes first. When an event was posted says the event that posted it, and so on
/// back: the times of an event's ancestors, youngest first, order it without a common list. Used
/// only with fabric.wire.tie_order: posting, to compare with such simulators flow by flow.
///
/// Packets sent back to back make long chains of ancestors at equal distances, so distances are
/// kept as runs. The memory ends after kRuns runs; what is still equal then, or down to the
/// beginning, is ordered by the endpoint whose start it all came from.

#include <algorithm>
#include <array>
#include <cstdint>

namespace plait {

class Lineage {
 public:
  static constexpr std::size_t kRuns = 12;

  /// Of an event that was posted before the run. @param root  smaller ones come first.
  explicit Lineage(std::uint32_t root = 0) : root_(root) {}

  /// Of an event that this one posts at `now_ps`.
  Lineage then(std::int64_t now_ps) const {
    Lineage child = *this;
    child.posted_ps_ = now_ps;
    const std::int64_t step = now_ps - posted_ps_;
    if (runs_[0].count != 0 && runs_[0].step_ps == step) {
      ++child.runs_[0].count;
    } else {
      std::copy_backward(runs_.begin(), runs_.end() - 1, child.runs_.end());
      child.runs_[0] = {step, 1};
    }
    return child;
  }
  friend bool operator<(const Lineage& a, const Lineage& b);

 private:
  struct Run {
    std::int64_t step_ps = 0;
    std::int64_t count = 0;
  };
  std::int64_t posted_ps_ = -1;
  std::array<Run, kRuns> runs_;  // of distances from ancestor to ancestor
  std::uint32_t root_;
};

/// The transmission of one port: while it lasts, the port cannot start another.
struct PortClock {
  std::int64_t ends_ps = -1;
  Lineage ends;  ///< Of the event that ends it.

  void start(const Lineage& cause, std::int64_t start_ps, std::int64_t end_ps) {
    ends_ps = end_ps;
    ends = cause.then(start_ps);
  }
  /// Whether it ends before an event at `now_ps`.
  bool ends_before(std::int64_t now_ps, const Lineage& event) const {
    return ends_ps < now_ps || (ends_ps == now_ps && ends < event);
  }
};

}  // namespace plait
