// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank_clock.hpp
/// Accounts how a process on a GPU spends its time: computing, communicating, both or neither.

#include <cstdint>

#include "models/records.hpp"

namespace plait {

enum class Activity : std::uint8_t { kCompute, kCommunication };

class RankClock {
 public:
  RankClock(JobId job, RankId rank, GpuId gpu);

  void start(SimTime now);
  /// Activities may overlap and nest; each open() has its close().
  void open(SimTime now, Activity activity);
  void close(SimTime now, Activity activity);

  bool started() const { return started_; }
  GpuId gpu() const { return record_.gpu; }
  /// Up to the last open() or close(); `end` is that of the last close().
  const RankRecord& record() const { return record_; }
  /// The same for a run that ended at `cut`; what has not finished is accounted up to there, and
  /// what has not started spent no time at all.
  RankRecord record_until(SimTime cut, bool finished) const;

 private:
  void account(SimTime now);
  void add_span(RankRecord& record, Duration span) const;

  RankRecord record_;
  SimTime last_change_{};
  std::uint32_t open_[2] = {0, 0};  // by activity
  bool started_ = false;
};

}  // namespace plait
