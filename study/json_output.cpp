// SPDX-License-Identifier: Apache-2.0
#include "study/json_output.hpp"

#include <nlohmann/json.hpp>

#include "study/version.hpp"

namespace plait {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBusiestLinks = 16;

// Divisions and not multiplications by 1e-6: the result is then the double nearest to the decimal
// fraction, which prints without a tail of nines.
double us(Duration d) { return static_cast<double>(d.ps()) / 1e6; }
double us(SimTime t) { return us(t.since_start()); }

double figure(Duration d) { return us(d); }
double figure(double x) { return x; }

// Null where there is nothing to have quantiles of.
template <class T>
Json quantiles(const Distribution<T>& d) {
  const auto value = [&](T quantile) { return d.count > 0 ? Json(figure(quantile)) : Json(); };
  return {{"p50", value(d.p50)},
          {"p90", value(d.p90)},
          {"p99", value(d.p99)},
          {"p99_9", value(d.p999)},
          {"max", value(d.max)}};
}

Json rank_spread(std::span<const RankRecord> ranks) {
  Json spread = Json::object();
  if (ranks.empty()) return spread;
  const RankTimes min = rank_quantile(ranks, 0);
  const RankTimes median = rank_quantile(ranks, 0.5);
  const RankTimes max = rank_quantile(ranks, 1);
  const auto add = [&](const char* key, Duration RankTimes::*field) {
    spread[key] = {{"min", us(min.*field)}, {"median", us(median.*field)}, {"max", us(max.*field)}};
  };
  add("compute_us", &RankTimes::compute);
  add("exposed_communication_us", &RankTimes::exposed_communication);
  add("overlapped_communication_us", &RankTimes::overlapped_communication);
  add("idle_us", &RankTimes::idle);
  return spread;
}

Json jobs_json(const Results& results) {
  Json jobs = Json::array();
  for (std::size_t j = 0; j < results.jobs.size(); ++j) {
    const JobSummary& job = results.jobs[j];
    jobs.push_back({{"name", results.context.jobs[j].name},
                    {"background", results.context.jobs[j].background},
                    {"ranks", job.ranks},
                    {"start_us", us(results.context.jobs[j].start)},
                    {"end_us", job.finished ? Json(us(job.end)) : Json()},
                    {"jct_us", job.finished ? Json(us(job.job_completion_time)) : Json()},
                    {"rank_times", rank_spread(ranks_of(results, JobId(j)))}});
  }
  return jobs;
}

Json collectives_json(const Results& results) {
  Json lines = Json::array();
  for (const CollectiveSummary& line : results.collectives)
    lines.push_back({{"job", results.context.jobs[line.job.index()].name},
                     {"kind", to_string(line.kind)},
                     {"size_bytes", line.size.count()},
                     {"group_size", line.group_size},
                     {"algorithm", line.algorithm.empty() ? Json() : Json(line.algorithm)},
                     {"protocol", line.protocol.empty() ? Json() : Json(line.protocol)},
                     {"calls", line.calls},
                     {"duration_p50_us", us(line.p50)},
                     {"duration_max_us", us(line.max)},
                     {"last_arriver_p50_us", us(line.last_arriver_p50)},
                     {"last_arriver_max_us", us(line.last_arriver_max)},
                     {"algorithm_bandwidth_gbytes_per_s", line.algorithm_bandwidth / 1e9},
                     {"bus_bandwidth_gbytes_per_s", line.bus_bandwidth / 1e9}});
  return lines;
}

std::string rate_name(RequestKind kind) {
  if (is_storage(kind)) return "bytes_per_s";
  return kind == RequestKind::kRpc ? "response_bytes_per_s" : "output_tokens_per_s";
}

Json storage_servers_json(const Results& results) {
  Json lines = Json::array();
  for (const StorageServerRecord& server : results.records.storage_servers)
    lines.push_back({{"job", results.context.jobs[server.job.index()].name},
                     {"rank", server.rank.value()},
                     {"gpu", gpu_name(*results.context.graph, server.gpu)},
                     {"read_bytes", server.read.count()},
                     {"written_bytes", server.written.count()},
                     {"pieces", server.pieces},
                     {"disk_busy_us", us(server.disk_busy)},
                     {"longest_wait_us", us(server.longest_wait)},
                     {"active_us", us(active_time(server))},
                     {"bytes_per_s", bytes_per_s(server)}});
  return lines;
}

Json requests_json(const Results& results) {
  Json lines = Json::array();
  for (const RequestSummary& line : results.requests) {
    Json json = {{"job", results.context.jobs[line.job.index()].name},
                 {"class", line.name},
                 {"kind", to_string(line.kind)},
                 {"count", line.count},
                 {"ended", line.ended},
                 {"latency_us", quantiles(line.latency)}};
    if (line.kind == RequestKind::kInference) {
      json["time_to_first_token_us"] = quantiles(line.time_to_first_token);
      json["time_per_output_token_us"] = quantiles(line.time_per_output_token);
    }
    json["active_us"] = us(line.active);
    json["requests_per_s"] = line.requests_per_s;
    json[rate_name(line.kind)] = line.units_per_s;
    if (is_storage(line.kind)) {
      json["round_us"] = quantiles(line.round);
      json["round_bytes_per_s"] = line.round_bytes_per_s;
    }
    if (line.kind == RequestKind::kCheckpoint) json["blocked_us"] = quantiles(line.blocked);
    json["slo_share"] = line.good_share ? Json(*line.good_share) : Json();
    lines.push_back(std::move(json));
  }
  return lines;
}

Json flow_slowdown_json(const Results& results) {
  Json lines = Json::array();
  for (const FlowSlowdown& line : results.flow_slowdowns) {
    const bool open = line.all || line.up_to == Bytes(INT64_MAX);
    const auto value = [&](double x) { return line.flows > 0 ? Json(x) : Json(); };
    lines.push_back({{"job", results.context.jobs[line.job.index()].name},
                     {"size", bin_name(line)},
                     {"above_bytes", line.above.count()},
                     {"up_to_bytes", open ? Json() : Json(line.up_to.count())},
                     {"flows", line.flows},
                     {"unfinished", line.unfinished},
                     {"mean", value(line.mean)},
                     {"p50", value(line.p50)},
                     {"p95", value(line.p95)},
                     {"p99", value(line.p99)},
                     {"p99_9", value(line.p999)}});
  }
  return lines;
}

Json links_json(const Results& results) {
  Json lines = Json::array();
  const FabricGraph& graph = *results.context.graph;
  for (PortId link : busiest_links(results, kBusiestLinks)) {
    const LinkRecord& record = results.records.links[link.index()];
    lines.push_back({{"name", graph.link_name(link)},
                     {"rate_gbps", static_cast<double>(graph.egress(link).rate.bps()) / 1e9},
                     {"utilisation", utilisation(results, link)},
                     {"packets", record.packets},
                     {"wire_bytes", record.wire_bytes.count()},
                     {"paused_us", us(record.paused)},
                     {"max_queue_bytes", record.max_queue.count()},
                     {"ecn_marks", record.ecn_marks},
                     {"drops", record.drops},
                     {"lossless_drops", record.lossless_drops},
                     {"trims", record.trims},
                     {"watchdog_triggers", record.watchdog_triggers},
                     {"watchdog_drops", record.watchdog_drops}});
  }
  return lines;
}

Json faults_json(const Results& results) {
  Json events = Json::array();
  for (std::size_t i = 0; i < results.context.faults.size(); ++i)
    events.push_back({{"at_us", us(results.context.faults[i].at)},
                      {"event", results.context.faults[i].what},
                      {"frames_lost", results.records.faults[i].lost}});
  return events;
}

Json findings_json(const Results& results) {
  Json findings = Json::array();
  for (const Finding& finding : results.findings)
    findings.push_back({{"kind", to_string(finding.kind)},
                        {"severity", to_string(finding.severity)},
                        {"object", finding.object},
                        {"value", finding.value},
                        {"text", finding.text}});
  return findings;
}

Json flows_json(const FlowSummary& flows) {
  return {{"count", flows.flows},
          {"packets", flows.packets},
          {"retransmitted", flows.retransmitted},
          {"cnps", flows.cnps},
          {"timeouts", flows.timeouts},
          {"failed", flows.failed},
          {"goodput_p50_gbps", flows.goodput_p50 / 1e9},
          {"goodput_min_gbps", flows.goodput_min / 1e9}};
}

}  // namespace

