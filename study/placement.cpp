// SPDX-License-Identifier: Apache-2.0
// Which GPU each rank of each job gets.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/error.hpp"
#include "study/build.hpp"

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
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      placement.gpu.push_back(gpus[rank]);
      placement.host.push_back(graph.gpu_host(gpus[rank]).value());
      taken[gpus[rank].index()] = true;
    }
    placements.push_back(std::move(placement));
  }
  return placements;
}

}  // namespace plait
