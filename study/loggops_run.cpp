// SPDX-License-Identifier: Apache-2.0
#include "study/loggops_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "models/loggops/expand.hpp"
#include "models/loggops/simulator.hpp"
#include "sim/fingerprint.hpp"
#include "sim/spill_sort.hpp"
#include "study/build.hpp"
#include "study/error_place.hpp"
#include "study/text_table.hpp"
#include "topologies/route_table.hpp"
#include "topologies/single_switch.hpp"

namespace plait {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A job as it is simulated, with what leads back to the job of the user.
struct LogGopsJob {
  std::unique_ptr<const ExpandedWorkload> expanded;  // null: the job has no collectives
  std::unique_ptr<LogGopsSimulator> simulator;
};

bool has_collectives(const Workload& workload) {
  return std::any_of(workload.graphs.begin(), workload.graphs.end(), [](const auto& graph) {
    return std::any_of(graph->ops().begin(), graph->ops().end(),
                       [](const Op& op) { return op.kind == OpKind::kCollective; });
  });
}

LogGopsJob make_job(const Scenario& scenario, std::size_t index, const LoadedJob& job) {
  GpuParams gpu = scenario.fabric.host.gpu;
  gpu.compute_scale *= scenario.jobs[index].compute_scale;
  LogGopsJob made;
  if (has_collectives(job.workload)) {
    JobPlacement placement;
    for (std::size_t rank = 0; rank < job.workload.graphs.size(); ++rank) {
      placement.gpu.emplace_back(rank);
      placement.host.push_back(static_cast<std::uint32_t>(rank));
    }
    made.expanded = at(scenario, fmt::format("jobs.{}", index), [&] {
      const JobContext context(JobId(index), job.name, job.workload, std::move(placement),
                               scenario.collectives, gpu, false);
      return std::make_unique<const ExpandedWorkload>(expand_collectives(context, job.workload));
    });
  }
  made.simulator = std::make_unique<LogGopsSimulator>(
      made.expanded ? made.expanded->workload : job.workload, scenario.loggops, gpu, job.start);
  return made;
}

/// Start and end of each op of the user's graph; never() for what did not begin or end.
struct OpTimes {
  SpillVector<SimTime> start, end;
};

OpTimes op_times(const LogGopsJob& job, const Workload& original, RankId rank) {
  const LogGopsSimulator& simulator = *job.simulator;
  const std::size_t count = original.graphs[rank.index()]->size();
  OpTimes times{SpillVector<SimTime>(count, SimTime::never()),
                SpillVector<SimTime>(count, SimTime::zero())};
  const std::size_t parts =
      job.expanded ? job.expanded->workload.graphs[rank.index()]->size() : count;
  for (std::size_t i = 0; i < parts; ++i) {
    const std::size_t op = job.expanded ? job.expanded->origin[rank.index()][i].index() : i;
    times.start[op] = std::min(times.start[op], simulator.op_start(rank, OpId(i)));
    times.end[op] = std::max(times.end[op], simulator.op_end(rank, OpId(i)));
  }
  return times;
}

/// Adds up how long computes, messages, both or neither were going on.
void account(RankRecord& record, const OpGraph& graph, const OpTimes& times) {
  struct Change {
    SimTime at;
    int compute, communication;
  };
  SpillVector<Change> changes;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (times.start[i] == SimTime::never()) continue;
    const bool compute = graph.op(OpId(i)).kind == OpKind::kCompute;
    const int one = compute ? 1 : 0;
    changes.push_back({times.start[i], one, 1 - one});
    changes.push_back({std::min(times.end[i], record.end), -one, one - 1});
  }
  spill_stable_sort(changes, [](const Change& a, const Change& b) { return a.at < b.at; });
  changes.push_back({record.end, 0, 0});
  SimTime last = record.start;
  int compute = 0, communication = 0;
  for (const Change& change : changes) {
    const Duration span = change.at - last;
    last = change.at;
    if (compute > 0) {
      record.compute += span;
      if (communication > 0) record.overlapped_communication += span;
    } else {
      (communication > 0 ? record.exposed_communication : record.idle) += span;
    }
    compute += change.compute;
    communication += change.communication;
  }
}

