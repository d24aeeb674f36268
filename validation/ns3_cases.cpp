// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "validation/cases.hpp"
#include "validation/ns3_report.hpp"

namespace plait::validation {

std::vector<Case> ns3_cases(const std::string& folder) {
  const std::string ns3 = folder + "/ns3/";
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ns3 + "cfg"))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  std::vector<Case> cases;
  for (const std::string& name : names)
    cases.push_back({"ns3/" + name, [ns3, name](const Settings& settings) {
                       const std::string config = ns3 + "cfg/" + name + ".txt";
                       const std::string topology = read_ns3_config(config).topology_file;
                       const Ns3Case one({ns3 + std::filesystem::path(topology).filename().string(),
                                          ns3 + name + ".csv", config});
                       return compare(one, name, settings);
                     }});
  return cases;
}

}  // namespace plait::validation
