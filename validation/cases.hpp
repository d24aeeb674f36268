// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file cases.hpp
/// Every comparison with an independent simulator or a published measurement, by name.

#include <functional>
#include <string>
#include <vector>

#include "validation/comparison.hpp"

namespace plait::validation {

struct Settings {
  unsigned seeds = 10;   ///< Of cases whose result is random.
  unsigned threads = 1;  ///< Of each simulation.
};

struct Case {
  std::string name;  ///< "ns3/incast16_hpcc"
  std::function<CaseResult(const Settings&)> run;
  bool by_hand = false;  ///< Takes minutes: in the report, but no test.
};

/// @param folder  with the recorded figures: tests/validation of the source tree.
std::vector<Case> all_cases(const std::string& folder);
std::vector<Case> ns3_cases(const std::string& folder);
std::vector<Case> htsim_cases(const std::string& folder);
std::vector<Case> training_cases(const std::string& folder);
std::vector<Case> nccl_cases(const std::string& folder);
std::vector<Case> astra_cases(const std::string& folder);

/// Those with `pattern` in their name. @throws UserError listing the names if there is none.
std::vector<Case> select_cases(const std::vector<Case>& cases, const std::string& pattern);

/// $PLAIT_VALIDATION, the source tree of the build, or the install prefix.
/// @throws UserError naming where it was looked for.
std::string validation_folder();

}  // namespace plait::validation
