// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file executor.hpp
/// Runs the tasks of one window. Results may not depend on which executor is used or on how many
/// threads it has: tasks of one call share only what they synchronise themselves.

#include <functional>
#include <memory>

namespace plait {

class Executor {
 public:
  virtual ~Executor() = default;
  /// Threads that work at the same time.
  virtual unsigned threads() const = 0;
  /// Runs task(0) .. task(tasks - 1) and returns when all are done. What a task wrote is visible to
  /// the caller afterwards. If tasks throw, one of the exceptions is rethrown.
  virtual void run(unsigned tasks, const std::function<void(unsigned)>& task) = 0;
  /// Runs `loop`, which calls run() many times, in a context where that is cheap.
  virtual void enclose(const std::function<void()>& loop) = 0;
};

/// One thread: runs the tasks in order on the caller's.
std::unique_ptr<Executor> make_sequential_executor();

/// `threads` threads of oneTBB, at most one per core, with static assignment of tasks: 0.2 us per
/// call with two tasks.
std::unique_ptr<Executor> make_tbb_executor(unsigned threads);

/// Sequential for one thread, oneTBB for more.
std::unique_ptr<Executor> make_executor(unsigned threads);

}  // namespace plait
