// SPDX-License-Identifier: Apache-2.0
// Which GPU each rank of each job gets.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/error.hpp"
#include "study/build.hpp"
#include "study/error_place.hpp"

namespace plait {

namespace {

// Free GPUs in the order in which a placement hands them out.
std::vector<GpuId> free_gpus(const FabricGraph& graph, Placement placement,
                             const std::vector<bool>& taken) {
  std::vector<GpuId> order;
  if (placement == Placement::kPacked) {
    for (std::size_t gpu = 0; gpu < graph.gpu_count(); ++gpu) order.emplace_back(gpu);
  } else {
    std::uint32_t most = 0;
    for (const NodeId host : graph.hosts()) most = std::max(most, graph.node(host).gpus);
    for (std::uint32_t slot = 0; slot < most; ++slot)
      for (const NodeId host : graph.hosts())
        if (slot < graph.node(host).gpus) order.emplace_back(graph.first_gpu(host).value() + slot);
  }
  std::erase_if(order, [&](GpuId gpu) { return taken[gpu.index()]; });
  return order;
}

NodeId host_called(const FabricGraph& graph, const std::string& name) {
  std::vector<std::string> names;
  for (const NodeId host : graph.hosts()) {
    if (graph.node(host).name == name) return host;
    names.push_back(graph.node(host).name);
  }
  throw UserError(fmt::format("there is no host '{}'{}", name, did_you_mean(name, names)));
}

// Ranks whose host is named get its next GPU, then the others what is left, all in `order`.
std::vector<GpuId> on_named_hosts(const FabricGraph& graph, std::vector<GpuId> order,
                                  const std::vector<std::string>& hosts, std::size_t ranks) {
  std::vector<GpuId> gpu_of(ranks);
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
    if (hosts[rank].empty()) continue;
    const NodeId host = host_called(graph, hosts[rank]);
    const auto gpu = std::find_if(order.begin(), order.end(),
                                  [&](GpuId g) { return graph.gpu_host(g) == host; });
    if (gpu == order.end())
      throw UserError(fmt::format("no GPU of host '{}' is left for rank {}", hosts[rank], rank));
    gpu_of[rank] = *gpu;
    order.erase(gpu);
  }
  auto next = order.begin();
  for (GpuId& gpu : gpu_of)
    if (!gpu.valid()) gpu = *next++;
  return gpu_of;
}

}  // namespace

std::vector<JobPlacement> place_jobs(const Scenario& scenario, const FabricGraph& graph,
                                     const std::vector<LoadedJob>& jobs) {
  std::vector<JobPlacement> placements;
  std::vector<bool> taken(graph.gpu_count());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::vector<GpuId> gpus = free_gpus(graph, scenario.jobs[i].placement, taken);
    const std::size_t ranks = jobs[i].workload.graphs.size();
    if (ranks > gpus.size())
      throw UserError(scenario.where(fmt::format("jobs.{}", i)),
                      fmt::format("jobs.{}: job '{}' has {} ranks, but the fabric has {} GPUs{}; "
                                  "raise the number of hosts or fabric.host.gpus",
                                  i, jobs[i].name, ranks, gpus.size(), i == 0 ? "" : " left"));
    JobPlacement placement;
    placement.gpu = at(scenario, fmt::format("jobs.{}", i),
                       [&] { return on_named_hosts(graph, gpus, jobs[i].requests.hosts, ranks); });
    for (const GpuId gpu : placement.gpu) {
      placement.host.push_back(graph.gpu_host(gpu).value());
      taken[gpu.index()] = true;
    }
    placements.push_back(std::move(placement));
  }
  return placements;
}

}  // namespace plait
