// SPDX-License-Identifier: Apache-2.0
#include "study/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "models/deadlock_report.hpp"
#include "sim/error.hpp"
#include "sim/executor.hpp"
#include "study/loggops_run.hpp"
#include "study/lossless_check.hpp"
#include "study/text_table.hpp"

namespace plait {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string why_it_gave_up(const FlowRecord& flow, std::int64_t retry_limit) {
  if (flow.unreachable) return "because the faults leave no route";
  return fmt::format("after {} timeouts in a row without progress ({} in all)", retry_limit + 1,
                     flow.timeouts);
}

// One line for each queue pair that has given up, and the keys that decide when one does.
std::string failed_flows(const Scenario& scenario, const std::vector<FlowRecord>& flows,
                         const FabricGraph& graph) {
  constexpr std::size_t kMaxLines = 12;
  std::string text;
  std::size_t failed = 0;
  bool out_of_retries = false;
  for (const FlowRecord& flow : flows) {
    if (flow.failed == SimTime::never()) continue;
    out_of_retries |= !flow.unreachable;
    if (++failed > kMaxLines) continue;
    text += fmt::format("\n  flow {} -> {} gave up {} at {} (stream {}, queue pair {})",
                        gpu_name(graph, flow.from), gpu_name(graph, flow.to),
                        why_it_gave_up(flow, scenario.transport.retry_limit),
                        human(flow.failed.since_start()), flow.stream, flow.lane);
  }
  if (failed > kMaxLines) text += fmt::format("\n  and {} more flows", failed - kMaxLines);
  if (out_of_retries) {
    text += "\n  transport.retry_limit and transport.rto decide how long a flow tries";
    if (!scenario.faults.empty())
      text += ", fabric.routing.convergence when switches know the routes around a fault";
  }
  return text;
}

std::string stuck_message(const Scenario& scenario, const Experiment& experiment,
                          const RunRecords& records) {
  const std::string cycles = standing_cycles(records.pause_cycles, *experiment.fabric.graph);
  std::string text = fmt::format("deadlock at {}: ", human(records.totals.end.since_start()));
  text += cycles.empty() ? "nothing more can happen, but" : cycles;
  text += failed_flows(scenario, records.flows, *experiment.fabric.graph);
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i) {
    const std::string report = deadlock_report(experiment.ranks[i]);
    if (!report.empty()) text += "\n" + report;
    const LoadedJob& job = experiment.jobs[i];
    const std::uint64_t ended = requests_ended(experiment.request_processes[i]);
    if (ended < job.requests.count)
      text += fmt::format("\njob '{}' cannot go on: {} of {} requests have not ended", job.name,
                          job.requests.count - ended, job.requests.count);
  }
  return text;
}

RunContext make_context(const Scenario& scenario, const Experiment& experiment,
                        Bytes headroom_needed, bool complete) {
  RunContext context;
  context.scenario_name = scenario.name;
  context.scenario_yaml = scenario_yaml(scenario, false);
  context.fabric_summary = experiment.fabric.summary;
  context.fidelity = to_string(scenario.run.fidelity);
  context.seed = static_cast<std::uint64_t>(scenario.run.seed);
  context.graph = experiment.fabric.graph;
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i) {
    const LoadedJob& job = experiment.jobs[i];
    context.jobs.push_back({job.name, job.start, job.workload, job.requests.info,
                            experiment.contexts[i], job.kind, job.background});
  }
  for (std::size_t i = 0; i < experiment.fault_events.size(); ++i)
    context.faults.push_back({experiment.fault_events[i].at, experiment.fault_names[i]});
  context.headroom_needed = headroom_needed;
  context.complete = complete;
  return context;
}

// A background is meant to be there all along.
void warn_of_early_background(const Scenario& scenario, const Results& results,
                              std::vector<std::string>& warnings) {
  SimTime end;  // of the foreground
  for (std::size_t i = 0; i < results.jobs.size(); ++i)
    if (!scenario.jobs[i].background && !scenario.jobs[i].storage)
      end = std::max(end,
                     results.jobs[i].finished ? results.jobs[i].end : results.records.totals.end);
  for (std::size_t i = 0; i < results.jobs.size(); ++i) {
    const JobSummary& job = results.jobs[i];
    const bool ran = job.ranks > 0;  // RunSettings::runs may leave it out
    if (!scenario.jobs[i].background || scenario.jobs[i].storage) continue;
    if (!ran || !job.finished || job.end >= end) continue;
    warnings.push_back(scenario.at(
        fmt::format("jobs.{}.background", i),
        fmt::format("job '{}' ended at {}, before the others, which went on until {}: from then on "
                    "it disturbed nobody; give it more to do",
                    scenario.jobs[i].name, human(job.end.since_start()),
                    human(end.since_start()))));
  }
}

}  // namespace

