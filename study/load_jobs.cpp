// SPDX-License-Identifier: Apache-2.0
// From the description of each job to its workload.
#include <fmt/format.h>

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

}  // namespace

std::vector<LoadedJob> load_jobs(const Scenario& scenario, std::vector<std::string>& warnings) {
  std::vector<LoadedJob> jobs;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const JobSpec& spec = scenario.jobs[i];
    RequestJob requests = load_request_job(scenario, i);
    Workload workload = requests.empty() ? load_workload(scenario, i, warnings) : requests.workload;
    jobs.push_back({spec.name, std::move(workload), SimTime::at(spec.start), std::move(requests)});
  }
  return jobs;
}

}  // namespace plait
