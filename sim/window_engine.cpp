// SPDX-License-Identifier: Apache-2.0
#include "sim/window_engine.hpp"

#include <algorithm>

#include "sim/check.hpp"

namespace plait {

namespace {
// Slots of different workers start on different cache lines of the bitmaps: 8 words of 64 bits.
constexpr std::uint32_t kAlignSlots = 512;
}  // namespace

WindowEngine::WindowEngine(std::vector<Entity*> entities, const std::vector<unsigned>& owner,
                           const Options& options)
    : options_(options) {
  PLAIT_CHECK_LT(std::int64_t{0}, options.lookahead.ps());
  PLAIT_CHECK_LE(1U, options.workers);
  PLAIT_CHECK_EQ(entities.size(), owner.size());
  slot_of_.resize(entities.size());
  std::uint32_t slot = 0;
  for (unsigned w = 0; w < options.workers; ++w) {
    part_begin_.push_back(slot / 64);
    for (std::size_t e = 0; e < entities.size(); ++e) {
      if (owner[e] != w) continue;
      slot_of_[e] = slot++;
      entities_.resize(slot);
      entities_.back() = entities[e];
    }
    slot = (slot + kAlignSlots - 1) / kAlignSlots * kAlignSlots;
    entities_.resize(slot);
  }
  part_begin_.push_back(slot / 64);
  scheduled_ps_.assign(slot, INT64_MAX);
  far_ps_.assign(slot, INT64_MAX);
  for (unsigned w = 0; w < options.workers; ++w) {
    auto worker = std::make_unique<Worker>();
    worker->index_ = w;
    worker->engine_ = this;
    for (auto& bitmap : worker->active_) bitmap.assign(slot / 64, 0);
    workers_.push_back(std::move(worker));
  }
}

void WindowEngine::wake(EntityId entity, SimTime at) {
  const std::uint32_t slot = slot_of_[entity.index()];
  unsigned owner = 0;
  while (part_begin_[owner + 1] <= slot / 64) ++owner;
  wish(*workers_[owner], slot, at.ps());
}

// At most two entries per slot are in the heap and known: the earliest, and a later one that it
// overtook. An entity that works towards a far deadline wishes for it again and again.
void WindowEngine::wish(Worker& worker, std::uint32_t slot, std::int64_t at_ps) {
  if (at_ps >= scheduled_ps_[slot]) return;
  if (scheduled_ps_[slot] != INT64_MAX) far_ps_[slot] = scheduled_ps_[slot];
  scheduled_ps_[slot] = at_ps;
  if (at_ps != far_ps_[slot]) worker.wishes_.push({at_ps, slot});
}

std::uint64_t WindowEngine::visits() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->visits_;
  return sum;
}

// The window after one that ended at `previous_end`: directly behind it if anything was published
// or wished for early, else at the earliest wish. INT64_MAX if there is none.
std::int64_t WindowEngine::next_begin(std::int64_t previous_end) {
  std::int64_t earliest = INT64_MAX;
  for (const auto& worker : workers_) {
    if (worker->any_[worker->write_]) return previous_end;
    while (!worker->wishes_.empty() && is_stale(worker->wishes_.top())) pop_wish(*worker);
    if (!worker->wishes_.empty()) earliest = std::min(earliest, worker->wishes_.top().at_ps);
  }
  return std::max(earliest, previous_end);
}

void WindowEngine::pop_wish(Worker& worker) {
  const Worker::Wish& top = worker.wishes_.top();
  if (top.at_ps == far_ps_[top.slot]) far_ps_[top.slot] = INT64_MAX;
  worker.wishes_.pop();
}

void WindowEngine::collect_due(Worker& worker, std::int64_t end_ps) {
  const unsigned read = worker.write_ ^ 1U;
  while (!worker.wishes_.empty() && worker.wishes_.top().at_ps < end_ps) {
    const Worker::Wish wish = worker.wishes_.top();
    const bool stale = is_stale(wish);
    pop_wish(worker);
    if (stale) continue;
    scheduled_ps_[wish.slot] = INT64_MAX;
    worker.active_[read][wish.slot >> 6] |= std::uint64_t{1} << (wish.slot & 63U);
  }
}

void WindowEngine::visit_slot(std::uint32_t slot, const Window& window, Worker& worker) {
  ++worker.visits_;
  const std::int64_t next = entities_[slot]->visit(window, worker);
  if (next == INT64_MAX) return;
  PLAIT_CHECK_GE(next, window.end_ps);
  if (next - window.end_ps < options_.lookahead.ps()) {
    worker.active_[worker.write_][slot >> 6] |= std::uint64_t{1} << (slot & 63U);
    worker.any_[worker.write_] = true;
  } else {
    wish(worker, slot, next);
  }
}

// Visits the active entities that worker `part` owns. Bits were set by any worker in the last
// window; each worker has its own copy of the bitmap, so that writers never share a cache line.
void WindowEngine::visit_part(unsigned part, const Window& window) {
  Worker& worker = *workers_[part];
  collect_due(worker, window.end_ps);
  for (std::uint32_t word = part_begin_[part]; word < part_begin_[part + 1]; ++word) {
    std::uint64_t bits = 0;
    for (const auto& writer : workers_) {
      std::uint64_t& theirs = writer->active_[writer->write_ ^ 1U][word];
      bits |= theirs;
      if (theirs != 0) theirs = 0;
    }
    while (bits != 0) {
      visit_slot(word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits)), window, worker);
      bits &= bits - 1;
    }
  }
}

WindowEngine::End WindowEngine::run(Executor& executor, SimTime until,
                                    const WindowCallback& after_window) {
  End end = End::kIdle;
  executor.enclose([&] {
    std::int64_t previous_end = 0;
    std::uint64_t visits_before = visits();
    std::uint64_t last_visits = options_.parallel_from;
    Window window;
    const std::function<void(unsigned)> task = [&](unsigned part) { visit_part(part, window); };
    for (;;) {
      const std::int64_t begin = next_begin(previous_end);
      if (begin == INT64_MAX) return;
      if (begin >= until.ps()) {
        end = End::kTimeLimit;
        return;
      }
      window.begin_ps = begin;
      window.end_ps = std::min(begin + options_.lookahead.ps(), until.ps());
      window.parity = static_cast<unsigned>(windows_ & 1U);
      for (auto& worker : workers_) {
        worker->write_ ^= 1U;
        worker->any_[worker->write_] = false;
      }
      if (last_visits < options_.parallel_from) {
        for (unsigned part = 0; part < options_.workers; ++part) task(part);
      } else {
        executor.run(options_.workers, task);
      }
      ++windows_;
      previous_end = window.end_ps;
      const std::uint64_t visits_now = visits();
      last_visits = visits_now - visits_before;
      visits_before = visits_now;
      if (!after_window(window)) {
        end = End::kStopped;
        return;
      }
    }
  });
  return end;
}

}  // namespace plait
