// SPDX-License-Identifier: Apache-2.0
#include "sim/executor.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <future>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

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
  void run(const std::function<void(unsigned)>& task) override { task(0); }
  void enclose(const std::function<void()>& loop) override { loop(); }
};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// The system often starts a thread on the core of the one that asked for it, though another is
// idle, and parts the two after some milliseconds: longer than many runs last.
class Cores {
 public:
  /// The calling thread keeps the core that it is on, or gets one that no thread has settled on. It
  /// is not bound to it.
  void settle() {
#ifdef __linux__
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || take(sched_getcpu())) return;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (!CPU_ISSET(core, &allowed) || !take(core)) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(core, &one);
      sched_setaffinity(0, sizeof one, &one);  // a hint: if it fails, the thread stays
      sched_setaffinity(0, sizeof allowed, &allowed);
      return;
    }
#endif
  }

 private:
#ifdef __linux__
  bool take(int core) { return core >= 0 && core < CPU_SETSIZE && !taken_[core].exchange(true); }

  std::array<std::atomic<bool>, CPU_SETSIZE> taken_{};
#endif
};

// Helpers stay in the loop and look out for calls themselves. Were each call a task of the library,
// its threads would fall asleep between calls, and up to nine tenths of windows of 70 us would run
// on a single thread.
class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(unsigned threads) : parts_(threads) {}

  unsigned threads() const override { return static_cast<unsigned>(parts_.size()); }

  void run(const std::function<void(unsigned)>& task) override {
    const std::uint64_t call = ++calls_;
    task_ = &task;
    call_.store(call);
    call_.notify_all();
    work(0, call);
    std::exception_ptr error;
    for (Part& part : parts_) {
      for (unsigned spins = 0; part.done.load(std::memory_order_acquire) != call; ++spins)
        spins < kSpins ? relax() : std::this_thread::yield();
      if (part.error) error = std::exchange(part.error, nullptr);
    }
    if (error) std::rethrow_exception(error);
  }

  // The caller goes on while the others start. Those that cannot be started are not missed: it does
  // what nobody has begun.
  void enclose(const std::function<void()>& loop) override {
    if (threads() == 1 || available_cores() == 1) return loop();
    Lanes shared;
    shared.cores.settle();
    std::future<void> helpers;
    try {
      helpers = std::async(std::launch::async, [&] { start_helpers(shared); });
    } catch (const std::system_error&) {
      return loop();
    }
    const AtExit leave{[&] {
      call_.store(kEnd);
      call_.notify_all();
      helpers.wait();
      call_.store(calls_);
    }};
    std::this_thread::yield();  // to one that has been started on this core
    loop();
  }

 private:
  static constexpr std::uint64_t kEnd = UINT64_MAX;
  static constexpr unsigned kSpins = 4000;  // some 0.1 ms

  struct alignas(128) Part {
    std::atomic<std::uint64_t> taken{0}, done{0};  // in this call
    std::exception_ptr error;
  };

  struct Lanes {
    Cores cores;
    // Repeat what the library guarantees in code that a race detector sees.
    std::atomic<unsigned> began{0}, left{0};
  };
  // What a thread of the library does until the loop is over. If none has come by then, the one
  // that waits for it does it.
  struct Helper {
    TbbExecutor& executor;
    Lanes& lanes;
    unsigned first;  // part

    // By name in cmake/tsan.supp: here the library's copy of this is read.
    void start_helping() const { executor.help(lanes, first); }
    void operator()() const { start_helping(); }
  };
  // The first helper starts the others before it helps. If it is the only one, it helps at once:
  // the library takes half a millisecond to start.
  void start_helpers(Lanes& shared) {
    if (call_.load() == kEnd) return;
    const unsigned lanes = threads() == 2 ? 2 : most_lanes();
    const auto first = [&](unsigned lane) { return lane * threads() / lanes; };
    if (lanes == 2) return help(shared, first(1));
    tbb::task_arena arena(static_cast<int>(lanes - 1));
    arena.execute([&] {
      tbb::task_group others;
      for (unsigned lane = 2; lane < lanes; ++lane) {
        shared.began = lane;
        others.run(Helper{*this, shared, first(lane)});
      }
      help(shared, first(1));
      others.wait();
      static_cast<void>(shared.left.load());
    });
  }
  unsigned most_lanes() const {
    const std::size_t allowed =
        tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
    return static_cast<unsigned>(std::clamp<std::size_t>(allowed, 2, threads()));
  }
  void help(Lanes& lanes, unsigned first) {
    static_cast<void>(lanes.began.load());
    if (call_.load() != kEnd) lanes.cores.settle();
    serve_calls(first);
    ++lanes.left;
  }
  void serve_calls(unsigned first) {
    for (std::uint64_t call = 0;;) {
      call = next_after(call);
      if (call == kEnd) return;
      work(first, call);
    }
  }
  std::uint64_t next_after(std::uint64_t call) const {
    for (unsigned spins = 0; spins < kSpins; ++spins, relax())
      if (const std::uint64_t now = call_.load(std::memory_order_acquire); now != call) return now;
    call_.wait(call);
    return call_.load();
  }

  // Whatever nobody has begun, from part `first` on. A call that is over has nothing left, so
  // `task_` is that of the call wherever it is read.
  void work(unsigned first, std::uint64_t call) {
    for (unsigned k = 0; k < threads(); ++k) {
      const unsigned number = (first + k) % threads();
      Part& part = parts_[number];
      std::uint64_t before = call - 1;
      if (part.taken.load(std::memory_order_relaxed) != before ||
          !part.taken.compare_exchange_strong(before, call))
        continue;
      try {
        (*task_)(number);
      } catch (...) {
        part.error = std::current_exception();
      }
      part.done.store(call, std::memory_order_release);
    }
  }

  std::vector<Part> parts_;
  const std::function<void(unsigned)>* task_ = nullptr;
  std::uint64_t calls_ = 0;
  alignas(128) std::atomic<std::uint64_t> call_{0};  // the one under way
};

}  // namespace

unsigned available_cores() {
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    return static_cast<unsigned>(CPU_COUNT(&allowed));
#endif
  return std::max(std::thread::hardware_concurrency(), 1U);
}

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
