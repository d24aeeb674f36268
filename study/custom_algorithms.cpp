// SPDX-License-Identifier: Apache-2.0
#include "study/custom_algorithms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/error.hpp"
#include "study/error_place.hpp"
#include "workloads/collectives/custom.hpp"

namespace plait {

namespace {

// What an algorithm in a file can compute; MSCCL's XML names these itself.
constexpr std::array kKinds{CollectiveKind::kAllReduce, CollectiveKind::kAllGather,
                            CollectiveKind::kReduceScatter, CollectiveKind::kAllToAll};

std::string path_of(std::size_t index) { return fmt::format("collectives.overrides.{}.", index); }

bool is_chakra(const CollectiveOverride& one) {
  return one.file.find("{rank}") != std::string::npos;
}

CollectiveKind kind_of(const CollectiveOverride& one) {
  return static_cast<CollectiveKind>(static_cast<int>(one.kind) - 1);
}

std::string kind_names() {
  std::vector<std::string> names;
  for (const CollectiveKind kind : kKinds) names.emplace_back(to_string(kind));
  return fmt::format("{}", fmt::join(names, ", "));
}

void load(const Scenario& scenario, std::size_t index, CollectiveOverride& one) {
  const std::string file = scenario.file_path(one.file);
  one.custom = at(scenario, path_of(index) + "file", [&] {
    return is_chakra(one) ? load_custom_chakra(file, kind_of(one), one.written_for)
                          : load_custom_algorithm(file);
  });
  if (one.kind == CollectiveFilter::kAny || kind_of(one) == one.custom->kind) return;
  const std::string path = path_of(index) + "kind";
  throw UserError(scenario.where(path),
                  fmt::format("{}: {}, but '{}' in {} is for {}", path, to_string(kind_of(one)),
                              one.custom->name, one.custom->place, to_string(one.custom->kind)));
}

}  // namespace

void check_custom_keys(const Scenario& scenario, std::size_t index) {
  const CollectiveOverride& one = scenario.collectives.overrides[index];
  const auto fail = [&](const std::string& key, const std::string& what) {
    throw UserError(scenario.where(path_of(index) + key),
                    fmt::format("{}{}: {}", path_of(index), key, what));
  };
  if (one.algorithm != CollectiveAlgorithm::kCustom) {
    if (!one.file.empty()) fail("file", "applies to algorithm custom only; set that or remove it");
    if (one.written_for != Bytes{})
      fail("written_for", "applies to algorithm custom only; remove it");
    return;
  }
  if (one.file.empty())
    fail("algorithm",
         "custom needs `file` beside it: MSCCL's XML, or Chakra files with {rank} in the name");
  if (one.channels != 0) fail("channels", "the file of algorithm custom says; remove it");
  if (!is_chakra(one)) {
    if (one.written_for != Bytes{})
      fail("written_for",
           "applies to Chakra files ({rank} in the name) only, an XML file cuts what a call has; "
           "remove it");
    return;
  }
  if (one.written_for == Bytes{})
    fail("file",
         "Chakra files do not say for how much data they are; give `written_for` beside it, the "
         "size of a call for which their messages hold");
  const bool legal = one.kind != CollectiveFilter::kAny &&
                     std::find(kKinds.begin(), kKinds.end(), kind_of(one)) != kKinds.end();
  if (!legal)
    fail("kind", fmt::format("Chakra files do not say what they compute; legal beside them: {}",
                             kind_names()));
}

void load_custom_algorithms(Scenario& scenario) {
  std::vector<CollectiveOverride>& overrides = scenario.collectives.overrides;
  for (std::size_t i = 0; i < overrides.size(); ++i)
    if (overrides[i].algorithm == CollectiveAlgorithm::kCustom) load(scenario, i, overrides[i]);
}

std::vector<std::string> custom_algorithm_lines(const Scenario& scenario) {
  std::vector<std::string> lines;
  for (const CollectiveOverride& one : scenario.collectives.overrides) {
    if (one.custom == nullptr) continue;
    std::size_t messages = 0, channels = 0;
    for (const auto& rank : one.custom->steps) {
      channels = std::max(channels, rank.size());
      for (const std::vector<CustomStep>& steps : rank)
        messages += static_cast<std::size_t>(
            std::count_if(steps.begin(), steps.end(),
                          [](const CustomStep& step) { return step.send_to != kNoPeer; }));
    }
    lines.push_back(fmt::format(
        "algorithm custom:{}: {} of {} ranks, {} messages on at most {} channels a rank, {}",
        one.custom->name, to_string(one.custom->kind), one.custom->ranks, messages, channels,
        one.custom->input_chunks == 0 ? "what it computes is not checked"
                                      : "checked to compute that"));
  }
  return lines;
}

}  // namespace plait
