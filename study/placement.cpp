// SPDX-License-Identifier: Apache-2.0
#include "study/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "study/build.hpp"
#include "study/error_place.hpp"

namespace plait {

namespace {

constexpr std::uint32_t kPlacementPurpose = 0x706c6163;  // "plac"

std::vector<NodeId> allowed_hosts(const JobSpec& spec, const FabricGraph& graph) {
  if (spec.hosts.empty()) return {graph.hosts().begin(), graph.hosts().end()};
  std::vector<NodeId> hosts;
  for (const std::string& name : spec.hosts) {
    const NodeId host = host_called(graph, name);
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end())
      throw UserError(fmt::format("host '{}' is named twice", name));
    hosts.push_back(host);
  }
  return hosts;
}

GpuId gpu_of(const FabricGraph& graph, NodeId host, std::uint32_t slot) {
  return GpuId(std::size_t{graph.first_gpu(host).value()} + slot);
}

std::uint32_t most_gpus(const FabricGraph& graph, const std::vector<NodeId>& hosts) {
  std::uint32_t most = 0;
  for (const NodeId host : hosts) most = std::max(most, graph.node(host).gpus);
  return most;
}

std::vector<GpuId> packed(const FabricGraph& graph, const std::vector<NodeId>& hosts) {
  std::vector<GpuId> order;
  for (const NodeId host : hosts)
    for (std::uint32_t slot = 0; slot < graph.node(host).gpus; ++slot)
      order.push_back(gpu_of(graph, host, slot));
  return order;
}

std::vector<GpuId> in_turn(const FabricGraph& graph, const std::vector<NodeId>& hosts) {
  std::vector<GpuId> order;
  for (std::uint32_t slot = 0; slot < most_gpus(graph, hosts); ++slot)
    for (const NodeId host : hosts)
      if (slot < graph.node(host).gpus) order.push_back(gpu_of(graph, host, slot));
  return order;
}

// Fisher and Yates.
void shuffle(std::vector<GpuId>& gpus, std::uint64_t seed, std::size_t job) {
  RandomStream random(seed, static_cast<std::uint32_t>(job), kPlacementPurpose);
  for (std::size_t i = gpus.size(); i > 1; --i) std::swap(gpus[i - 1], gpus[random.below(i)]);
}

// Hosts on which rank r of a block can have GPU r: all that the block needs are free.
std::vector<GpuId> rail_aligned(const FabricGraph& graph, const std::vector<NodeId>& hosts,
                                const std::vector<bool>& taken, std::size_t ranks) {
  const std::uint32_t rails = most_gpus(graph, hosts);
  std::vector<GpuId> order;
  for (const NodeId host : hosts) {
    const auto block = static_cast<std::uint32_t>(
        std::min<std::size_t>(rails, ranks - std::min(ranks, order.size())));
    bool fits = block > 0 && graph.node(host).gpus >= block;
    for (std::uint32_t slot = 0; fits && slot < block; ++slot)
      fits = !taken[gpu_of(graph, host, slot).index()];
    for (std::uint32_t slot = 0; fits && slot < block; ++slot)
      order.push_back(gpu_of(graph, host, slot));
  }
  return order;
}

/// Takes GPUs for the jobs, one job after the other.
class Placer {
 public:
  Placer(const Scenario& scenario, const FabricGraph& graph, const std::vector<LoadedJob>& jobs)
      : scenario_(scenario), graph_(graph), jobs_(jobs), taken_(graph.gpu_count()) {}

  void place(std::size_t job) {
    const JobSpec& spec = scenario_.jobs[job];
    const std::size_t ranks = jobs_[job].walkers();
    std::vector<GpuId> gpus;
    if (!spec.beside.empty()) gpus = gpus_beside(job);
    if (!jobs_[job].requests.hosts.empty()) {
      gpus = at(scenario_, fmt::format("jobs.{}", job), [&] { return on_named_hosts(job); });
      return keep(job, gpus);
    }
    std::vector<GpuId> more = candidates(job, ranks - std::min(ranks, gpus.size()));
    std::erase_if(
        more, [&](GpuId gpu) { return std::find(gpus.begin(), gpus.end(), gpu) != gpus.end(); });
    gpus.insert(gpus.end(), more.begin(), more.end());
    if (ranks > gpus.size()) too_few(job, gpus.size());
    gpus.resize(ranks);
    keep(job, gpus);
  }
  // After the GPUs of their job's clients.
  void place_servers(std::size_t job) {
    if (!scenario_.jobs[job].storage) return;
    servers_[job] =
        at(scenario_, fmt::format("jobs.{}.storage", job), [&] { return server_gpus(job); });
    for (const GpuId gpu : servers_[job]) taken_[gpu.index()] = true;
  }
  // The ranks that stand for servers are where these are.
  void add_servers(std::size_t job) {
    if (jobs_[job].storage)
      for (const GpuId gpu : servers_[jobs_[job].storage->job]) put(placements_[job], gpu);
  }
  std::vector<JobPlacement> take() { return std::move(placements_); }