std::string summary_json(const Results& results) {
  const RunContext& context = results.context;
  const RunTotals& totals = results.records.totals;
  const Json summary = {{"plait_version", version()},
                        {"scenario", context.scenario_name},
                        {"fabric", context.fabric_summary},
                        {"fidelity", context.fidelity},
                        {"seed", context.seed},
                        {"complete", context.complete},
                        {"fingerprint", fingerprint_text(results)},
                        {"simulated_us", us(totals.end)},
                        {"packet_hops", totals.packet_hops},
                        {"pfc_pauses", totals.pfc_pauses},
                        {"ecn_marks", totals.ecn_marks},
                        {"drops", totals.drops},
                        {"lossless_drops", totals.lossless_drops},
                        {"trims", totals.trims},
                        {"watchdog_triggers", totals.watchdog_triggers},
                        {"watchdog_drops", totals.watchdog_drops},
                        {"lost_on_links", totals.lost_on_links},
                        {"lost_to_faults", totals.lost_to_faults},
                        {"unroutable", totals.unroutable},
                        {"retransmitted", totals.retransmitted},
                        {"timeouts", totals.timeouts},
                        {"jobs", jobs_json(results)},
                        {"collectives", collectives_json(results)},
                        {"requests", requests_json(results)},
                        {"storage_servers", storage_servers_json(results)},
                        {"messages",
                         {{"count", results.message_completion.count},
                          {"completion_us", quantiles(results.message_completion)},
                          {"slowdown", quantiles(results.message_slowdown)}}},
                        {"flows", flows_json(results.flows)},
                        {"flow_slowdown", flow_slowdown_json(results)},
                        {"findings", findings_json(results)},
                        {"faults", faults_json(results)},
                        {"busiest_links", links_json(results)}};
  // Names come from the user's files and may hold any bytes.
  return summary.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string performance_json(const Results& results) {
  const Performance& figures = results.performance;
  Json json = {{"threads", figures.threads},
               {"build_seconds", figures.build_seconds},
               {"run_seconds", figures.run_seconds},
               {"results_seconds", figures.results_seconds},
               {"packet_hops_per_s", packet_hops_per_second(results)},
               {"windows", results.records.totals.windows},
               {"memory_bytes", figures.memory_bytes}};
  if (figures.timed)
    json["thread_seconds"] = {{"switches", figures.visits.switches_s},
                              {"hosts", figures.visits.hosts_s},
                              {"processes", figures.visits.processes_s},
                              {"engine_and_waiting", engine_seconds(figures)}};
  return json.dump(2) + "\n";
}

}  // namespace plait
