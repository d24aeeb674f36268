// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file loggops_run.hpp
/// Scenarios with `run.fidelity: loggops`: every rank on a host of its own in the LogGOPS model,
/// jobs side by side without touching each other (docs/models/loggops.md).

#include "study/run.hpp"

namespace plait {

/// Results have ranks and ops; links, flows and messages are not part of the model.
/// @throws UserError for what is wrong in the scenario, StuckRun.
RunOutcome run_loggops(const Scenario& scenario, const RunSettings& settings);

}  // namespace plait
