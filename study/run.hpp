// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file run.hpp
/// Runs a scenario from its text to its results.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/simulation.hpp"
#include "sim/error.hpp"
#include "study/build.hpp"
#include "study/results.hpp"
#include "study/scenario.hpp"

namespace plait {

/// How far a run is, for those who wait for it.
struct StudyProgress {
  RunProgress run;
  const Experiment* experiment = nullptr;  ///< Null in models without a fabric; then
  double ops_done = 0;                     ///< says which share of the ops is done.
  Duration until{};                        ///< 0: no time limit.

  /// Share of the work done, in [0, 1]: of the time limit or of all ops and requests, whichever is
  /// further. Costs one look at every rank.
  double share() const;
};

struct RunSettings {
  unsigned threads = 0;  ///< 0: one per core. Results do not depend on it.
  /// Called now and then on the calling thread, with all workers at rest; false stops the run.
  std::function<bool(const StudyProgress&)> progress;
  /// Whether each job runs; empty: all. See build_experiment().
  std::vector<bool> runs = {};
  /// Performance says how long switches, hosts and ranks took; makes the run a little slower.
  bool timing = false;
};

struct RunOutcome {
  Results results;
  RunEnd end = RunEnd::kFinished;
  std::vector<std::string> warnings;  ///< What was repaired in the inputs.
};

/// A run that cannot go on: the message says who waits for what, the outcome what happened before.
class StuckRun : public DeadlockError {
 public:
  StuckRun(const std::string& message, RunOutcome outcome)
      : DeadlockError(message), outcome_(std::make_shared<RunOutcome>(std::move(outcome))) {}

  /// Its `end` is kDeadlock and its results are not complete.
  const std::shared_ptr<RunOutcome>& outcome() const { return outcome_; }

 private:
  std::shared_ptr<RunOutcome> outcome_;  // shared: exceptions are copied
};

/// @throws UserError for what is wrong in the scenario, StuckRun.
RunOutcome run_scenario(const Scenario& scenario, const RunSettings& settings = {});

/// Ranks, ops and the jobs of messages, which the simulation does not know, added to its records.
RunRecords collect_records(const Experiment& experiment);

}  // namespace plait
