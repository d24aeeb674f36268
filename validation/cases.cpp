// SPDX-License-Identifier: Apache-2.0
#include "validation/cases.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "sim/error.hpp"

namespace plait::validation {

std::vector<Case> all_cases(const std::string& folder) {
  std::vector<Case> cases = ns3_cases(folder);
  for (Case& one : htsim_cases(folder)) cases.push_back(std::move(one));
  for (Case& one : training_cases(folder)) cases.push_back(std::move(one));
  for (Case& one : nccl_cases(folder)) cases.push_back(std::move(one));
  for (Case& one : astra_cases(folder)) cases.push_back(std::move(one));
  return cases;
}

std::vector<Case> select_cases(const std::vector<Case>& cases, const std::string& pattern) {
  std::vector<Case> chosen;
  std::string names;
  for (const Case& one : cases) {
    if (one.name.find(pattern) != std::string::npos) chosen.push_back(one);
    names += "\n  " + one.name;
  }
  if (chosen.empty()) throw UserError("no case has '" + pattern + "' in its name; cases:" + names);
  return chosen;
}

std::string validation_folder() {
  std::vector<std::string> folders{PLAIT_VALIDATION_DIR, PLAIT_INSTALLED_VALIDATION_DIR};
  if (const char* chosen = std::getenv("PLAIT_VALIDATION")) folders = {chosen};
  for (const std::string& folder : folders) {
    std::error_code status;
    if (std::filesystem::exists(folder + "/report_template.md", status)) return folder;
  }
  throw UserError(fmt::format(
      "the recorded figures are not in {}; set PLAIT_VALIDATION to the folder that has them",
      fmt::join(folders, " or ")));
}

}  // namespace plait::validation
