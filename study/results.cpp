// SPDX-License-Identifier: Apache-2.0
#include "study/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/check.hpp"
#include "sim/statistics.hpp"
#include "study/collective_results.hpp"

namespace plait {
namespace {

std::vector<JobSummary> summarise_jobs(const RunRecords& records, const RunContext& context) {
  std::vector<JobSummary> jobs(context.jobs.size());
  for (std::size_t j = 0; j < jobs.size(); ++j) jobs[j].end = context.jobs[j].start;
  for (const RankRecord& rank : records.ranks) {
    PLAIT_CHECK_LT(rank.job.index(), jobs.size());
    JobSummary& job = jobs[rank.job.index()];
    ++job.ranks;
    job.end = std::max(job.end, rank.finished ? rank.end : SimTime::never());
    job.finished &= rank.finished;
  }
  for (std::size_t j = 0; j < jobs.size(); ++j)
    if (jobs[j].finished) jobs[j].job_completion_time = jobs[j].end - context.jobs[j].start;
  return jobs;
}

FlowSummary summarise_flows(const std::vector<FlowRecord>& flows) {
  FlowSummary sum;
  sum.flows = flows.size();
  std::vector<double> goodputs;
  for (const FlowRecord& flow : flows) {
    sum.packets += flow.packets;
    sum.retransmitted += flow.retransmitted;
    sum.cnps += flow.cnps;
    sum.timeouts += flow.timeouts;
    sum.failed += flow.failed != SimTime::never();
    const Duration active = flow.last_acked - flow.first_sent;
    if (active > Duration() && flow.payload > Bytes())
      goodputs.push_back(8.0 * static_cast<double>(flow.payload.count()) / active.to_s());
  }
  const Quantiles<double> sorted(std::move(goodputs));
  if (!sorted.empty()) {
    sum.goodput_p50 = sorted.at(0.5);
    sum.goodput_min = sorted.min();
  }
  return sum;
}

void summarise_messages(Results& results) {
  std::vector<Duration> times;
  std::vector<double> slowdowns;
  times.reserve(results.records.messages.size());
  slowdowns.reserve(results.records.messages.size());
  for (const MessageRecord& message : results.records.messages) {
    if (!is_delivered(message)) continue;
    times.push_back(completion_time(message));
    slowdowns.push_back(slowdown(message));
  }
  results.message_completion = distribution(std::move(times));
  results.message_slowdown = distribution(std::move(slowdowns));
}

}  // namespace

Results make_results(RunRecords records, RunContext context, const Performance& performance) {
  PLAIT_CHECK(context.graph != nullptr, "no graph");
  PLAIT_CHECK(records.links.empty() || records.links.size() == context.graph->port_count(),
              "one link record per port");
  PLAIT_CHECK_EQ(records.faults.size(), context.faults.size());
  Results results;
  results.jobs = summarise_jobs(records, context);
  results.flows = summarise_flows(records.flows);
  for (const JobInfo& job : context.jobs) {
    const auto of_job = summarise_requests(records.requests, job.requests);
    results.requests.insert(results.requests.end(), of_job.begin(), of_job.end());
  }
  results.collectives = summarise_collectives(records.ops, context.jobs);
  results.records = std::move(records);
  results.context = std::move(context);
  results.performance = performance;
  summarise_messages(results);
  results.flow_slowdowns = summarise_flow_slowdowns(results);
  results.findings = find_pathologies(results);
  return results;
}

RankTimes times_of(const RankRecord& rank) {
  return {.compute = rank.compute,
          .exposed_communication = rank.exposed_communication,
          .overlapped_communication = rank.overlapped_communication,
          .idle = rank.idle,
          .total = rank.end - rank.start};
}

RankTimes rank_quantile(std::span<const RankRecord> ranks, double q) {
  const auto of = [&](Duration RankTimes::*field) {
    std::vector<Duration> values;
    values.reserve(ranks.size());
    for (const RankRecord& rank : ranks) values.push_back(times_of(rank).*field);
    return Quantiles<Duration>(std::move(values)).at(q);
  };
  return {.compute = of(&RankTimes::compute),
          .exposed_communication = of(&RankTimes::exposed_communication),
          .overlapped_communication = of(&RankTimes::overlapped_communication),
          .idle = of(&RankTimes::idle),
          .total = of(&RankTimes::total)};
}

double share_of(const RankTimes& times, Duration RankTimes::*field) {
  if (times.total <= Duration()) return 0;
  return static_cast<double>((times.*field).ps()) / static_cast<double>(times.total.ps());
}

double rank_share_quantile(std::span<const RankRecord> ranks, Duration RankTimes::*field,
                           double q) {
  std::vector<double> shares;
  shares.reserve(ranks.size());
  for (const RankRecord& rank : ranks) shares.push_back(share_of(times_of(rank), field));
  return Quantiles<double>(std::move(shares)).at(q);
}

std::span<const RankRecord> ranks_of(const Results& results, JobId job) {
  const std::vector<RankRecord>& ranks = results.records.ranks;
  const auto first = std::partition_point(ranks.begin(), ranks.end(),
                                          [&](const RankRecord& r) { return r.job < job; });
  const auto last =
      std::partition_point(first, ranks.end(), [&](const RankRecord& r) { return r.job == job; });
  return {first, last};
}

bool is_delivered(const MessageRecord& message) { return message.delivered != SimTime::never(); }

Duration completion_time(const MessageRecord& message) {
  return message.delivered - message.posted;
}

double slowdown(const MessageRecord& message) {
  if (message.ideal <= Duration()) return 1.0;
  return static_cast<double>(completion_time(message).ps()) /
         static_cast<double>(message.ideal.ps());
}

double utilisation(const Results& results, PortId link) {
  const std::int64_t span = results.records.totals.end.ps();
  if (span <= 0) return 0;
  return static_cast<double>(results.records.links[link.index()].busy.ps()) /
         static_cast<double>(span);
}

std::vector<PortId> busiest_links(const Results& results, std::size_t count) {
  const std::vector<LinkRecord>& links = results.records.links;
  std::vector<PortId> used;
  for (std::size_t i = 0; i < links.size(); ++i)
    if (links[i].packets > 0) used.emplace_back(i);
  const auto busier = [&](PortId a, PortId b) {
    const Duration busy_a = links[a.index()].busy;
    const Duration busy_b = links[b.index()].busy;
    return busy_a != busy_b ? busy_a > busy_b : a < b;
  };
  const std::size_t kept = std::min(count, used.size());
  std::partial_sort(used.begin(), used.begin() + static_cast<std::ptrdiff_t>(kept), used.end(),
                    busier);
  used.resize(kept);
  return used;
}

std::string gpu_name(const FabricGraph& graph, GpuId gpu) {
  const NodeId host = graph.gpu_host(gpu);
  return fmt::format("{}/gpu{}", graph.node(host).name,
                     gpu.value() - graph.first_gpu(host).value());
}

const Op& op_of(const Results& results, const OpRecord& record) {
  const Workload& workload = results.context.jobs[record.job.index()].workload;
  return workload.graphs[record.rank.index()]->op(record.op);
}

std::string_view op_name(const Results& results, const OpRecord& record) {
  const Workload& workload = results.context.jobs[record.job.index()].workload;
  return workload.graphs[record.rank.index()]->name(record.op);
}

std::optional<CollectiveChoice> choice_of(const JobInfo& job, GroupId group, const Op& op) {
  if (!job.context) return std::nullopt;
  return job.context->choose(job.context->group(group), op);
}

std::string fingerprint_text(const Results& results) {
  return fmt::format("{:016x}", results.records.totals.fingerprint);
}

double engine_seconds(const Performance& performance) {
  return std::max(0.0, performance.threads * performance.run_seconds - performance.visits.sum());
}

double packet_hops_per_second(const Results& results) {
  const double seconds = results.performance.run_seconds;
  return seconds > 0 ? static_cast<double>(results.records.totals.packet_hops) / seconds : 0;
}

}  // namespace plait
