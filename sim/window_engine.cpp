// SPDX-License-Identifier: Apache-2.0
#include "sim/window_engine.hpp"

#include <algorithm>
#include <utility>

#include "sim/check.hpp"

namespace plait {

namespace {
// Some 5 ms of work in all, or 50 us in one window: a model so large is unlikely to be done soon.
constexpr std::uint64_t kStepsForThreads = 100'000, kStepsOfLargeWindow = 1'000;
// Visits taken at once: taking costs some 6 ns, a visit 100 to 2000.
constexpr std::size_t kBlock = 4;
// Visits that are prepared while another is under way.
constexpr std::size_t kPrepared = 3;
static_assert(kBlock > kPrepared);
}  // namespace

std::uint64_t WindowEngine::visits() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->visits_;
  return sum;
}

std::uint64_t WindowEngine::steps() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->steps_;
  return sum;
}

// Somebody was sent something, or wishes to be visited in the next window of its group.
bool WindowEngine::any_active() const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return (worker->any_[0] | worker->any_[1]) != 0; });
}

// Idle time is skipped, and so are windows of groups that have nothing to do in them. @return why
// there is no other window.
std::optional<WindowEngine::End> WindowEngine::next_window(Window& window) {
  if (!any_active()) {
    const std::int64_t wish = earliest_wish();
    if (wish == INT64_MAX) return End::kIdle;
    clocks_.skip_to(wish);
  }
  GroupClocks::Turn turn;
  for (;;) {
    if (!clocks_.next(until_ps_, turn)) return End::kTimeLimit;
    if (has_work(turn)) break;
    clocks_.set(turn.group, turn.end_ps);
  }
  if (side_.size() == 1) {
    const auto parity = static_cast<unsigned>(windows_ & 1U);
    round_ = {0, parity ^ 1U, parity, parity};
  } else {
    const unsigned side = side_[turn.group];
    round_ = {turn.group, side, side ^ 1U, side};
  }
  window = {turn.begin_ps, turn.end_ps, round_.self};
  note_writers();
  return std::nullopt;
}

void WindowEngine::note_writers() {
  const std::uint32_t group = 1U << round_.group;
  writers_.clear();
  for (const auto& worker : workers_) {
    if ((worker->any_[round_.read] & group) == 0) continue;
    worker->any_[round_.read] &= ~group;
    writers_.push_back(worker.get());
  }
}

bool WindowEngine::has_work(const GroupClocks::Turn& turn) {
  return side_.size() == 1 ||
         std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
           return ((worker->any_[0] | worker->any_[1]) >> turn.group & 1U) != 0 ||
                  earliest(worker->wishes_[turn.group]) < turn.end_ps;
         });
}

// The active entities that worker `part` owns. Bits were set by any worker since the last round of
// this kind; each worker has its own copy of the bitmaps, so that writers never share a cache line.
void WindowEngine::find_due(unsigned part, Worker& worker) {
  worker.due_.clear();
  const Part words = parts_[round_.group * workers_.size() + part];
  for (std::uint32_t word = words.begin; word < words.end; ++word) {
    std::uint64_t bits = std::exchange(worker.active_[round_.read][word], 0);
    for (Worker* const writer : writers_) {
      if (writer == &worker) continue;
      std::uint64_t& theirs = writer->active_[round_.read][word];
      bits |= theirs;
      if (theirs != 0) theirs = 0;
    }
    for (; bits != 0; bits &= bits - 1)
      worker.due_.add(word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits)));
  }
}

// Entities are reached through chains of pointers, and few of them fit the caches: while one is
// visited the next three are each fetched one link further.
void WindowEngine::prepare(const DueList& due, std::size_t after, std::size_t end,
                           const Window& window, FetchQueue& ahead) const {
  const auto entity = [&](std::size_t distance) -> const Entity* {
    const std::size_t at = after + distance;
    return at < end ? entities_[due[at]] : nullptr;
  };
  ahead.finish();
  if (const Entity* third = entity(kPrepared)) ahead.add(third, Entity::kFirstBytes);
  if (const Entity* first = entity(1)) first->prepare(window, 1, ahead);
  if (const Entity* second = entity(2)) second->prepare(window, 2, ahead);
}