void add_rank(RunRecords& records, const Scenario& scenario, JobId id, RankId rank, GpuId gpu,
              const LogGopsJob& job, const LoadedJob& loaded) {
  const OpTimes times = op_times(job, loaded.workload, rank);
  RankRecord record;
  record.job = id;
  record.rank = rank;
  record.gpu = gpu;
  record.start = loaded.start;
  record.finished = job.simulator->finished(rank);
  record.end =
      record.finished ? job.simulator->finish(rank) : std::max(loaded.start, job.simulator->now());
  account(record, *loaded.workload.graphs[rank.index()], times);
  records.ranks.push_back(record);
  records.totals.end = std::max(records.totals.end, record.end);
  if (!scenario.run.record_ops) return;
  SpillVector<OpRecord> ops;
  for (std::size_t i = 0; i < times.start.size(); ++i)
    if (times.start[i] != SimTime::never() && times.end[i] != SimTime::never())
      ops.push_back({id, rank, OpId(i), times.start[i], times.end[i]});
  spill_stable_sort(ops, [](const OpRecord& a, const OpRecord& b) { return a.start < b.start; });
  records.ops.insert(records.ops.end(), ops.begin(), ops.end());
}

/// The results name hosts, so there is a fabric of as many as there are ranks.
std::shared_ptr<const FabricGraph> hosts_for(std::size_t ranks) {
  FabricParts parts;
  parts.host = {1, 1};
  SingleSwitchParams shape;
  shape.hosts = static_cast<std::int64_t>(std::max<std::size_t>(ranks, 2));
  return std::make_shared<const FabricGraph>(build(shape, parts));
}

/// What the scenario says about a fabric that this model does not have.
void warn_of_unused(const Scenario& scenario, std::vector<std::string>& warnings) {
  for (const std::string table : {"fabric", "transport", "faults"})
    for (const auto& [path, place] : scenario.locations)
      if (path.starts_with(table + ".") && !path.starts_with("fabric.host.gpu")) {
        warnings.push_back(scenario.at(
            path, "has no effect: run.fidelity loggops has hosts and no fabric between them"));
        break;
      }
}

// Jobs do not meet here, so one in the background would disturb nobody.
void refuse_background(const Scenario& scenario) {
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i)
    if (scenario.jobs[i].background)
      throw UserError(scenario.at(fmt::format("jobs.{}.background", i),
                                  "run.fidelity is loggops, where jobs have a network each; "
                                  "remove this, or choose run.fidelity: packet"));
}

bool needs_switch(CollectiveAlgorithm algorithm) {
  return algorithm == CollectiveAlgorithm::kNvls || algorithm == CollectiveAlgorithm::kNvlsTree;
}

// Here is no switch that could add up or copy, whatever fabric.host says.
void refuse_nvls(const Scenario& scenario, const std::vector<LoadedJob>& jobs) {
  if (std::none_of(jobs.begin(), jobs.end(),
                   [](const LoadedJob& job) { return has_collectives(job.workload); }))
    return;
  const auto check = [&](const std::string& path, CollectiveAlgorithm algorithm) {
    if (!needs_switch(algorithm)) return;
    std::string legal;
    for (int i = 0; i < static_cast<int>(CollectiveAlgorithm::kCustom); ++i)
      if (!needs_switch(static_cast<CollectiveAlgorithm>(i)))
        legal += fmt::format(" {}", to_string(static_cast<CollectiveAlgorithm>(i)));
    throw UserError(scenario.at(
        path, fmt::format("{} needs switches that add up or copy, and run.fidelity loggops has "
                          "none; legal there:{}; or choose run.fidelity: packet",
                          to_string(algorithm), legal)));
  };
  check("collectives.algorithm", scenario.collectives.algorithm);
  for (std::size_t i = 0; i < scenario.collectives.overrides.size(); ++i)
    check(fmt::format("collectives.overrides.{}.algorithm", i),
          scenario.collectives.overrides[i].algorithm);
}

std::vector<LogGopsJob> make_jobs(const Scenario& scenario, const std::vector<LoadedJob>& loaded) {
  std::vector<LogGopsJob> jobs;
  for (std::size_t i = 0; i < loaded.size(); ++i) jobs.push_back(make_job(scenario, i, loaded[i]));
  return jobs;
}

