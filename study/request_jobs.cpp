// SPDX-License-Identifier: Apache-2.0
#include "study/request_jobs.hpp"

#include <fmt/format.h>

#include <utility>

#include "models/rpc/rpc_client.hpp"
#include "models/rpc/rpc_server.hpp"
#include "models/serving/serving_process.hpp"
#include "study/error_place.hpp"
#include "workloads/serving/memory.hpp"

namespace plait {

namespace {

Workload idle_workload(std::uint32_t ranks) {
  Workload workload;
  workload.graphs.assign(ranks, std::make_shared<const OpGraph>());
  workload.groups.push_back({"all", {}});
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    workload.groups[0].ranks.push_back(RankId(rank));
  return workload;
}

std::uint64_t seed_of(const Scenario& scenario, std::size_t index) {
  return static_cast<std::uint64_t>(scenario.run.seed) + (std::uint64_t{index} << 32);
}

RequestJob load_rpc(const Scenario& scenario, std::size_t index) {
  const JobSpec& spec = scenario.jobs[index];
  RequestJob job;
  job.rpc = std::make_shared<const RpcPlan>(*spec.rpc, seed_of(scenario, index));
  job.workload = idle_workload(job.rpc->ranks());
  job.hosts = job.rpc->hosts();
  job.info = {RequestKind::kRpc, JobId(index), {spec.name}, spec.rpc->slo};
  job.count = std::uint64_t{job.rpc->clients()} * job.rpc->requests();
  return job;
}

RequestJob load_serving(const Scenario& scenario, std::size_t index) {
  const JobSpec& spec = scenario.jobs[index];
  const RequestStreamParams& stream = spec.serving->requests;
  check_serving(*spec.serving);
  std::vector<InferenceRequest> requests =
      make_requests(stream, scenario.file_path(stream.file), seed_of(scenario, index));
  RequestJob job;
  job.serving = std::make_shared<const ServingPlan>(*spec.serving, std::move(requests));
  check_serving_memory(*spec.serving, job.serving->requests(), scenario.fabric.host.gpu.memory);
  job.workload = job.serving->workload();
  job.info = {RequestKind::kInference, JobId(index), {spec.name}, spec.serving->slo};
  job.count = job.serving->requests().size();
  return job;
}

using Processes = std::vector<std::unique_ptr<RequestProcess>>;

Processes rpc_processes(const RpcPlan& plan, const JobContext& job) {
  std::vector<GpuId> gpus;
  for (std::size_t rank = 0; rank < plan.ranks(); ++rank) gpus.push_back(job.gpu(RankId(rank)));
  const auto context = std::make_shared<RpcContext>(job.id(), plan, std::move(gpus));
  Processes processes;
  for (std::uint32_t client = 0; client < plan.clients(); ++client)
    processes.push_back(std::make_unique<RpcClient>(context, client));
  for (std::uint32_t server = 0; server < plan.servers(); ++server)
    processes.push_back(std::make_unique<RpcServer>(context, server));
  return processes;
}

Processes serving_processes(const std::shared_ptr<const ServingPlan>& plan,
                            const std::shared_ptr<const JobContext>& job, SimTime start) {
  const auto context = std::make_shared<ServingContext>(plan, job, start);
  Processes processes;
  for (std::size_t rank = 0; rank < job->rank_count(); ++rank)
    processes.push_back(std::make_unique<ServingProcess>(context, RankId(rank)));
  return processes;
}

}  // namespace

RequestJob load_request_job(const Scenario& scenario, std::size_t index) {
  const std::string path = fmt::format("jobs.{}", index);
  const JobSpec& spec = scenario.jobs[index];
  if ((spec.rpc || spec.serving) && scenario.run.fidelity == Fidelity::kLoggops)
    throw UserError(scenario.where(path),
                    fmt::format("{}: {} cannot run with run.fidelity loggops, which walks fixed op "
                                "graphs; choose packet or analytic",
                                path, spec.rpc ? "rpc" : "serving"));
  if (scenario.jobs[index].rpc)
    return at(scenario, path + ".rpc", [&] { return load_rpc(scenario, index); });
  if (scenario.jobs[index].serving)
    return at(scenario, path + ".serving", [&] { return load_serving(scenario, index); });
  return {};
}

std::vector<const RequestProcess*> place_request_job(const RequestJob& job,
                                                     std::shared_ptr<const JobContext> context,
                                                     SimTime start, NetworkSimulation& simulation) {
  Processes processes =
      job.rpc ? rpc_processes(*job.rpc, *context) : serving_processes(job.serving, context, start);
  std::vector<const RequestProcess*> placed;
  for (std::size_t rank = 0; rank < processes.size(); ++rank) {
    placed.push_back(processes[rank].get());
    simulation.place(context->gpu(RankId(rank)), std::move(processes[rank]), start);
  }
  return placed;
}

std::uint64_t requests_ended(std::span<const RequestProcess* const> processes) {
  std::uint64_t sum = 0;
  for (const RequestProcess* process : processes) sum += process->requests_ended();
  return sum;
}

void collect_requests(std::span<const RequestProcess* const> processes, SimTime cut,
                      std::vector<RequestRecord>& requests) {
  std::vector<RequestRecord> of_job;
  for (const RequestProcess* process : processes) process->collect(of_job);
  std::erase_if(of_job, [&](const RequestRecord& request) { return request.arrival > cut; });
  requests.insert(requests.end(), of_job.begin(), of_job.end());
}

}  // namespace plait