void WindowEngine::list_due(unsigned part, const Window& window) {
  Worker& owner = *workers_[part];
  collect_due(owner, window.end_ps);
  find_due(part, owner);
  owner.due_.open();
}

// The i-th of a part. All from there to `end` have been taken for this worker, so nobody else
// changes them while they are prepared.
void WindowEngine::visit_at(unsigned part, std::size_t i, std::size_t end, const Window& window,
                            Worker& lane) {
  const DueList& due = workers_[part]->due_;
  if (options_.fetch_ahead) prepare(due, i, end, window, lane.ahead_);
  const std::uint32_t slot = due[i];
  ++lane.visits_;
  ++lane.steps_;
  const std::int64_t next = entities_[slot]->visit(window, lane);
  if (next == INT64_MAX) return;
  PLAIT_CHECK_GE(next, window.end_ps);
  if (next - window.end_ps < clocks_.shortest_ps(round_.group)) {
    lane.active_[round_.self][slot >> 6] |= std::uint64_t{1} << (slot & 63U);
    lane.any_[round_.self] |= 1U << round_.group;
  } else if (part == lane.index_) {
    wish(lane, round_.group, slot, next);
  } else {
    lane.late_wishes_.push_back({part, {next, slot}});
  }
}

// From the front of a part, as far as others leave it, at most `most` taken at once. More are taken
// while fewer than kPrepared follow the one that comes up.
void WindowEngine::visit_front(unsigned part, std::size_t most, const Window& window,
                               Worker& lane) {
  DueList& due = workers_[part]->due_;
  std::size_t end = 0;
  for (std::size_t i = 0;; ++i) {
    if (end - i <= kPrepared)
      if (const DueList::Block more = due.take_front(most)) end = more.end;
    if (i == end) return;
    visit_at(part, i, end, window, lane);
  }
}

// A worker's own part, and then some of what is left of the others'.
void WindowEngine::visit_share(unsigned part, const Window& window) {
  Worker& lane = *workers_[part];
  list_due(part, window);
  visit_front(part, kBlock, window, lane);
  const auto workers = static_cast<unsigned>(workers_.size());
  for (unsigned k = 1; k < workers; ++k) {
    const unsigned other = (part + k) % workers;
    while (const DueList::Block block = workers_[other]->due_.take_back(kBlock))
      for (std::size_t i = block.begin; i < block.end; ++i)
        visit_at(other, i, block.end, window, lane);
  }
}

// Ends a window and begins the next. @return why there is none.
std::optional<WindowEngine::End> WindowEngine::go_on(Window& window,
                                                     const WindowCallback& after_window) {
  ++windows_;
  hand_over_wishes();
  clocks_.set(round_.group, window.end_ps);
  const std::uint64_t steps_now = steps();
  last_steps_[round_.group] = steps_now - std::exchange(steps_before_, steps_now);
  Window done = window;
  done.end_ps = clocks_.earliest();
  if (!after_window(done)) return End::kStopped;
  return next_window(window);
}

WindowEngine::End WindowEngine::run(Executor& executor, SimTime until,
                                    const WindowCallback& after_window) {
  PLAIT_CHECK_EQ(options_.workers, executor.threads());
  until_ps_ = until.ps();
  Window window;
  const std::function<void(unsigned)> task = [&](unsigned part) { visit_share(part, window); };
  // With what one worker has in the caches.
  const auto run_alone = [&] {
    for (unsigned part = 0; part < workers_.size(); ++part) {
      list_due(part, window);
      visit_front(part, workers_[part]->due_.size(), window, *workers_.front());
    }
  };
  std::optional<End> end = next_window(window);
  // Sharing costs some 0.2 ms to begin with, so it must be a run with some work for threads.
  std::uint64_t shared_steps = 0;
  for (; !end; end = go_on(window, after_window)) {
    if (has_work_for_all()) {
      shared_steps += last_steps_[round_.group];
      if (options_.parallel_from == 0 || shared_steps > kStepsForThreads ||
          last_steps_[round_.group] > kStepsOfLargeWindow)
        break;
    }
    run_alone();
  }
  if (end) return *end;
  if (workers_.size() < options_.workers) share_out();
  executor.enclose([&] {
    for (; !end; end = go_on(window, after_window)) {
      if (has_work_for_all()) {
        executor.run(task);
      } else {
        run_alone();
      }
    }
  });
  return *end;
}

}  // namespace plait
