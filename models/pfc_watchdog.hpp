// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file pfc_watchdog.hpp
/// PFC watchdog of one switch: finds egress queues that their peer keeps paused and says what to do
/// about them. Source: SONiC "PFC Watchdog" high level design; docs/models/switch.md, section 7.
///
/// A queue, one priority of one port, is in one of four states:
///
///     clear --pause--> paused --detection passed--> stuck --resume--> recovering
///       ^---resume-------'                            ^-----pause----------'
///       ^----------------- restoration passed ----------------------------'
///
/// Times are exact: a queue paused at t is stuck at t + detection unless a resume came before that.

#include <cstdint>
#include <vector>

#include "models/switch_params.hpp"

namespace plait {

class PfcWatchdog {
 public:
  PfcWatchdog(const WatchdogParams& params, std::uint32_t ports);

  bool enabled() const { return enabled_; }
  /// Not later than the next change that run() would make; INT64_MAX if none is possible.
  std::int64_t due_ps() const { return due_ps_; }
  /// Some queue is stuck or recovering, and packets are dropped there.
  bool dropping() const { return dropping_ != 0; }
  bool drops(std::uint32_t port, std::uint32_t priority) const {
    const State state = at(port, priority).state;
    return dropping_ != 0 && (state == State::kStuck || state == State::kRecovering);
  }

  /// A frame from the peer of `port`. @pre enabled().
  /// @return whether the queue is held back from now on.
  bool on_frame(std::int64_t now, std::uint32_t port, std::uint32_t priority, bool pause);

  /// Makes the changes due at `now`, in order of port and priority, and calls
  /// `stuck(port, priority)` for each queue that gets stuck. @pre no change was due before `now`.
  template <class Stuck>
  void run(std::int64_t now, Stuck&& stuck) {
    due_ps_ = INT64_MAX;
    for (std::size_t i = 0; i < queues_.size(); ++i)
      if (advance(now, queues_[i]))
        stuck(static_cast<std::uint32_t>(i / kPriorities),
              static_cast<std::uint32_t>(i % kPriorities));
  }

  WatchdogAction action() const { return action_; }

 private:
  enum class State : std::uint8_t { kClear, kPaused, kStuck, kRecovering };
  struct Queue {
    std::int64_t since_ps = 0;  // of the state
    State state = State::kClear;
  };
  const Queue& at(std::uint32_t port, std::uint32_t priority) const {
    return queues_[port * kPriorities + priority];
  }
  void enter(Queue& queue, State state, std::int64_t now);
  bool advance(std::int64_t now, Queue& queue);

  bool enabled_;
  WatchdogAction action_;
  std::int64_t detection_ps_, restoration_ps_;
  std::int64_t due_ps_ = INT64_MAX;
  std::uint32_t dropping_ = 0;  // queues stuck or recovering; always 0 with kForward
  std::vector<Queue> queues_;   // by port and priority; empty if not enabled
};

}  // namespace plait
