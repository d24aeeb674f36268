// SPDX-License-Identifier: Apache-2.0
#include "models/pfc_watchdog.hpp"

#include <algorithm>

namespace plait {

PfcWatchdog::PfcWatchdog(const WatchdogParams& params, std::uint32_t ports)
    : enabled_(params.enabled),
      action_(params.action),
      detection_ps_(params.detection.ps()),
      restoration_ps_(params.restoration.ps()),
      queues_(params.enabled ? std::size_t{ports} * kPriorities : 0) {}

// due_ps_ only ever falls here; what has left its state since is found out by run().
void PfcWatchdog::enter(Queue& queue, State state, std::int64_t now) {
  queue = {now, state};
  if (state == State::kPaused) due_ps_ = std::min(due_ps_, now + detection_ps_);
  if (state == State::kRecovering) due_ps_ = std::min(due_ps_, now + restoration_ps_);
}

bool PfcWatchdog::on_frame(std::int64_t now, std::uint32_t port, std::uint32_t priority,
                           bool pause) {
  Queue& queue = queues_[port * kPriorities + priority];
  switch (queue.state) {
    case State::kClear:
      if (pause) enter(queue, State::kPaused, now);
      break;
    case State::kPaused:
      if (!pause) enter(queue, State::kClear, now);
      break;
    case State::kStuck:
      if (!pause) enter(queue, State::kRecovering, now);
      break;
    case State::kRecovering:
      if (pause) enter(queue, State::kStuck, now);
      break;
  }
  const bool ignored = queue.state == State::kStuck && action_ == WatchdogAction::kForward;
  return pause && !ignored;
}

// One queue at `now`. @return true if it gets stuck.
bool PfcWatchdog::advance(std::int64_t now, Queue& queue) {
  const bool drops = action_ == WatchdogAction::kDrop;
  if (queue.state == State::kPaused) {
    if (queue.since_ps + detection_ps_ <= now) {
      queue = {now, State::kStuck};
      dropping_ += drops;
      return true;
    }
    due_ps_ = std::min(due_ps_, queue.since_ps + detection_ps_);
  } else if (queue.state == State::kRecovering) {
    if (queue.since_ps + restoration_ps_ <= now) {
      queue = {now, State::kClear};
      dropping_ -= drops;
    } else {
      due_ps_ = std::min(due_ps_, queue.since_ps + restoration_ps_);
    }
  }
  return false;
}

}  // namespace plait