 private:
  std::string path(std::size_t job, const char* key) const {
    return fmt::format("jobs.{}.{}", job, key);
  }

  void put(JobPlacement& placement, GpuId gpu) const {
    placement.gpu.push_back(gpu);
    placement.host.push_back(graph_.gpu_host(gpu).value());
  }

  // Servers have their GPUs alone, also those of a job that shares.
  std::vector<GpuId> server_gpus(std::size_t job) const {
    const StorageParams& storage = *scenario_.jobs[job].storage;
    std::vector<bool> taken = taken_;
    for (const GpuId gpu : placements_[job].gpu) taken[gpu.index()] = true;
    std::vector<GpuId> gpus;
    for (const std::string& name :
         storage_hosts(storage.server_hosts, storage.servers, "server_hosts")) {
      std::vector<NodeId> hosts = allowed_hosts(scenario_.jobs[job], graph_);
      if (!name.empty()) hosts = {host_called(graph_, name)};
      const std::vector<GpuId> order = packed(graph_, hosts);
      const auto gpu =
          std::find_if(order.begin(), order.end(), [&](GpuId g) { return !taken[g.index()]; });
      if (gpu == order.end())
        throw UserError(fmt::format(
            "no GPU {} is left for server {}: other ranks have them; put this job before theirs, "
            "or give them hosts",
            name.empty() ? "of its hosts" : "of host '" + name + "'", gpus.size()));
      taken[gpu->index()] = true;
      gpus.push_back(*gpu);
    }
    return gpus;
  }

  void keep(std::size_t job, const std::vector<GpuId>& gpus) {
    JobPlacement placement;
    for (const GpuId gpu : gpus) {
      put(placement, gpu);
      if (!scenario_.jobs[job].shared) taken_[gpu.index()] = true;
    }
    placements_.push_back(std::move(placement));
  }

  // Ranks of a request job whose host is named get its next GPU, then the others what is left.
  std::vector<GpuId> on_named_hosts(std::size_t job) const {
    const std::vector<std::string>& hosts = jobs_[job].requests.hosts;
    const std::size_t ranks = jobs_[job].walkers();
    std::vector<GpuId> order = candidates(job, ranks);
    if (ranks > order.size()) too_few(job, order.size());
    std::vector<GpuId> gpus(ranks);
    for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
      if (hosts[rank].empty()) continue;
      const NodeId host = host_called(graph_, hosts[rank]);
      const auto gpu = std::find_if(order.begin(), order.end(),
                                    [&](GpuId g) { return graph_.gpu_host(g) == host; });
      if (gpu == order.end())
        throw UserError(fmt::format("no GPU of host '{}' is left for rank {}", hosts[rank], rank));
      gpus[rank] = *gpu;
      order.erase(gpu);
    }
    auto next = order.begin();
    for (GpuId& gpu : gpus)
      if (!gpu.valid()) gpu = *next++;
    return gpus;
  }

  // GPUs of another job, in the order of its ranks.
  std::vector<GpuId> gpus_beside(std::size_t job) const {
    const auto other =
        std::find_if(scenario_.jobs.begin(), scenario_.jobs.end(),
                     [&](const JobSpec& spec) { return spec.name == scenario_.jobs[job].beside; });
    const auto index = static_cast<std::size_t>(other - scenario_.jobs.begin());
    return placements_.at(index).gpu;
  }

