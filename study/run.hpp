// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file run.hpp
/// Runs a scenario from its text to its results.

#include <functional>

#include "models/simulation.hpp"
#include "study/build.hpp"
#include "study/results.hpp"
#include "study/scenario.hpp"

namespace plait {

struct RunSettings {
  unsigned threads = 0;  ///< 0: one per core. Results do not depend on it.
  /// Called now and then on the calling thread; false stops the run.
  std::function<bool(const RunProgress&)> progress;
};

struct RunOutcome {
  Results results;
  RunEnd end = RunEnd::kFinished;     ///< Never kDeadlock.
  std::vector<std::string> warnings;  ///< What was repaired in the inputs.
};

/// @throws UserError for what is wrong in the scenario, DeadlockError saying who waits for what.
RunOutcome run_scenario(const Scenario& scenario, const RunSettings& settings = {});

/// Ranks and ops, which the simulation does not know, added to its records.
RunRecords collect_records(const Experiment& experiment);

}  // namespace plait
