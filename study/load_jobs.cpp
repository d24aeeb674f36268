// SPDX-License-Identifier: Apache-2.0
// From the description of each job to its workload.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/collective_choice.hpp"
#include "sim/error.hpp"
#include "study/build.hpp"
#include "study/error_place.hpp"
#include "workloads/trace.hpp"

namespace plait {

namespace {

Workload read_trace(const Scenario& scenario, const JobSpec& spec,
                    std::vector<std::string>& warnings) {
  TraceOptions options;
  if (!spec.groups.empty()) options.group_file = scenario.file_path(spec.groups);
  if (spec.ranks > 0) options.ranks = static_cast<std::uint32_t>(spec.ranks);
  options.format = spec.format;
  options.step = spec.step;
  options.strict = spec.strict;
  return load_trace(scenario.file_path(spec.trace), options, &warnings);
}

Workload load_workload(const Scenario& scenario, std::size_t index,
                       std::vector<std::string>& warnings) {
  const JobSpec& spec = scenario.jobs[index];
  const std::string job = fmt::format("jobs.{}", index);
  if (spec.traffic)
    return at(scenario, job + ".traffic", [&] {
      // Jobs with the same pattern draw differently.
      const std::uint64_t seed = static_cast<std::uint64_t>(scenario.run.seed) + (index << 32);
      return make_traffic(*spec.traffic, seed);
    });
  if (spec.collective)
    return at(scenario, job + ".collective",
              [&] { return make_collective_workload(*spec.collective); });
  if (!spec.flows.empty())
    return at(scenario, job + ".flows",
              [&] { return load_flow_list(scenario.file_path(spec.flows)); });
  return at(scenario, job + ".trace", [&] { return read_trace(scenario, spec, warnings); });
}

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

}  // namespace

std::vector<LoadedJob> load_jobs(const Scenario& scenario, std::vector<std::string>& warnings) {
  std::vector<LoadedJob> jobs;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const JobSpec& spec = scenario.jobs[i];
    RequestJob requests = load_request_job(scenario, i);
    Workload workload = requests.empty() ? load_workload(scenario, i, warnings) : requests.workload;
    jobs.push_back({spec.name, std::move(workload), SimTime::at(spec.start), std::move(requests)});
  }
  warn_of_unmatched(scenario, jobs, warnings);
  return jobs;
}

}  // namespace plait
