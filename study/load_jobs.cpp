// SPDX-License-Identifier: Apache-2.0
// From the description of each job to its workload.
#include <fmt/format.h>

#include <algorithm>

#include "sim/error.hpp"
#include "study/build.hpp"
#include "study/collective_warnings.hpp"
#include "study/error_place.hpp"
#include "study/training_report.hpp"
#include "topologies/metrics.hpp"
#include "workloads/rescale.hpp"
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

Workload generate_training(const Scenario& scenario, std::size_t index,
                           std::vector<std::string>& warnings) {
  const StorageParams* storage = nullptr;
  if (!scenario.jobs[index].generate->checkpoint_storage.empty())
    storage = &*scenario.jobs[checkpoint_storage(scenario, index)].storage;
  TrainingParams params = *scenario.jobs[index].generate;
  if (!params.kernel_times.empty()) params.kernel_times = scenario.file_path(params.kernel_times);
  Workload workload = make_training_workload(params, storage);
  const std::string warning = memory_warning(params, scenario.fabric.host.gpu);
  if (!warning.empty())
    warnings.push_back(scenario.at(fmt::format("jobs.{}.generate", index), warning));
  return workload;
}

// The slowest host counts where they differ. GPUs that share a NIC share its rate.
TrafficRates rates_of(const FabricGraph* fabric, const TrafficParams& traffic) {
  TrafficRates rates;
  if (traffic.arrivals != Arrivals::kPoisson) return rates;
  if (fabric == nullptr)
    throw UserError("a load is a share of a fabric's rates, and run.fidelity loggops has none");
  const FabricGraph& graph = *fabric;
  if (traffic.load_of == LoadOf::kBisection) rates.bisection = bisection_bandwidth(graph);
  for (std::size_t gpu = 0; gpu < graph.gpu_count(); ++gpu) {
    const NodeId host = graph.gpu_host(GpuId(gpu));
    const FabricNode& node = graph.node(host);
    if (node.ports == 0) continue;
    const BitRate nic = graph.egress(graph.port(host, 0)).rate;
    const BitRate share = node.gpus > node.ports ? nic * node.ports / node.gpus : nic;
    if (rates.rank == BitRate() || share < rates.rank) rates.rank = share;
  }
  return rates;
}

Workload load_workload(const Scenario& scenario, const FabricGraph* graph, std::size_t index,
                       std::vector<std::string>& warnings) {
  const JobSpec& spec = scenario.jobs[index];
  const std::string job = fmt::format("jobs.{}", index);
  if (spec.traffic)
    return at(scenario, job + ".traffic", [&] {
      // Jobs with the same pattern draw differently.
      const std::uint64_t seed = static_cast<std::uint64_t>(scenario.run.seed) + (index << 32);
      TrafficParams traffic = *spec.traffic;
      if (!traffic.cdf.empty()) traffic.cdf = scenario.file_path(traffic.cdf);
      return make_traffic(traffic, seed, rates_of(graph, traffic));
    });
  if (spec.collective)
    return at(scenario, job + ".collective",
              [&] { return make_collective_workload(*spec.collective); });
  if (!spec.flows.empty())
    return at(scenario, job + ".flows",
              [&] { return load_flow_list(scenario.file_path(spec.flows)); });
  if (spec.generate)
    return at(scenario, job + ".generate",
              [&] { return generate_training(scenario, index, warnings); });
  Workload trace =
      at(scenario, job + ".trace", [&] { return read_trace(scenario, spec, warnings); });
  if (!spec.rescale) return trace;
  return at(scenario, job + ".rescale", [&] {
    return rescale(trace, static_cast<std::uint32_t>(spec.rescale->ranks),
                   spec.rescale->data_groups);
  });
}

JobKind kind_of(const JobSpec& spec) {
  return spec.traffic || !spec.flows.empty() ? JobKind::kTraffic : JobKind::kTraining;
}

// Servers without clients are there for checkpoints; without those the job forgot its clients.
void warn_of_idle_storage(const Scenario& scenario, const std::vector<LoadedJob>& jobs,
                          std::vector<std::string>& warnings) {
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    if (!scenario.jobs[i].storage || scenario.jobs[i].storage->clients > 0) continue;
    const bool used = std::any_of(jobs.begin(), jobs.end(), [&](const LoadedJob& job) {
      return job.storage && job.storage->job == i && &job != &jobs[i];
    });
    if (!used)
      warnings.push_back(scenario.at(
          fmt::format("jobs.{}.storage", i),
          fmt::format("nobody reads or writes: set clients, or checkpoint_storage: {} in the "
                      "generate of a job",
                      scenario.jobs[i].name)));
  }
}

}  // namespace

std::vector<LoadedJob> load_jobs(const Scenario& scenario, const FabricGraph* graph,
                                 std::vector<std::string>& warnings) {
  std::vector<LoadedJob> jobs;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const JobSpec& spec = scenario.jobs[i];
    LoadedJob job;
    job.name = spec.name;
    job.requests = load_request_job(scenario, i);
    if (spec.storage)
      load_storage_job(scenario, i, job);
    else if (job.requests.empty())
      job.workload = load_workload(scenario, graph, i, warnings);
    else
      job.workload = job.requests.workload;
    if (spec.generate && !spec.generate->checkpoint_storage.empty())
      use_for_checkpoints(scenario, i, checkpoint_storage(scenario, i), job);
    job.start = SimTime::at(spec.start);
    job.kind = kind_of(spec);
    job.background = spec.background;
    jobs.push_back(std::move(job));
  }
  warn_of_unused_choices(scenario, jobs, warnings);
  warn_of_idle_storage(scenario, jobs, warnings);
  return jobs;
}

}  // namespace plait
