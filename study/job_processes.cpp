// SPDX-License-Identifier: Apache-2.0
#include "study/job_processes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "models/network_context.hpp"
#include "sim/error.hpp"
#include "study/error_place.hpp"

namespace plait {

namespace {

using Contexts = std::vector<std::shared_ptr<const JobContext>>;

// What a job did at its storage is told by the times of its ops.
bool keeps_times(const Scenario& scenario, const LoadedJob& job) {
  return job.storage || (scenario.run.record_ops && job.requests.empty());
}

Contexts make_contexts(const Scenario& scenario, const CollectiveFacts& facts,
                       const Experiment& experiment) {
  const CollectiveMode mode = scenario.run.fidelity == Fidelity::kAnalytic ? CollectiveMode::kPrice
                                                                           : CollectiveMode::kSteps;
  Contexts contexts;
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i) {
    GpuParams gpu = scenario.fabric.host.gpu;
    gpu.compute_scale *= scenario.jobs[i].compute_scale;
    JobPlacement placement = experiment.placements[i];
    for (const GpuId one : placement.gpu)
      placement.nic.push_back(nic_port(*experiment.fabric.graph, one).value());
    contexts.push_back(at(scenario, fmt::format("jobs.{}", i), [&] {
      return std::make_shared<const JobContext>(
          JobId(i), experiment.jobs[i].name, experiment.jobs[i].workload, std::move(placement),
          scenario.collectives, gpu, keeps_times(scenario, experiment.jobs[i]), facts, mode);
    }));
  }
  return contexts;
}

// Jobs that have their GPUs alone all count from 0; each that shares comes after them and after
// those that share before it.
std::vector<StreamRange> divide_streams(const Scenario& scenario, const Contexts& contexts) {
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < contexts.size(); ++i)
    if (!scenario.jobs[i].shared) next = std::max(next, contexts[i]->stream_count());
  std::vector<StreamRange> ranges;
  const std::uint32_t alone = next;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (!scenario.jobs[i].shared) {
      ranges.push_back({0, alone});
      continue;
    }
    const std::uint32_t count = contexts[i]->stream_count();
    if (count > kMaxStreams - next)
      throw UserError(
          scenario.where(fmt::format("jobs.{}.shared", i)),
          fmt::format("jobs.{}.shared: the jobs that share GPUs need more than the {} message "
                      "streams of a GPU: before job '{}' {}, for it {}; give it fewer flows per "
                      "pair of ranks",
                      i, kMaxStreams, scenario.jobs[i].name, next, count));
    ranges.push_back({next, count});
    next += count;
  }
  return ranges;
}

// The processes of a request job sit alone: they number their streams and timers as they like.
void refuse_sharing(const Scenario& scenario, const Experiment& experiment) {
  std::vector<std::string> owner(experiment.fabric.graph->gpu_count());
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i) {
    if (experiment.jobs[i].requests.empty()) continue;
    if (scenario.jobs[i].shared || scenario.jobs[i].background)
      throw UserError(scenario.where(fmt::format("jobs.{}", i)),
                      fmt::format("jobs.{}: job '{}' serves requests; shared and background apply "
                                  "to jobs of other kinds only",
                                  i, scenario.jobs[i].name));
    for (const GpuId gpu : experiment.placements[i].gpu) owner[gpu.index()] = scenario.jobs[i].name;
  }
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i)
    for (const GpuId gpu : experiment.placements[i].gpu)
      if (!owner[gpu.index()].empty() && experiment.jobs[i].requests.empty())
        throw UserError(scenario.where(fmt::format("jobs.{}", i)),
                        fmt::format("jobs.{}: job '{}' shares a GPU with job '{}', which serves "
                                    "requests and must have its GPUs alone; name other hosts",
                                    i, scenario.jobs[i].name, owner[gpu.index()]));
}

bool needs_seats(const Scenario& scenario) {
  return std::any_of(scenario.jobs.begin(), scenario.jobs.end(),
                     [](const JobSpec& job) { return job.shared || job.background; });
}

}  // namespace

void place_processes(const Scenario& scenario, const std::vector<bool>& runs,
                     const CollectiveFacts& facts, Experiment& experiment) {
  refuse_sharing(scenario, experiment);
  experiment.contexts = make_contexts(scenario, facts, experiment);
  const Contexts& contexts = experiment.contexts;
  experiment.streams = divide_streams(scenario, contexts);
  const bool seats = needs_seats(scenario);
  std::map<GpuId, std::unique_ptr<SharedGpu>> shared;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    std::vector<const Rank*>& ranks = experiment.ranks.emplace_back();
    auto& request_processes = experiment.request_processes.emplace_back();
    if (!runs.empty() && !runs[i]) continue;
    const LoadedJob& job = experiment.jobs[i];
    if (!job.requests.empty()) {
      request_processes =
          place_request_job(job.requests, contexts[i], job.start, *experiment.simulation);
      continue;
    }
    for (std::size_t rank = 0; rank < job.walkers(); ++rank) {
      auto process = std::make_unique<Rank>(contexts[i], RankId(rank));
      ranks.push_back(process.get());
      const GpuId gpu = contexts[i]->gpu(RankId(rank));
      const SimTime start = experiment.jobs[i].start;
      if (!seats) {
        experiment.simulation->place(gpu, std::move(process), start);
        continue;
      }
      auto& seat = shared[gpu];
      if (!seat) seat = std::make_unique<SharedGpu>(gpu);
      seat->add(std::move(process), experiment.streams[i], start, scenario.jobs[i].background);
    }
  }
  place_storage_servers(scenario, runs, experiment);
  for (auto& [gpu, seat] : shared) {
    const SimTime start = seat->first_start();
    experiment.simulation->place(gpu, std::move(seat), start);
  }
}

}  // namespace plait
