// SPDX-License-Identifier: Apache-2.0
#include "study/request_jobs.hpp"

#include <fmt/format.h>

#include <utility>

#include "models/rpc/rpc_client.hpp"
#include "models/rpc/rpc_server.hpp"
#include "study/error_place.hpp"

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

std::vector<std::unique_ptr<RequestProcess>> rpc_processes(const RpcPlan& plan, JobId id,
                                                           const JobPlacement& placement) {
  const auto context = std::make_shared<RpcContext>(id, plan, placement.gpu);
  std::vector<std::unique_ptr<RequestProcess>> processes;
  for (std::uint32_t client = 0; client < plan.clients(); ++client)
    processes.push_back(std::make_unique<RpcClient>(context, client));
  for (std::uint32_t server = 0; server < plan.servers(); ++server)
    processes.push_back(std::make_unique<RpcServer>(context, server));
  return processes;
}

}  // namespace

RequestJob load_request_job(const Scenario& scenario, std::size_t index) {
  const std::string path = fmt::format("jobs.{}", index);
  if (scenario.jobs[index].rpc)
    return at(scenario, path + ".rpc", [&] { return load_rpc(scenario, index); });
  return {};
}

std::vector<const RequestProcess*> place_request_job(const RequestJob& job, JobId id,
                                                     const JobPlacement& placement, SimTime start,
                                                     NetworkSimulation& simulation) {
  std::vector<const RequestProcess*> placed;
  if (job.empty()) return placed;
  auto processes = rpc_processes(*job.rpc, id, placement);
  for (std::size_t rank = 0; rank < processes.size(); ++rank) {
    placed.push_back(processes[rank].get());
    simulation.place(placement.gpu[rank], std::move(processes[rank]), start);
  }
  return placed;
}

std::uint64_t requests_ended(std::span<const RequestProcess* const> processes) {
  std::uint64_t sum = 0;
  for (const RequestProcess* process : processes) sum += process->requests_ended();
  return sum;
}

void collect_requests(std::span<const RequestProcess* const> processes,
                      std::vector<RequestRecord>& requests) {
  std::vector<RequestRecord> of_job;
  for (const RequestProcess* process : processes) process->collect(of_job);
  requests.insert(requests.end(), of_job.begin(), of_job.end());
}

}  // namespace plait
