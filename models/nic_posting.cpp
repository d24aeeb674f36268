// SPDX-License-Identifier: Apache-2.0
// The NIC with ties in order of posting (models/lineage.hpp). What the plain NIC computes when it
// is asked, this one does event by event as the ns-3 RDMA models do: the end of a transmission, an
// arrival, a new message or a wake-up makes it look for a packet; if there is none, a wake-up is
// armed for the earliest pacing time of any unfinished flow. If that time has passed, none is
// armed: then the other flows wait for the next arrival, as they do there.
#include <algorithm>

#include "models/nic.hpp"

namespace plait {

void Nic::run_events(std::int64_t until, const Lineage* before) {
  PostingState& state = *posting_;
  for (;;) {
    const bool busy = state.wire.ends_ps != -1;
    const std::int64_t end_ps = busy ? state.wire.ends_ps : INT64_MAX;
    const bool is_wake =
        state.wake_ps < end_ps || (state.wake_ps == end_ps && busy && state.wake < state.wire.ends);
    const std::int64_t at = is_wake ? state.wake_ps : end_ps;
    const Lineage& event = is_wake ? state.wake : state.wire.ends;
    if (at > until || (at == until && before != nullptr && !(event < *before))) return;
    if (at == INT64_MAX) return;
    state.event = event;
    (is_wake ? state.wake_ps : state.wire.ends_ps) = is_wake ? INT64_MAX : -1;
    attempt(at);
  }
}

void Nic::attempt(std::int64_t now) {
  if (posting_->wire.ends_ps != -1) return;
  free_at_ps_ = now;
  if (!control_.empty() && !control_held()) return send_waiting_control(now);
  const Turn turn = paused(params().data_priority) ? Turn() : choose(now);
  if (turn.at_ps > now) return arm_wake(now);
  turn_ = turn.flow + 1;
  send_data(flow(turn.flow), now);
}

void Nic::arm_wake(std::int64_t now) {
  std::int64_t at = INT64_MAX;
  for (const SendFlow& flow : flows_)
    if (flow.oldest_psn != flow.end_psn) at = std::min(at, flow.next_send_ps);
  if (at <= now || at == INT64_MAX || posting_->wake_ps != INT64_MAX) return;
  posting_->wake_ps = at;
  posting_->wake = posting_->event.then(now);
}

// A flow's pacing time has changed to `at_ps`.
void Nic::move_wake(std::int64_t now, std::int64_t at_ps) {
  if (posting_->wake_ps == INT64_MAX || at_ps >= posting_->wake_ps) return;
  posting_->wake_ps = std::max(at_ps, now);
  posting_->wake = posting_->event.then(now);
}

std::int64_t Nic::next_event_ps() const {
  const std::int64_t end_ps = posting_->wire.ends_ps;
  return std::min(posting_->wake_ps, end_ps == -1 ? INT64_MAX : end_ps);
}

}  // namespace plait
