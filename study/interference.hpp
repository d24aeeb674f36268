// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file interference.hpp
/// What jobs cost each other: every job alone on the same fabric, GPUs, seed and faults, and all of
/// them together; optionally every pair. Runs are independent, so the figures do not depend on
/// their order or on threads.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/units.hpp"
#include "study/scenario.hpp"

namespace plait {

/// Job completion times of one job. Absent where the job did not finish (run.until).
struct JobInterference {
  std::string name;
  bool background = false;  ///< Nothing waits for it: it has no times of its own.
  std::optional<Duration> alone, together;
  /// With each of the other jobs alone, by job; absent for itself and without pairs.
  std::vector<std::optional<Duration>> with;
};

struct Interference {
  std::string scenario_name;
  std::vector<JobInterference> jobs;
  bool pairs = false;
};

struct InterferenceSettings {
  bool pairs = false;
  unsigned threads = 0;  ///< Of each run; 0: one per core.
  /// Called before each run with its number and their count; false stops.
  std::function<bool(std::size_t run, std::size_t runs, const std::string& what)> progress;
};

/// @throws UserError for fewer than two jobs, StuckRun, and if stopped.
Interference measure_interference(const Scenario& scenario, const InterferenceSettings& settings);

/// together / alone; absent where one of them is.
std::optional<double> slowdown(const std::optional<Duration>& alone,
                               const std::optional<Duration>& together);

std::string interference_table(const Interference& interference);
std::string interference_json(const Interference& interference);

}  // namespace plait
