// SPDX-License-Identifier: Apache-2.0
#include "study/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "models/network_context.hpp"
#include "sim/error.hpp"
#include "study/congestion_check.hpp"
#include "study/contradictions.hpp"
#include "study/lossless_check.hpp"
#include "study/reordering_check.hpp"
#include "workloads/chakra_reader.hpp"

namespace plait {

namespace {

/// Runs `action` and puts the place of scenario value `path` before the text of a UserError.
template <class Action>
auto at(const Scenario& scenario, const std::string& path, Action action) {
  try {
    return action();
  } catch (const UserError& error) {
    throw UserError(scenario.where(path), fmt::format("{}: {}", path, error.what()));
  }
}

std::string shape_name(const TopologyParams& topology) {
  const auto* file = std::get_if<TopologyFileParams>(&topology.shape);
  const std::string kind(kind_name(topology));
  if (file == nullptr) return kind;
  return kind + " " + std::filesystem::path(file->path).filename().string();
}

FabricParts parts_of(const Scenario& scenario) {
  const FabricSpec& spec = scenario.fabric;
  FabricParts parts;
  parts.host = {static_cast<std::uint32_t>(spec.host.gpus),
                static_cast<std::uint32_t>(spec.host.nics)};
  parts.host_link = spec.link;
  parts.fabric_link = spec.switch_link;
  parts.base_dir = scenario.base_dir;
  return parts;
}

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

NetworkParams network_params(const Scenario& scenario) {
  NetworkParams params;
  params.wire = scenario.fabric.wire;
  params.switches = scenario.fabric.switches;
  params.transport = scenario.transport;
  params.scale_up = scenario.fabric.host.scale_up;
  params.routing = scenario.fabric.routing;
  params.seed = static_cast<std::uint64_t>(scenario.run.seed);
  params.record_messages = scenario.run.record_messages;
  params.record_pauses = scenario.run.record_pauses;
  return params;
}

const char* value_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kDegrade:
      return "rate";
    case FaultKind::kBitErrors:
      return "bit_error_rate";
    case FaultKind::kReboot:
      return "for";
    default:
      return "action";
  }
}

// Of a network that cannot be built: the fault that does not fit it even alone, or `fabric`.
std::string culprit(const Fabric& fabric, const NetworkParams& params,
                    const std::vector<std::size_t>& places) {
  NetworkParams alone = params;
  const auto fails = [&] {
    try {
      const NetworkContext context(*fabric.graph, *fabric.routes, alone);
      return false;
    } catch (const UserError&) {
      return true;
    }
  };
  alone.faults.clear();
  if (fails()) return "fabric";
  for (std::size_t i = 0; i < params.faults.size(); ++i) {
    alone.faults = {params.faults[i]};
    if (fails()) return fmt::format("faults.{}.{}", places[i], value_of(params.faults[i].kind));
  }
  return "fabric";
}

std::unique_ptr<Simulation> make_simulation(const Scenario& scenario, const Fabric& fabric,
                                            const NetworkParams& params,
                                            const std::vector<std::size_t>& fault_places) {
  std::unique_ptr<Simulation> simulation;
  try {
    simulation = std::make_unique<Simulation>(*fabric.graph, *fabric.routes, params);
  } catch (const UserError& error) {
    at(scenario, culprit(fabric, params, fault_places), [&] { throw error; });
  }
  if (!scenario.fabric.pinned_paths.empty())
    at(scenario, "fabric.pinned_paths", [&] {
      simulation->pin_paths(
          read_pinned_paths(scenario.file_path(scenario.fabric.pinned_paths), *fabric.graph));
    });
  return simulation;
}

