// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file scenario.hpp
/// A scenario: fabric, transport, jobs and run, as read from its YAML file (docs/scenario.md).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/job_context.hpp"
#include "models/loggops/params.hpp"
#include "models/switch_params.hpp"
#include "models/transport_params.hpp"
#include "sim/error.hpp"
#include "study/config_reader.hpp"
#include "study/config_visitor.hpp"
#include "study/faults.hpp"
#include "study/host_spec.hpp"
#include "study/param_list.hpp"
#include "topologies/registry.hpp"
#include "workloads/llm/training.hpp"
#include "workloads/requests/rpc.hpp"
#include "workloads/serving/serving.hpp"
#include "workloads/storage/storage.hpp"
#include "workloads/trace.hpp"
#include "workloads/traffic/traffic.hpp"

namespace plait {

struct FabricSpec {
  TopologyParams topology;
  HostSpec host;
  LinkSpec link;         ///< Host to switch.
  LinkSpec switch_link;  ///< Switch to switch; follows `link` unless given.
  WireParams wire;
  SwitchParams switches;
  RoutingParams routing;
  std::string pinned_paths;  ///< CSV file with the columns data_path and ack_path, or empty.
};

enum class Placement : std::uint8_t { kPacked, kRoundRobin, kRandom, kRailAligned };

/// More ranks than the trace has, by data parallelism (workloads/rescale.hpp).
struct RescaleSpec {
  std::int64_t ranks = 0;
  std::vector<std::string> data_groups;
};

struct JobSpec {
  std::string name = "job";
  // Exactly one of the next eight says what the job does.
  std::string trace;  ///< Pattern with {rank}; relative to the scenario file.
  std::string flows;  ///< File of lines src,dst,bytes,start.
  std::optional<TrafficParams> traffic;
  std::optional<CollectiveTrafficParams> collective;
  std::optional<RpcParams> rpc;
  std::optional<ServingParams> serving;
  std::optional<StorageParams> storage;
  std::optional<TrainingParams> generate;
  std::string groups;  ///< JSON file of process groups, or empty.
  TraceFormat format = TraceFormat::kAuto;
  std::string step;        ///< Of a profiler's trace with several steps; empty: all.
  bool strict = false;     ///< Refuse what is broken in the trace instead of dropping it.
  std::int64_t ranks = 0;  ///< 0: as many as there are trace files.
  std::optional<RescaleSpec> rescale;
  Placement placement = Placement::kPacked;
  std::vector<std::string> hosts;  ///< Names; empty: all.
  std::string hostfile;            ///< Instead of placement and hosts.
  std::string beside;              ///< Job on whose GPUs the first ranks go, or empty.
  bool shared = false;             ///< Its ranks run beside others and take no GPUs from them.
  bool background = false;         ///< The run does not wait for it.
  Duration start{};
  double compute_scale = 1;  ///< Multiplies fabric.host.gpu.compute_scale.
};

enum class Fidelity : std::uint8_t { kPacket, kAnalytic, kLoggops };
std::string_view to_string(Fidelity fidelity);

struct RunSpec {
  Fidelity fidelity = Fidelity::kPacket;
  std::int64_t seed = 1;
  Duration until{};  ///< Simulated time at which the run is cut; 0 = run to the end.
  Duration deadlock_check = Duration::ms(1);  ///< 0 = only at the end of the run.
  bool record_ops = true;
  bool record_messages = true;
  bool record_pauses = false;
  bool plain_paths = false;  ///< For tests, no parameter: see NetworkParams.
};

struct Scenario {
  FabricSpec fabric;
  TransportParams transport;
  CollectiveParams collectives;
  LogGopsParams loggops;
  std::vector<JobSpec> jobs;
  std::vector<FaultSpec> faults;
  RunSpec run;

  std::string name;      ///< File name without suffix; of "scenario.yaml", the folder's name.
  std::string base_dir;  ///< Relative file names start here; empty = current folder.
  std::vector<ResolvedLine> resolved;               ///< Every value in force and its origin.
  std::map<std::string, SourceLocation> locations;  ///< Of every given value, by path.

  /// Where the value at `path`, or else the innermost given table around it, was written.
  SourceLocation where(std::string path) const;
  /// "s.yaml:3:5: path: text", for warnings about the value at `path`.
  std::string at(const std::string& path, const std::string& text) const;
  /// `file` as the user means it: absolute, or under base_dir.
  std::string file_path(const std::string& file) const;
};

void describe(ParamVisitor& visitor, FabricSpec& spec);
void describe(ConfigVisitor& visitor, RescaleSpec& spec);
void describe(ConfigVisitor& visitor, JobSpec& spec);
void describe(ParamVisitor& visitor, RunSpec& spec);
void describe(ConfigVisitor& visitor, Scenario& scenario);

/// Every parameter that a scenario can have.
std::vector<ListedParam> scenario_params();

/// @param settings "path=value" each, applied in order.
/// @throws UserError naming file, line, column, path and what is legal.
Scenario load_scenario(const std::string& file, const std::vector<std::string>& settings = {});

/// From text that is no file. @param name for messages.
Scenario parse_scenario(std::string_view text, const std::string& name, const std::string& base_dir,
                        const std::vector<std::string>& settings = {});

/// The resolved scenario as YAML; with `origins`, each value has a comment where it came from.
std::string scenario_yaml(const Scenario& scenario, bool origins);

}  // namespace plait
