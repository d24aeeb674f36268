// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file build.hpp
/// The stages from a scenario to something that runs: Scenario -> Fabric (graph and routes) ->
/// jobs, loaded and placed -> Experiment (a simulation with a rank on every used GPU).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/rank.hpp"
#include "models/shared_gpu.hpp"
#include "models/simulation.hpp"
#include "models/storage/storage_server.hpp"
#include "study/placement.hpp"
#include "study/request_jobs.hpp"
#include "study/results.hpp"
#include "study/scenario.hpp"
#include "study/storage_jobs.hpp"
#include "topologies/fabric_graph.hpp"
#include "topologies/route_table.hpp"

namespace plait {

struct Fabric {
  std::shared_ptr<const FabricGraph> graph;  ///< Validated: every host reaches every other.
  std::shared_ptr<const RouteTable> routes;
  std::string summary;  ///< "leaf_spine, 8 hosts, 6 switches, 16 links, 8 GPUs".
};

/// @throws UserError for impossible shapes and faulty topology files, at their place in the
/// scenario.
Fabric build_fabric(const Scenario& scenario);

struct LoadedJob {
  std::string name;
  Workload workload;
  SimTime start{};
  RequestJob requests = {};  ///< Empty unless the job serves requests; the graphs then do nothing.
  std::optional<StorageUse> storage = {};
  JobKind kind = JobKind::kTraining;
  bool background = false;

  /// Ranks that are processes of this job or walk their graphs: all but those of storage servers.
  std::size_t walkers() const {
    return workload.graphs.size() - (storage ? std::size_t{storage->servers} : 0);
  }
};

/// Reads or makes every job's workload. @param graph for loads, which are shares of its
/// rates; may be null.
/// @param warnings gets what was repaired, one line each.
/// @throws UserError for missing and faulty files.
std::vector<LoadedJob> load_jobs(const Scenario& scenario, const FabricGraph* graph,
                                 std::vector<std::string>& warnings);

/// A simulation ready to run, and what it refers to.
struct Experiment {
  Fabric fabric;
  std::vector<LoadedJob> jobs;
  std::vector<std::string> warnings;  ///< Repairs of traces, and settings that contradict.
  std::vector<FaultEvent> fault_events;
  std::vector<std::string> fault_names;  ///< By event, for reports.
  NetworkParams network;
  std::unique_ptr<NetworkSimulation> simulation;
  std::vector<std::shared_ptr<const JobContext>> contexts;  ///< By job.
  /// By job and rank, owned by the simulation. A job has either ranks or request processes.
  std::vector<std::vector<const Rank*>> ranks;
  /// A storage job has ranks, its clients, and processes, its servers.
  std::vector<std::vector<const RequestProcess*>> request_processes;
  std::vector<std::vector<const StorageServer*>> storage_servers;  ///< By job: the same again.
  std::vector<JobPlacement> placements;                            ///< By job.
  std::vector<StreamRange> streams;  ///< By job: streams of its messages.
  bool record_ops = true;            ///< Results keep the ops.
};

/// All stages. @param runs whether each job runs; one that does not keeps its GPUs, so that the
/// others are where they would be with it. Empty: all. @param timing as NetworkParams::time_visits.
/// @throws UserError
Experiment build_experiment(const Scenario& scenario, const std::vector<bool>& runs = {},
                            bool timing = false);

/// Pinned paths of a CSV file with a header line that has the columns data_path and ack_path, each
/// node numbers joined by '-'. @throws UserError naming file and line.
std::vector<PinnedPath> read_pinned_paths(const std::string& file, const FabricGraph& graph);

}  // namespace plait