RunEnd run_jobs(const Scenario& scenario, const RunSettings& settings,
                const std::vector<LogGopsJob>& jobs) {
  const SimTime until =
      scenario.run.until > Duration{} ? SimTime::at(scenario.run.until) : SimTime::never();
  const auto keep_going = [&] {
    if (!settings.progress) return true;
    StudyProgress progress;
    std::size_t done = 0, ops = 0;
    for (const LogGopsJob& job : jobs) {
      done += job.simulator->ops_done();
      ops += job.simulator->ops();
      progress.run.events += job.simulator->events();
      progress.run.now = std::max(progress.run.now, job.simulator->now());
    }
    progress.until = scenario.run.until;
    progress.ops_done = ops == 0 ? 0 : static_cast<double>(done) / static_cast<double>(ops);
    return settings.progress(progress);
  };
  RunEnd end = RunEnd::kFinished;
  for (const LogGopsJob& job : jobs) {
    if (!job.simulator->run(until, keep_going)) return RunEnd::kStopped;
    if (job.simulator->finished()) continue;
    if (!job.simulator->at_rest()) end = RunEnd::kTimeLimit;
    if (job.simulator->at_rest() && end == RunEnd::kFinished) end = RunEnd::kDeadlock;
  }
  return end;
}

RunRecords collect(const Scenario& scenario, const std::vector<LogGopsJob>& jobs,
                   const std::vector<LoadedJob>& loaded, const FabricGraph& graph, RunEnd end) {
  RunRecords records;
  std::size_t gpu = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i)
    for (std::size_t rank = 0; rank < loaded[i].workload.graphs.size(); ++rank)
      add_rank(records, scenario, JobId(i), RankId(rank), GpuId(gpu++), jobs[i], loaded[i]);
  if (end == RunEnd::kTimeLimit) records.totals.end = SimTime::at(scenario.run.until);
  records.links.resize(graph.port_count());
  for (std::size_t i = 0; i < records.ranks.size(); ++i) {
    Fingerprint fingerprint;
    fingerprint.add(static_cast<std::uint64_t>(records.ranks[i].end.ps()));
    fingerprint.add(static_cast<std::uint64_t>(records.ranks[i].compute.ps()));
    records.totals.fingerprint += fingerprint.combine(EntityId(i));
  }
  return records;
}

}  // namespace

RunOutcome run_loggops(const Scenario& scenario, const RunSettings& settings) {
  const Clock::time_point build_start = Clock::now();
  RunOutcome outcome;
  Performance performance;
  performance.threads = 1;
  warn_of_unused(scenario, outcome.warnings);
  refuse_background(scenario);
  const std::vector<LoadedJob> loaded = load_jobs(scenario, nullptr, outcome.warnings);
  refuse_nvls(scenario, loaded);
  const std::vector<LogGopsJob> jobs = make_jobs(scenario, loaded);
  RunContext context;
  std::size_t ranks = 0;
  for (const LoadedJob& job : loaded) {
    context.jobs.push_back(
        {job.name, job.start, job.workload, {}, nullptr, job.kind, job.background});
    ranks += job.workload.graphs.size();
  }
  context.fidelity = to_string(scenario.run.fidelity);
  context.scenario_name = scenario.name;
  context.scenario_yaml = scenario_yaml(scenario, false);
  context.fabric_summary = fmt::format("LogGOPS, {} hosts of one rank each", ranks);
  context.seed = static_cast<std::uint64_t>(scenario.run.seed);
  context.graph = hosts_for(ranks);
  performance.build_seconds = seconds_since(build_start);
  const Clock::time_point run_start = Clock::now();
  outcome.end = run_jobs(scenario, settings, jobs);
  performance.run_seconds = seconds_since(run_start);
  context.complete = outcome.end == RunEnd::kFinished;
  RunRecords records = collect(scenario, jobs, loaded, *context.graph, outcome.end);
  const SimTime end = records.totals.end;
  outcome.results = make_results(std::move(records), std::move(context), performance);
  if (outcome.end != RunEnd::kDeadlock) return outcome;
  std::string message =
      fmt::format("deadlock at {}: nothing more can happen, but", human(end.since_start()));
  for (std::size_t i = 0; i < jobs.size(); ++i)
    if (!jobs[i].simulator->finished())
      message +=
          fmt::format(" job '{}' waits:{}", loaded[i].name, jobs[i].simulator->stuck_report());
  throw StuckRun(message, std::move(outcome));
}

}  // namespace plait
