// SPDX-License-Identifier: Apache-2.0
// When entities of the window engine want to be visited by themselves: a heap for each worker and
// group.
#include <algorithm>

#include "sim/window_engine.hpp"

namespace plait {

void WindowEngine::wake(EntityId entity, SimTime at) {
  const std::uint32_t place = place_of_[entity.index()];
  const std::uint32_t slot = place & kSlotMask;
  unsigned part = 0;
  while (parts_[part].end <= slot / 64) ++part;
  wish(*workers_[part % workers_.size()], place >> kSlotBits, slot, at.ps());
}

// At most two entries per slot are in the heap and known: the earliest, and a later one that it
// overtook. An entity that works towards a far deadline wishes for it again and again.
void WindowEngine::wish(Worker& worker, unsigned group, std::uint32_t slot, std::int64_t at_ps) {
  if (at_ps >= scheduled_ps_[slot]) return;
  if (scheduled_ps_[slot] != INT64_MAX) far_ps_[slot] = scheduled_ps_[slot];
  scheduled_ps_[slot] = at_ps;
  if (at_ps != far_ps_[slot]) worker.wishes_[group].push({at_ps, slot});
}

void WindowEngine::hand_over_wishes() {
  for (const auto& worker : workers_) {
    for (const auto& [part, late] : worker->late_wishes_)
      wish(*workers_[part], round_.group, late.slot, late.at_ps);
    worker->late_wishes_.clear();
  }
}

std::int64_t WindowEngine::earliest_wish() {
  std::int64_t at_ps = INT64_MAX;
  for (const auto& worker : workers_)
    for (Wishes& wishes : worker->wishes_) at_ps = std::min(at_ps, earliest(wishes));
  return at_ps;
}

// Stale ones do not count: how many lie on top depends on how entities are shared out.
std::int64_t WindowEngine::earliest(Wishes& wishes) {
  while (!wishes.empty() && is_stale(wishes.top())) pop_wish(wishes);
  return wishes.empty() ? INT64_MAX : wishes.top().at_ps;
}

void WindowEngine::pop_wish(Wishes& wishes) {
  const Worker::Wish& top = wishes.top();
  if (top.at_ps == far_ps_[top.slot]) far_ps_[top.slot] = INT64_MAX;
  wishes.pop();
}

void WindowEngine::collect_due(Worker& worker, std::int64_t end_ps) {
  Wishes& wishes = worker.wishes_[round_.group];
  while (!wishes.empty() && wishes.top().at_ps < end_ps) {
    const Worker::Wish wish = wishes.top();
    const bool stale = is_stale(wish);
    pop_wish(wishes);
    if (stale) continue;
    scheduled_ps_[wish.slot] = INT64_MAX;
    worker.active_[round_.read][wish.slot >> 6] |= std::uint64_t{1} << (wish.slot & 63U);
  }
}

}  // namespace plait
