// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file visit_timer.hpp
/// Wall time by kind of work, for `plait run --timing` and the benchmarks: a clock around every
/// visit of an entity and around every call of a process on a GPU. Results do not change; a run
/// becomes slower by two looks at the clock a visit, some 0.05 us. Without it none of this is
/// there.

#include <chrono>
#include <cstdint>
#include <memory>

#include "models/host_services.hpp"
#include "sim/window_engine.hpp"

namespace plait {

class Stopwatch {
 public:
  explicit Stopwatch(std::int64_t& sum_ns) : sum_ns_(sum_ns), start_(Clock::now()) {}
  ~Stopwatch() {
    sum_ns_ += std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  std::int64_t& sum_ns_;
  Clock::time_point start_;
};

/// Stands before an entity in the engine. Its sum is its own: one worker at a time visits an
/// entity.
class TimedEntity final : public Entity {
 public:
  explicit TimedEntity(Entity& entity) : entity_(entity) {}
  std::int64_t visit(const Window& window, Worker& worker) override {
    const Stopwatch stopwatch(sum_ns_);
    return entity_.visit(window, worker);
  }
  void prepare(const Window& window, unsigned visits_before, FetchQueue& ahead) const override {
    entity_.prepare(window, visits_before, ahead);
  }
  double seconds() const { return 1e-9 * static_cast<double>(sum_ns_); }

 private:
  Entity& entity_;
  std::int64_t sum_ns_ = 0;
};

/// Stands before a process on its host. What the process posts is part of its time; what a post
/// calls back at once counts once.
class TimedProcess final : public RankProcess {
 public:
  explicit TimedProcess(std::unique_ptr<RankProcess> process) : process_(std::move(process)) {}
  void on_start(SimTime now, HostServices& host) override;
  void on_timer(SimTime now, std::uint64_t token) override;
  void on_sent(SimTime now, std::uint64_t token) override;
  void on_delivered(SimTime now, const MessageKey& key, Bytes size) override;
  bool finished() const override { return process_->finished(); }
  bool background() const override { return process_->background(); }
  bool has_background() const override { return process_->has_background(); }

  RankProcess* inner() const { return process_.get(); }
  double seconds() const { return 1e-9 * static_cast<double>(sum_ns_); }

 private:
  template <class Call>
  void timed(const Call& call);

  std::unique_ptr<RankProcess> process_;
  std::int64_t sum_ns_ = 0;
};

}  // namespace plait