std::vector<const Rank*> place_ranks(const Scenario& scenario, std::size_t job_index,
                                     const LoadedJob& job, JobPlacement placement,
                                     Simulation& simulation) {
  GpuParams gpu = scenario.fabric.host.gpu;
  gpu.compute_scale *= scenario.jobs[job_index].compute_scale;
  const std::vector<GpuId> gpus = placement.gpu;
  const auto context = at(scenario, fmt::format("jobs.{}", job_index), [&] {
    return std::make_shared<const JobContext>(JobId(job_index), job.name, job.workload,
                                              std::move(placement), scenario.collectives, gpu,
                                              scenario.run.record_ops);
  });
  std::vector<const Rank*> ranks;
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) {
    auto process = std::make_unique<Rank>(context, RankId(rank));
    ranks.push_back(process.get());
    simulation.place(gpus[rank], std::move(process), job.start);
  }
  return ranks;
}

Workload load_trace(const Scenario& scenario, const JobSpec& spec,
                    std::vector<std::string>& warnings) {
  ChakraOptions options;
  if (!spec.groups.empty()) options.group_file = scenario.file_path(spec.groups);
  if (spec.ranks > 0) options.ranks = static_cast<std::uint32_t>(spec.ranks);
  options.repair = spec.repair;
  return load_chakra_workload(scenario.file_path(spec.trace), options, &warnings);
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
  return at(scenario, job + ".trace", [&] { return load_trace(scenario, spec, warnings); });
}

/// "1 host", "2 hosts".
std::string counted(std::size_t count, std::string_view noun, std::string_view plural) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : plural);
}

}  // namespace

Fabric build_fabric(const Scenario& scenario) {
  return at(scenario, "fabric.topology", [&] {
    Fabric fabric;
    fabric.graph = std::make_shared<const FabricGraph>(
        build_topology(scenario.fabric.topology, parts_of(scenario)));
    fabric.routes = std::make_shared<const RouteTable>(*fabric.graph);
    const FabricGraph& graph = *fabric.graph;
    fabric.summary = fmt::format("{}, {}, {}, {}, {}", shape_name(scenario.fabric.topology),
                                 counted(graph.hosts().size(), "host", "s"),
                                 counted(graph.switches().size(), "switch", "es"),
                                 counted(graph.cables().size(), "cable", "s"),
                                 counted(graph.gpu_count(), "GPU", "s"));
    return fabric;
  });
}

std::vector<LoadedJob> load_jobs(const Scenario& scenario, std::vector<std::string>& warnings) {
  std::vector<LoadedJob> jobs;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i)
    jobs.push_back({scenario.jobs[i].name, load_workload(scenario, i, warnings),
                    SimTime::at(scenario.jobs[i].start)});
  return jobs;
}

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

Experiment build_experiment(const Scenario& scenario) {
  Experiment experiment;
  experiment.fabric = build_fabric(scenario);
  experiment.jobs = load_jobs(scenario, experiment.warnings);
  std::vector<JobPlacement> placements =
      place_jobs(scenario, *experiment.fabric.graph, experiment.jobs);
  ResolvedFaults faults = resolve_faults(scenario, *experiment.fabric.graph);
  NetworkParams params = network_params(scenario);
  params.faults = faults.events;
  experiment.fault_events = std::move(faults.events);
  experiment.fault_names = std::move(faults.names);
  experiment.simulation = make_simulation(scenario, experiment.fabric, params, faults.places);
  experiment.network = params;
  const auto add = [&](const std::vector<std::string>& doubts) {
    experiment.warnings.insert(experiment.warnings.end(), doubts.begin(), doubts.end());
  };
  add(lossless_warnings(scenario, *experiment.fabric.graph, *experiment.fabric.routes, params));
  add(reordering_warnings(scenario, *experiment.fabric.graph, *experiment.fabric.routes, params));
  add(congestion_warnings(scenario, params));
  add(contradiction_warnings(scenario, *experiment.fabric.graph, params));
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i)
    experiment.ranks.push_back(place_ranks(scenario, i, experiment.jobs[i],
                                           std::move(placements[i]), *experiment.simulation));
  return experiment;
}

}  // namespace plait