  // What the job may take, in the order in which it does.
  std::vector<GpuId> candidates(std::size_t job, std::size_t ranks) const {
    const JobSpec& spec = scenario_.jobs[job];
    const std::vector<bool> none(taken_.size(), false);
    const std::vector<bool>& taken = spec.shared ? none : taken_;
    if (!spec.hostfile.empty())
      return at(scenario_, path(job, "hostfile"), [&] {
        std::vector<GpuId> gpus = read_hostfile(scenario_.file_path(spec.hostfile), graph_);
        for (const GpuId gpu : gpus)
          if (taken[gpu.index()])
            throw UserError(fmt::format("{} has a rank of an earlier job; shared: true allows that",
                                        gpu_name(graph_, gpu)));
        return gpus;
      });
    const std::vector<NodeId> hosts =
        at(scenario_, path(job, "hosts"), [&] { return allowed_hosts(spec, graph_); });
    if (spec.placement == Placement::kRailAligned) return rail_aligned(graph_, hosts, taken, ranks);
    std::vector<GpuId> order =
        spec.placement == Placement::kRoundRobin ? in_turn(graph_, hosts) : packed(graph_, hosts);
    std::erase_if(order, [&](GpuId gpu) { return taken[gpu.index()]; });
    if (spec.placement == Placement::kRandom)
      shuffle(order, static_cast<std::uint64_t>(scenario_.run.seed), job);
    return order;
  }

  [[noreturn]] void too_few(std::size_t job, std::size_t gpus) const {
    const JobSpec& spec = scenario_.jobs[job];
    const std::string left = job == 0 || spec.shared ? "" : " left";
    std::string have = fmt::format("but the fabric has {} GPUs{}", gpus, left);
    std::string remedy = "raise the number of hosts or fabric.host.gpus";
    if (!spec.hostfile.empty()) {
      have = fmt::format("but its host file names {} GPUs", gpus);
      remedy = "add hosts or slots to " + spec.hostfile;
    } else if (!spec.hosts.empty()) {
      have = fmt::format("but its hosts have {} GPUs{}", gpus, left);
      remedy = "name more hosts";
    } else if (spec.placement == Placement::kRailAligned) {
      have = fmt::format("but hosts whose GPUs are free from the first on have {}", gpus);
      remedy = "use packed, or put this job before the others";
    }
    throw UserError(scenario_.where(fmt::format("jobs.{}", job)),
                    fmt::format("jobs.{}: job '{}' has {} ranks, {}; {}", job, jobs_[job].name,
                                jobs_[job].walkers(), have, remedy));
  }

  const Scenario& scenario_;
  const FabricGraph& graph_;
  const std::vector<LoadedJob>& jobs_;
  std::vector<bool> taken_;
  std::vector<JobPlacement> placements_;
  std::map<std::size_t, std::vector<GpuId>> servers_;  // by storage job
};

}  // namespace

std::vector<JobPlacement> place_jobs(const Scenario& scenario, const FabricGraph& graph,
                                     const std::vector<LoadedJob>& jobs) {
  Placer placer(scenario, graph, jobs);
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    placer.place(job);
    placer.place_servers(job);
  }
  for (std::size_t job = 0; job < jobs.size(); ++job) placer.add_servers(job);
  return placer.take();
}

std::string placement_text(const FabricGraph& graph, const JobPlacement& placement) {
  constexpr std::size_t kMostHosts = 8;
  std::string text;
  std::size_t hosts = 0;
  for (std::size_t rank = 0; rank < placement.gpu.size();) {
    const NodeId host = graph.gpu_host(placement.gpu[rank]);
    const std::uint32_t first_gpu = graph.first_gpu(host).value();
    std::vector<std::string> runs;
    while (rank < placement.gpu.size() && graph.gpu_host(placement.gpu[rank]) == host) {
      const std::uint32_t first = placement.gpu[rank].value() - first_gpu;
      std::uint32_t last = first;
      for (++rank; rank < placement.gpu.size() && graph.gpu_host(placement.gpu[rank]) == host &&
                   placement.gpu[rank].value() - first_gpu == last + 1;
           ++rank)
        ++last;
      runs.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
    }
    if (++hosts <= kMostHosts)
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", graph.node(host).name,
                          fmt::join(runs, ","));
  }
  if (hosts > kMostHosts) text += fmt::format(" and {} more", hosts - kMostHosts);
  return text;
}

}  // namespace plait
