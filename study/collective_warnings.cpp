// SPDX-License-Identifier: Apache-2.0
#include "study/collective_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "models/collective_choice.hpp"
#include "sim/error.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

namespace {

// An override for a group that no job has is probably a slip of the pen.
void warn_of_unmatched(const Scenario& scenario, const std::vector<LoadedJob>& jobs,
                       std::vector<std::string>& warnings) {
  std::set<std::string> distinct;
  for (const LoadedJob& job : jobs)
    for (const Group& group : job.workload.groups) distinct.insert(group.name);
  const std::vector<std::string> names(distinct.begin(), distinct.end());
  constexpr std::size_t kMostNamed = 8;
  for (std::size_t i = 0; i < scenario.collectives.overrides.size(); ++i) {
    const std::string& pattern = scenario.collectives.overrides[i].group;
    const auto fits = [&](const std::string& name) { return matches_pattern(pattern, name); };
    if (pattern == "*" || std::any_of(names.begin(), names.end(), fits)) continue;
    const std::size_t named = std::min(names.size(), kMostNamed);
    const std::span<const std::string> first(names.data(), named);
    warnings.push_back(scenario.at(
        fmt::format("collectives.overrides.{}.group", i),
        fmt::format(
            "no effect: no job has a group '{}'{} groups: {}{}", pattern,
            nearest_name(pattern, names).empty() ? ";" : did_you_mean(pattern, names),
            names.empty() ? "none" : fmt::format("{}", fmt::join(first, ", ")),
            names.size() > named ? fmt::format(" and {} more", names.size() - named) : "")));
  }
}

using KindsByGroup = std::map<GroupId, std::set<CollectiveKind>>;

/// What `graph` calls with sizes that the override is for, by the groups that its ops name.
KindsByGroup kinds_of(const OpGraph& graph, const CollectiveOverride& wish) {
  KindsByGroup kinds;
  for (const Op& op : graph.ops())
    if (op.kind == OpKind::kCollective && op.size >= wish.from && op.size < wish.to)
      kinds[op.group].insert(op.collective);
  return kinds;
}

/// Kinds of the calls that an override for any kind is for.
std::set<CollectiveKind> kinds_called(const std::vector<LoadedJob>& jobs,
                                      const CollectiveOverride& wish) {
  std::set<CollectiveKind> all;
  std::map<const OpGraph*, KindsByGroup> known;  // looked up, never iterated
  for (const LoadedJob& job : jobs) {
    const Workload& workload = job.workload;
    for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
      const OpGraph* graph = workload.graphs[rank].get();
      const auto [found, is_new] = known.try_emplace(graph);
      if (is_new) found->second = kinds_of(*graph, wish);
      for (const auto& [group, kinds] : found->second)
        if (matches_pattern(wish.group,
                            workload.groups[workload.group(RankId(rank), group).index()].name))
          all.insert(kinds.begin(), kinds.end());
    }
  }
  return all;
}

// Kinds without the algorithm choose for themselves; when all do, the user wanted something else.
void warn_of_unused_algorithm(const Scenario& scenario, const std::vector<LoadedJob>& jobs,
                              const std::string& path, const CollectiveOverride& wish,
                              std::vector<std::string>& warnings) {
  std::string called;
  const std::set<CollectiveKind> kinds = kinds_called(jobs, wish);
  // What a server calls shows when it runs.
  if (kinds.empty() && std::any_of(jobs.begin(), jobs.end(),
                                   [](const LoadedJob& job) { return !job.requests.empty(); }))
    return;
  for (const CollectiveKind kind : kinds) {
    std::vector<std::string_view> names;
    for (const CollectiveAlgorithm legal : legal_algorithms(kind)) {
      if (legal == wish.algorithm) return;
      names.push_back(to_string(legal));
    }
    called += fmt::format("{}{} ({})", called.empty() ? "" : ", ", to_string(kind),
                          fmt::join(names, " "));
  }
  warnings.push_back(scenario.at(
      path, kinds.empty() ? "no effect: no job calls a collective that it is for"
                          : fmt::format("no effect: the calls are of kinds without {}, which "
                                        "choose among what they have: {}",
                                        to_string(wish.algorithm), called)));
}

bool any_group_fits(const std::vector<LoadedJob>& jobs, const std::string& pattern) {
  return std::any_of(jobs.begin(), jobs.end(), [&](const LoadedJob& job) {
    return std::any_of(job.workload.groups.begin(), job.workload.groups.end(),
                       [&](const Group& group) { return matches_pattern(pattern, group.name); });
  });
}

}  // namespace

void warn_of_unused_choices(const Scenario& scenario, const std::vector<LoadedJob>& jobs,
                            std::vector<std::string>& warnings) {
  warn_of_unmatched(scenario, jobs, warnings);
  const CollectiveParams& params = scenario.collectives;
  const std::string of_all = "collectives.algorithm";
  if (params.algorithm != CollectiveAlgorithm::kAuto && scenario.locations.contains(of_all))
    warn_of_unused_algorithm(scenario, jobs, of_all, {.algorithm = params.algorithm}, warnings);
  for (std::size_t i = 0; i < params.overrides.size(); ++i) {
    const CollectiveOverride& wish = params.overrides[i];
    // The algorithm of one kind is checked with the scenario, a file says its kind itself.
    if (wish.kind != CollectiveFilter::kAny || wish.algorithm == CollectiveAlgorithm::kAuto ||
        wish.algorithm == CollectiveAlgorithm::kCustom || !any_group_fits(jobs, wish.group))
      continue;
    warn_of_unused_algorithm(scenario, jobs, fmt::format("collectives.overrides.{}.algorithm", i),
                             wish, warnings);
  }
}

}  // namespace plait
