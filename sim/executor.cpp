// SPDX-License-Identifier: Apache-2.0
#include "sim/executor.hpp"

#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>

#include "sim/check.hpp"

namespace plait {

namespace {

template <class Action>
struct AtExit {
  Action action;
  ~AtExit() { action(); }
};
template <class Action>
AtExit(Action) -> AtExit<Action>;

class SequentialExecutor final : public Executor {
 public:
  unsigned threads() const override { return 1; }
  void run(unsigned tasks, const std::function<void(unsigned)>& task) override {
    for (unsigned i = 0; i < tasks; ++i) task(i);
  }
  void enclose(const std::function<void()>& loop) override { loop(); }
};

class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(unsigned threads) : threads_(threads) {}

  unsigned threads() const override { return threads_; }

  void run(unsigned tasks, const std::function<void(unsigned)>& task) override {
    // The two atomics repeat what parallel_for guarantees, also of tasks that throw, in code that a
    // race detector sees.
    started_.store(true, std::memory_order_release);
    const AtExit see_all{[this] { static_cast<void>(done_.load(std::memory_order_acquire)); }};
    tbb::parallel_for(
        0U, tasks, 1U,
        [&](unsigned i) {
          static_cast<void>(started_.load(std::memory_order_acquire));
          const AtExit done{[this] { done_.fetch_add(1, std::memory_order_acq_rel); }};
          task(i);
        },
        tbb::static_partitioner());
  }

  // The library starts here, which takes a millisecond.
  void enclose(const std::function<void()>& loop) override {
    tbb::task_arena arena(std::min(static_cast<int>(threads_), tbb::info::default_concurrency()));
    arena.execute(loop);
  }

 private:
  unsigned threads_;
  std::atomic<bool> started_{false};
  std::atomic<unsigned> done_{0};
};

}  // namespace

std::unique_ptr<Executor> make_sequential_executor() {
  return std::make_unique<SequentialExecutor>();
}

std::unique_ptr<Executor> make_tbb_executor(unsigned threads) {
  PLAIT_CHECK_LE(1U, threads);
  return std::make_unique<TbbExecutor>(threads);
}

std::unique_ptr<Executor> make_executor(unsigned threads) {
  return threads <= 1 ? make_sequential_executor() : make_tbb_executor(threads);
}

}  // namespace plait
