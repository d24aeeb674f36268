// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file window_engine.hpp
/// The engine: simulated time advances in windows no longer than the smallest latency between two
/// entities. All that reaches an entity during a window was sent before the window began, so each
/// entity processes its whole window alone; then comes a barrier. Idle time is skipped: the next
/// window begins at the earliest wish of any entity.
///
/// Leapfrog: where the entities fall into two sides so that channels only lead from one to the
/// other (the levels of a Clos alternate), the sides take turns, each in windows twice as long:
/// side 0 runs [t, t + 2L), then side 1 [t + L, t + 3L). All that reaches side 0 before t + 2L was
/// sent by side 1 before t + L, which it has reached, and so on. Half as many visits, each with
/// twice the work at hand.
///
/// Who may do what: an entity is visited by one worker at a time, always the same one. During a
/// visit it may touch its own state, the chains it receives, and the `Worker` it is given. Nothing
/// else.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "sim/executor.hpp"
#include "sim/fetch_queue.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

/// The stretch of simulated time [begin, end) of one round of visits; of one side, if there are
/// two.
struct Window {
  std::int64_t begin_ps = 0;
  std::int64_t end_ps = 0;
  unsigned parity = 0;  ///< Publication slot to write: alternates, or is the number of the side.
};

class WindowEngine;

/// One lane of execution and what belongs to it alone. `scratch` is the model's: pools, buffers.
class Worker {
 public:
  unsigned index() const { return index_; }
  /// Has `entity` visited in the next window, because something was published to it.
  void activate(EntityId entity);
  /// The visit under way takes `arrivals` steps: what there is to share among threads.
  void count(std::size_t arrivals) { steps_ += arrivals; }
  /// What the next visits will need; a visit fetches a few lines between its steps.
  FetchQueue& ahead() { return ahead_; }

 private:
  friend class WindowEngine;
  struct Wish {
    std::int64_t at_ps;
    std::uint32_t slot;
    bool operator>(const Wish& other) const {
      return at_ps != other.at_ps ? at_ps > other.at_ps : slot > other.slot;
    }
  };
  unsigned index_ = 0;
  WindowEngine* engine_ = nullptr;
  using Wishes = std::priority_queue<Wish, std::vector<Wish>, std::greater<>>;
  std::vector<std::uint64_t> active_[2];  // by slot, this worker's own bits; see Round
  bool any_[2] = {false, false};
  Wishes wishes_[2];                // by side
  std::vector<std::uint32_t> due_;  // slots to visit in this round
  FetchQueue ahead_;
  std::uint64_t visits_ = 0;
  std::uint64_t steps_ = 0;  // visits, and what they have counted
};

class Entity {
 public:
  virtual ~Entity() = default;
  /// Processes everything of this entity in the window. @return the time of the next visit it wants
  /// even if nothing is published to it, in ps, >= window.end_ps; INT64_MAX = none.
  virtual std::int64_t visit(const Window& window, Worker& worker) = 0;
  /// Hint: so many other visits come before the one of this entity. Called with 2, to name memory
  /// that it knows by itself (its first kFirstBytes have been fetched then), and with 1, to name
  /// what that leads to.
  virtual void prepare(const Window&, unsigned /*visits_before*/, FetchQueue&) const {}
  static constexpr std::size_t kFirstBytes = 256;
};

class WindowEngine {
 public:
  struct Options {
    Duration lookahead;  ///< > 0, at most the least channel latency.
    unsigned workers = 1;
    /// Below this many steps (visits and arrivals) in the last window of the same side, one thread
    /// runs all workers' parts: waiting for each other would cost more than sharing saves.
    std::uint64_t parallel_from = 64;
    /// Fetch ahead what the next visits need: pays where the entities do not fit the caches.
    bool fetch_ahead = false;
  };
  /// @param owner  worker of each entity (values below options.workers); affects speed only.
  /// @param side   0 or 1 for each entity, so that no channel joins two of one side; empty: there
  ///               is no such division.
  WindowEngine(const std::vector<Entity*>& entities, const std::vector<unsigned>& owner,
               const Options& options, const std::vector<std::uint8_t>& side = {});

  /// Wishes a first visit. @pre before run().
  void wake(EntityId entity, SimTime at);

  /// Everything before the window's end has been simulated. @return false to stop.
  using WindowCallback = std::function<bool(const Window&)>;
  enum class End { kIdle, kTimeLimit, kStopped };
  /// Runs windows until nothing is wished for, or `until` is reached (windows that begin at or
  /// after it are not run), or `after_window` (called after every window, on one thread) says no.
  End run(Executor& executor, SimTime until, const WindowCallback& after_window);

  /// From the callback: run no further than `until`, which no entity has reached.
  void stop_at(SimTime until) { until_ps_ = std::min(until_ps_, until.ps()); }

  std::uint64_t windows() const { return windows_; }
  std::uint64_t visits() const;

 private:
  friend class Worker;
  using Wishes = Worker::Wishes;

  /// Which of a worker's two bitmaps says what in this round. One side: they alternate, and every
  /// bit set counts for the next round. Two sides: each has its own.
  struct Round {
    unsigned side = 0;
    unsigned read = 0;    // whom to visit
    unsigned others = 0;  // who has been sent something
    unsigned self = 0;    // who wants to be visited again soon
  };

  void lay_out(const std::vector<Entity*>& entities, const std::vector<unsigned>& owner,
               const std::vector<std::uint8_t>& side);
  bool next_window(Window& window);
  void visit_part(unsigned part, const Window& window);
  void find_due(unsigned part, Worker& worker);
  void prepare(Worker& worker, std::size_t after, const Window& window) const;
  void visit_slot(std::uint32_t slot, const Window& window, Worker& worker);
  void collect_due(Worker& worker, std::int64_t end_ps);
  std::uint64_t steps() const;
  bool any_active() const;
  std::int64_t earliest_wish();
  unsigned side_of(std::uint32_t slot) const { return slot >= side_begin_[1] ? 1 : 0; }
  void wish(Worker& worker, std::uint32_t slot, std::int64_t at_ps);
  /// An earlier wish took its place.
  bool is_stale(const Worker::Wish& wish) const { return wish.at_ps != scheduled_ps_[wish.slot]; }
  void pop_wish(Wishes& wishes);

  Options options_;
  unsigned sides_;
  std::vector<Entity*> entities_;           // by slot
  std::vector<std::uint32_t> slot_of_;      // by entity id
  std::vector<std::int64_t> far_ps_;        // by slot: a later wish that is in the heap too
  std::vector<std::int64_t> scheduled_ps_;  // by slot: earliest wish in the owner's heap
  std::vector<std::uint32_t> part_begin_;   // by side and worker: first bitmap word of its slots
  std::uint32_t side_begin_[2] = {0, UINT32_MAX};  // slot
  std::int64_t clock_ps_[2] = {0, INT64_MAX};      // by side: simulated until here
  Round round_;
  std::int64_t until_ps_ = INT64_MAX;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::uint64_t windows_ = 0;
};

inline void Worker::activate(EntityId entity) {
  const std::uint32_t slot = engine_->slot_of_[entity.index()];
  const unsigned bitmap = engine_->round_.others;
  active_[bitmap][slot >> 6] |= std::uint64_t{1} << (slot & 63U);
  any_[bitmap] = true;
}

}  // namespace plait
