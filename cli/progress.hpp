// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file progress.hpp
/// One line on standard error that follows a run; nothing at all when that is not a terminal.

#include <chrono>

#include "study/run.hpp"

namespace plait::cli {

class ProgressLine {
 public:
  /// @param quiet never shows anything.
  explicit ProgressLine(bool quiet);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Redraws at most ten times a second.
  void update(const StudyProgress& progress);
  /// Takes the line away, so that other text can follow.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool enabled_;
  bool shown_ = false;
  Clock::time_point start_, next_;
};

}  // namespace plait::cli
