// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file window_engine.hpp
/// The engine: simulated time advances in windows, of one group of entities after the other (see
/// group_clocks.hpp). All that reaches an entity during a window was sent before it in windows that
/// are over, so each entity processes its whole window alone; then comes a barrier. Idle time is
/// skipped: the next window begins at the earliest wish of any entity.
///
/// Who may do what: an entity is visited by one worker at a time, not always the same. During a
/// visit it may touch its own state, the chains it receives, and the `Worker` it is given. Nothing
/// else.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "sim/due_list.hpp"
#include "sim/executor.hpp"
#include "sim/fetch_queue.hpp"
#include "sim/group_clocks.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

/// The stretch of simulated time [begin, end) of one round of visits to the entities of a group.
struct Window {
  std::int64_t begin_ps = 0;
  std::int64_t end_ps = 0;
  unsigned parity = 0;  ///< Publication slot to write: the group's side; of one group, in turn.
};

class WindowEngine;

/// One lane of execution: what it has for itself, and entities that it visits first. The model's
/// pools and buffers of a lane go by its index().
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
  std::uint32_t any_[2] = {0, 0};         // by bitmap, bit: some slot of this group is set
  std::vector<Wishes> wishes_;            // by group
  DueList due_;                           // slots to visit in this round; others may take some
  struct LateWish {
    unsigned part;
    Wish wish;
  };
  std::vector<LateWish> late_wishes_;  // of entities of other parts, until the window is over
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
  static constexpr std::size_t kFirstBytes = 192;
};

class WindowEngine {
 public:
  struct Options {
    unsigned workers = 1;
    /// Below this many steps (visits and arrivals) in the last window of the same group, one thread
    /// runs all workers' parts: waiting for each other would cost more than sharing saves.
    std::uint64_t parallel_from = 128;
    /// Fetch ahead what the next visits need: pays where the entities do not fit the caches.
    bool fetch_ahead = false;
  };
  /// @param owner  worker of each entity (values below options.workers); affects speed only.
  WindowEngine(const std::vector<Entity*>& entities, const std::vector<unsigned>& owner,
               const EntityGroups& groups, const Options& options);

  /// Wishes a first visit. @pre before run().
  void wake(EntityId entity, SimTime at);

  /// Everything before the window's end has been simulated. @return false to stop.
  using WindowCallback = std::function<bool(const Window&)>;
  enum class End { kIdle, kTimeLimit, kStopped };
  /// Runs windows until nothing is wished for, or `until` is reached (windows that begin at or
  /// after it are not run), or `after_window` (called after every window, on one thread) says no.
  /// If a visit throws, so does this; the engine may only be destroyed then.
  End run(Executor& executor, SimTime until, const WindowCallback& after_window);

  /// From the callback: run no further than `until`, which no entity has reached.
  void stop_at(SimTime until) { until_ps_ = std::min(until_ps_, until.ps()); }

  std::uint64_t windows() const { return windows_; }
  std::uint64_t visits() const;
  /// There has been work for threads, so each worker has entities of its own.
  bool is_shared() const { return workers_.size() > 1; }

 private:
  friend class Worker;
  using Wishes = Worker::Wishes;

  /// Which of a worker's two bitmaps says what in this round. One group: they alternate, and every
  /// bit set counts for the next round. Several: each side has its own.
  struct Round {
    unsigned group = 0;
    unsigned read = 0;    // whom to visit
    unsigned others = 0;  // who has been sent something
    unsigned self = 0;    // who wants to be visited again soon
  };

  void lay_out(const std::vector<Entity*>& entities, unsigned workers);
  void share_out();
  std::optional<End> next_window(Window& window);
  bool has_work(const GroupClocks::Turn& turn);
  void note_writers();
  bool has_work_for_all() const {
    return options_.workers > 1 && last_steps_[round_.group] >= options_.parallel_from;
  }
  std::optional<End> go_on(Window& window, const WindowCallback& after_window);
  void list_due(unsigned part, const Window& window);
  void find_due(unsigned part, Worker& worker);
  void visit_front(unsigned part, std::size_t most, const Window& window, Worker& lane);
  void visit_share(unsigned part, const Window& window);
  void visit_at(unsigned part, std::size_t i, std::size_t end, const Window& window, Worker& lane);
  void prepare(const DueList& due, std::size_t after, std::size_t end, const Window& window,
               FetchQueue& ahead) const;
  void hand_over_wishes();
  void collect_due(Worker& worker, std::int64_t end_ps);
  std::uint64_t steps() const;
  bool any_active() const;
  std::int64_t earliest_wish();
  std::int64_t earliest(Wishes& wishes);
  void wish(Worker& worker, unsigned group, std::uint32_t slot, std::int64_t at_ps);
  /// An earlier wish took its place.
  bool is_stale(const Worker::Wish& wish) const { return wish.at_ps != scheduled_ps_[wish.slot]; }
  void pop_wish(Wishes& wishes);

  // Where an entity is: its slot, and above kSlotBits its group.
  static constexpr unsigned kSlotBits = 27;
  static constexpr std::uint32_t kSlotMask = (1U << kSlotBits) - 1;

  Options options_;
  GroupClocks clocks_;
  std::vector<std::uint8_t> side_;          // by group
  std::vector<unsigned> owner_;             // worker of each entity, once shared out
  std::vector<Entity*> entities_;           // by slot
  std::vector<std::uint32_t> place_of_;     // by entity id
  std::vector<std::int64_t> far_ps_;        // by slot: a later wish that is in the heap too
  std::vector<std::int64_t> scheduled_ps_;  // by slot: earliest wish in the owner's heap
  struct Part {
    std::uint32_t begin, end;  // words of the bitmaps
  };
  std::vector<Part> parts_;                // by group and worker
  std::vector<Worker*> writers_;           // who may have set bits that are read in this round
  std::vector<std::uint64_t> last_steps_;  // by group: of its last window
  std::uint64_t steps_before_ = 0;         // the window under way
  Round round_;
  std::int64_t until_ps_ = INT64_MAX;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::uint64_t windows_ = 0;
};

inline void Worker::activate(EntityId entity) {
  const std::uint32_t place = engine_->place_of_[entity.index()];
  const std::uint32_t slot = place & WindowEngine::kSlotMask;
  const unsigned bitmap = engine_->round_.others;
  active_[bitmap][slot >> 6] |= std::uint64_t{1} << (slot & 63U);
  any_[bitmap] |= 1U << (place >> WindowEngine::kSlotBits);
}

}  // namespace plait
