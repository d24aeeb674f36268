// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file results.hpp
/// What a run tells its user: the records of the models, the names that go with them, and the
/// figures derived from both. Self-contained: nothing else needs to outlive it. The report, the
/// files and the Python module are all views of this one structure.
/// All but `performance` is equal for any number of threads.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/job_context.hpp"
#include "models/network_simulation.hpp"
#include "models/records.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"
#include "study/distribution.hpp"
#include "study/findings.hpp"
#include "study/flow_slowdown.hpp"
#include "study/request_results.hpp"
#include "topologies/fabric_graph.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// What a job is to those who read its results.
enum class JobKind : std::uint8_t {
  kTraining,  ///< Op graphs: a trace, a generator, collectives.
  kTraffic,   ///< Messages: each is a flow, and the figures are their slowdowns.
};

struct JobInfo {
  std::string name;
  SimTime start{};    ///< When its ranks were started.
  Workload workload;  ///< Names and sizes of the ops in RunRecords::ops.
  RequestInfo requests = {};
  /// Knows how its collectives ran; null: not known.
  std::shared_ptr<const JobContext> context = nullptr;
  JobKind kind = JobKind::kTraining;
  bool background = false;  ///< The run did not wait for it.
};

struct FaultInfo {
  SimTime at{};
  std::string what;  ///< "leaf0:spine1 down for 20 ms".
};

/// What the records do not say about themselves.
struct RunContext {
  std::string scenario_name;
  std::string scenario_yaml;             ///< Fully resolved; stored with the results.
  std::string fabric_summary;            ///< One line, for example "leaf_spine, 8 hosts, 8 GPUs".
  std::string_view fidelity = "packet";  ///< Name of the scenario's run.fidelity.
  std::uint64_t seed = 1;
  std::shared_ptr<const FabricGraph> graph;  ///< Not null.
  std::vector<JobInfo> jobs;                 ///< By JobId.
  std::vector<FaultInfo> faults = {};        ///< As RunRecords::faults.
  /// That the switches compute for themselves, largest of all ports; 0: not computed.
  Bytes headroom_needed{};
  /// False when the run was cut short (time limit, interrupted): figures cover what happened.
  bool complete = true;
};

/// Wall-clock figures: they differ from run to run and are kept apart from all others.
struct Performance {
  unsigned threads = 1;
  double build_seconds = 0;  ///< Fabric, routes, traces.
  double run_seconds = 0;
  double results_seconds = 0;  ///< Collecting records and what is derived from them.
  bool timed = false;          ///< RunSettings::timing, and the model has visits; then:
  VisitTimes visits = {};
  std::uint64_t memory_bytes = 0;  ///< Of entities, channels and tables.
};

/// Thread-seconds of the run that no visit took: the engine's own, and waiting at its barrier.
double engine_seconds(const Performance& performance);

struct JobSummary {
  std::uint32_t ranks = 0;
  bool finished = true;            ///< All its ranks did; if not:
  SimTime end{};                   ///< Of its last rank; never().
  Duration job_completion_time{};  ///< Last rank's end - job start; 0.
};

/// All calls of one kind, size, group size, algorithm and protocol within one job.
struct CollectiveSummary {
  JobId job;
  CollectiveKind kind = CollectiveKind::kAllReduce;
  Bytes size{};  ///< As in Op::size.
  std::uint32_t group_size = 0;
  std::string algorithm;      ///< As CollectiveChoice::name(); empty: not known.
  std::string_view protocol;  ///< Empty: not known.
  std::size_t calls = 0;      ///< Calls in which every rank of the group took part.
  Duration p50{}, max{};      ///< Of a rank's duration, waiting for late ranks included.
  /// Of the shortest duration over the ranks of a call. It belongs to the rank that came last and
  /// waited for nobody, so it is what a benchmark of the collective alone would measure.
  Duration last_arriver_p50{}, last_arriver_max{};
  /// Bandwidths of the last arriver's median as nccl-tests defines them (docs/results.md), bytes/s;
  /// 0 for a barrier.
  double algorithm_bandwidth = 0, bus_bandwidth = 0;
};

/// How ranks spent their time; one rank's, or a quantile of each field on its own.
struct RankTimes {
  Duration compute{}, exposed_communication{}, overlapped_communication{}, idle{};
  Duration total{};
};

struct FlowSummary {
  std::size_t flows = 0;
  std::uint64_t packets = 0, retransmitted = 0, cnps = 0, timeouts = 0, failed = 0;
  /// Acknowledged payload / (last ack - first packet), bits/s. Over the flow's whole life: the time
  /// in which it had nothing to send is included.
  double goodput_p50 = 0, goodput_min = 0;
};

struct Results {
  RunContext context;
  RunRecords records;
  Performance performance;

  std::vector<JobSummary> jobs;                ///< By JobId.
  std::vector<CollectiveSummary> collectives;  ///< By job, then total time, longest first.
  std::vector<RequestSummary> requests;        ///< By job and class.
  Distribution<Duration> message_completion;   ///< delivered - posted.
  Distribution<double> message_slowdown;       ///< Completion time / ideal.
  FlowSummary flows;
  std::vector<FlowSlowdown> flow_slowdowns;  ///< Of traffic jobs, by size.
  std::vector<Finding> findings;             ///< Pathologies, most serious first.
};

/// Derives every figure. @pre records fit the context (ids in range), else an InternalFault.
Results make_results(RunRecords records, RunContext context, const Performance& performance);

/// Each field on its own: shares of them mean nothing. @pre ranks not empty. @param q as in
/// sim/statistics.hpp: 0 is the minimum, 1 the maximum.
RankTimes rank_quantile(std::span<const RankRecord> ranks, double q);
RankTimes times_of(const RankRecord& rank);
/// A share of each rank's own total.
double rank_share_quantile(std::span<const RankRecord> ranks, Duration RankTimes::*field, double q);
/// Share of the rank's total; 0 for a rank that took no time.
double share_of(const RankTimes& times, Duration RankTimes::*field);
/// The records of one job.
std::span<const RankRecord> ranks_of(const Results& results, JobId job);

/// A message that was still on its way when the run was cut short has `delivered` never().
bool is_delivered(const MessageRecord& message);

/// delivered - posted. @pre is_delivered(message).
Duration completion_time(const MessageRecord& message);

/// Completion time / ideal; 1 where the ideal is 0. @pre is_delivered(message).
double slowdown(const MessageRecord& message);

/// Time spent sending / length of the run, in [0, 1]; 0 for a run of no length.
double utilisation(const Results& results, PortId link);

/// Links that carried anything, most utilised first, at most `count`.
std::vector<PortId> busiest_links(const Results& results, std::size_t count);

/// "host0/gpu3".
std::string gpu_name(const FabricGraph& graph, GpuId gpu);

/// Name of the op in its trace.
std::string_view op_name(const Results& results, const OpRecord& record);
/// The op behind a record.
const Op& op_of(const Results& results, const OpRecord& record);

/// How a collective of `group` ran; nullopt: not known.
std::optional<CollectiveChoice> choice_of(const JobInfo& job, GroupId group, const Op& op);

/// "a1b2c3d4e5f60718".
std::string fingerprint_text(const Results& results);

/// Packet-hops per second of wall time; 0 if the run took none.
double packet_hops_per_second(const Results& results);

}  // namespace plait