double StudyProgress::share() const {
  double ops = ops_done;
  if (experiment != nullptr) {
    std::size_t done = 0;
    std::size_t all = 0;
    for (std::size_t j = 0; j < experiment->ranks.size(); ++j) {
      if (experiment->jobs[j].background) continue;
      for (const Rank* rank : experiment->ranks[j]) {
        done += rank->ops_done();
        all += rank->job().plan(rank->id()).graph().size();
      }
      done += requests_ended(experiment->request_processes[j]);
      all += experiment->jobs[j].requests.count;
    }
    ops = all == 0 ? 0 : static_cast<double>(done) / static_cast<double>(all);
  }
  if (until == Duration{}) return ops;
  const double time = run.now.since_start().to_s() / until.to_s();
  return std::clamp(std::max(ops, time), 0.0, 1.0);
}

RunRecords collect_records(const Experiment& experiment) {
  RunRecords records = experiment.simulation->records();
  std::vector<std::vector<JobId>> jobs_of(experiment.fabric.graph->gpu_count());  // by GPU
  const auto add = [&](const RankRecord& rank) {
    records.ranks.push_back(rank);
    jobs_of[rank.gpu.index()].push_back(rank.job);
  };
  for (std::size_t job = 0; job < experiment.ranks.size(); ++job) {
    for (const Rank* rank : experiment.ranks[job]) {
      add(rank->record_until(records.totals.end));
      const SpillVector<OpRecord> ops = rank->op_records();
      if (experiment.jobs[job].storage)
        collect_operations(experiment.jobs[job], JobId(job), rank->id(), ops, records.totals.end,
                           records.requests);
      if (!experiment.record_ops) continue;
      records.ops.insert(records.ops.end(), ops.begin(), ops.end());
    }
    for (const RequestProcess* process : experiment.request_processes[job])
      add(process->record_until(records.totals.end));
    for (const StorageServer* server : experiment.storage_servers[job])
      records.storage_servers.push_back(server->record());
    collect_requests(experiment.request_processes[job], records.totals.end, records.requests);
  }
  // The jobs of one GPU have different streams.
  for (MessageRecord& message : records.messages) {
    const std::vector<JobId>& jobs = jobs_of[message.from.index()];
    if (jobs.size() == 1) message.job = jobs.front();
    for (std::size_t i = 0; jobs.size() > 1 && i < jobs.size(); ++i)
      if (experiment.streams[jobs[i].index()].contains(message.stream)) message.job = jobs[i];
  }
  return records;
}

RunOutcome run_scenario(const Scenario& scenario, const RunSettings& settings) {
  if (scenario.run.fidelity == Fidelity::kLoggops) return run_loggops(scenario, settings);
  Performance performance;
  performance.threads = settings.threads > 0 ? settings.threads : available_cores();
  const Clock::time_point build_start = Clock::now();
  const Experiment experiment = build_experiment(scenario, settings.runs, settings.timing);
  performance.build_seconds = seconds_since(build_start);

  RunOptions options;
  options.threads = performance.threads;
  if (scenario.run.until > Duration{}) options.until = SimTime::at(scenario.run.until);
  options.deadlock_check = scenario.run.deadlock_check;
  if (settings.progress)
    options.progress = [&](const RunProgress& run) {
      return settings.progress({run, &experiment, 0, scenario.run.until});
    };
  const Clock::time_point run_start = Clock::now();
  const RunEnd end = experiment.simulation->run(options);
  performance.run_seconds = seconds_since(run_start);
  performance.memory_bytes = experiment.simulation->memory_bytes();
  performance.visits = experiment.simulation->visit_times();
  performance.timed = performance.visits.sum() > 0;

  const Clock::time_point results_start = Clock::now();
  RunRecords records = collect_records(experiment);
  Bytes headroom;  // only where it is asked for
  if (records.totals.lossless_drops > 0)
    headroom =
        headroom_needed(*experiment.fabric.graph, *experiment.fabric.routes, experiment.network);
  RunOutcome outcome;
  outcome.results = make_results(
      std::move(records), make_context(scenario, experiment, headroom, end == RunEnd::kFinished),
      performance);
  outcome.results.performance.results_seconds = seconds_since(results_start);
  outcome.end = end;
  outcome.warnings = experiment.warnings;
  warn_of_early_background(scenario, outcome.results, outcome.warnings);
  if (end == RunEnd::kDeadlock) {
    const std::string message = stuck_message(scenario, experiment, outcome.results.records);
    throw StuckRun(message, std::move(outcome));
  }
  return outcome;
}

}  // namespace plait
