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
  /// Tasks of a call, and threads that work at them if there are as many cores.
  virtual unsigned threads() const = 0;
  /// Runs task(0) .. task(threads() - 1) and returns when all are done. What a task wrote is
  /// visible to the caller afterwards. If tasks throw, one of the exceptions is rethrown. @pre not
  /// called by a task.
  virtual void run(const std::function<void(unsigned)>& task) = 0;
  /// Runs `loop`, which calls run() many times, with threads at hand. @pre not within another.
  virtual void enclose(const std::function<void()>& loop) = 0;
};

/// Cores that this process may use: those of the machine, or those it has been bound to.
unsigned available_cores();

/// One thread, the caller's.
std::unique_ptr<Executor> make_sequential_executor();

/// The caller's thread and helpers, unless there is only one core: one, and as many others of
/// oneTBB as it is allowed (in all one thread per core, if nobody says otherwise). Each has tasks
/// that it does first, always the same, and then does what nobody has begun: no call waits for a
/// thread to come.
std::unique_ptr<Executor> make_tbb_executor(unsigned threads);

/// Sequential for one thread, oneTBB for more.
std::unique_ptr<Executor> make_executor(unsigned threads);

}  // namespace plait
