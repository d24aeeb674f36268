// SPDX-License-Identifier: Apache-2.0
#include "study/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "models/analytic/analytic_simulation.hpp"
#include "models/network_context.hpp"
#include "sim/error.hpp"
#include "study/congestion_check.hpp"
#include "study/contradictions.hpp"
#include "study/error_place.hpp"
#include "study/job_processes.hpp"
#include "study/lossless_check.hpp"
#include "study/reordering_check.hpp"
#include "study/text_table.hpp"

namespace plait {

namespace {

std::string shape_name(const TopologyParams& topology) {
  const auto* file = std::get_if<TopologyFileParams>(&topology.shape);
  std::string kind(kind_name(topology));
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
  params.plain_paths = scenario.run.plain_paths;
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

std::unique_ptr<Simulation> packet_simulation(const Scenario& scenario, const Fabric& fabric,
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

void refuse_in_analytic(const Scenario& scenario, const std::string& path, const char* why) {
  throw UserError(scenario.where(path),
                  fmt::format("{}: run.fidelity is analytic, which {}; remove this, or choose "
                              "run.fidelity: packet",
                              path, why));
}

std::unique_ptr<NetworkSimulation> make_simulation(const Scenario& scenario, const Fabric& fabric,
                                                   const NetworkParams& params,
                                                   const std::vector<std::size_t>& fault_places) {
  if (scenario.run.fidelity == Fidelity::kPacket)
    return packet_simulation(scenario, fabric, params, fault_places);
  if (!params.faults.empty())
    refuse_in_analytic(scenario, "faults", "has no packets that a fault could meet");
  if (!scenario.fabric.pinned_paths.empty())
    refuse_in_analytic(scenario, "fabric.pinned_paths", "has no packets that could take a path");
  return at(scenario, "fabric", [&] {
    return std::make_unique<AnalyticSimulation>(*fabric.graph, *fabric.routes, params);
  });
}

BitRate scaled(BitRate rate, double share) {
  return BitRate::bps(std::llround(static_cast<double>(rate.bps()) * share));
}

// What cost models of collectives know of the machine.
CollectiveFacts collective_facts(const Scenario& scenario, const Fabric& fabric,
                                 const NetworkParams& params) {
  CollectiveFacts facts;
  facts.generation = scenario.fabric.host.gpu.generation;
  facts.cpu = scenario.fabric.host.cpu;
  const ScaleUpParams& scale_up = scenario.fabric.host.scale_up;
  if (scale_up.kind != ScaleUpKind::kNone)
    facts.scale_up = scaled(scale_up.rate, scale_up.efficiency);
  facts.in_switch_reduction = scale_up.kind != ScaleUpKind::kNone && scale_up.in_switch_reduction;
  const FabricGraph& graph = *fabric.graph;
  for (std::size_t e = 0; e < graph.endpoint_count(); ++e) {
    const BitRate rate = graph.egress(graph.endpoint_port(EndpointId(e))).rate;
    facts.nic = e == 0 ? rate : std::min(facts.nic, rate);
  }
  const TransportParams& transport = params.transport;
  const Bytes frame = transport.mtu + transport.header + transport.gap +
                      encapsulation_bytes(transport.encapsulation);
  facts.nic = scaled(
      facts.nic, static_cast<double>(transport.mtu.count()) / static_cast<double>(frame.count()));
  return facts;
}

}  // namespace

Fabric build_fabric(const Scenario& scenario) {
  return at(scenario, "fabric.topology", [&] {
    Fabric fabric;
    fabric.graph = std::make_shared<const FabricGraph>(
        build_topology(scenario.fabric.topology, parts_of(scenario)));
    fabric.routes = std::make_shared<const RouteTable>(*fabric.graph);
    const FabricGraph& graph = *fabric.graph;
    fabric.summary = fmt::format(
        "{}, {}, {}, {}, {}", shape_name(scenario.fabric.topology),
        counted(graph.hosts().size(), "host"), counted(graph.switches().size(), "switch", "es"),
        counted(graph.cables().size(), "cable"), counted(graph.gpu_count(), "GPU"));
    return fabric;
  });
}

Experiment build_experiment(const Scenario& scenario, const std::vector<bool>& runs, bool timing) {
  Experiment experiment;
  experiment.fabric = build_fabric(scenario);
  experiment.jobs = load_jobs(scenario, experiment.fabric.graph.get(), experiment.warnings);
  experiment.placements = place_jobs(scenario, *experiment.fabric.graph, experiment.jobs);
  ResolvedFaults faults = resolve_faults(scenario, *experiment.fabric.graph);
  NetworkParams params = network_params(scenario);
  params.faults = faults.events;
  params.time_visits = timing;
  experiment.fault_events = std::move(faults.events);
  experiment.fault_names = std::move(faults.names);
  experiment.simulation = make_simulation(scenario, experiment.fabric, params, faults.places);
  experiment.network = params;
  experiment.record_ops = scenario.run.record_ops;
  const auto add = [&](const std::vector<std::string>& doubts) {
    experiment.warnings.insert(experiment.warnings.end(), doubts.begin(), doubts.end());
  };
  if (scenario.run.fidelity == Fidelity::kPacket) {
    add(lossless_warnings(scenario, *experiment.fabric.graph, *experiment.fabric.routes, params));
    add(reordering_warnings(scenario, *experiment.fabric.graph, *experiment.fabric.routes, params));
    add(congestion_warnings(scenario, params));
  }
  add(contradiction_warnings(scenario, *experiment.fabric.graph, params));
  place_processes(scenario, runs, collective_facts(scenario, experiment.fabric, params),
                  experiment);
  return experiment;
}

}  // namespace plait
