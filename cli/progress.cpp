// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace plait::cli {

namespace {

std::string wall_time(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace

ProgressLine::ProgressLine(bool quiet)
    : enabled_(!quiet && isatty(STDERR_FILENO) == 1), start_(Clock::now()), next_(start_) {}

void ProgressLine::update(const StudyProgress& progress) {
  const Clock::time_point now = Clock::now();
  if (!enabled_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double share = progress.share();
  std::string line =
      fmt::format("simulated {:.3f} ms  {:.2f} M events/s  ranks finished {}/{}  {:.0f} %",
                  progress.run.now.since_start().to_ms(),
                  elapsed > 0 ? static_cast<double>(progress.run.events) / elapsed * 1e-6 : 0.0,
                  progress.run.ranks_finished, progress.run.ranks, 100 * share);
  if (share > 0.01) line += "  ETA " + wall_time(elapsed * (1 - share) / share);
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace plait::cli
