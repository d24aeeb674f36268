// SPDX-License-Identifier: Apache-2.0
#include "study/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "study/storage_report.hpp"
#include "study/text_table.hpp"

namespace plait {
namespace {

constexpr std::size_t kMostRankRows = 16;
constexpr std::size_t kMostFaultRows = 16;
constexpr std::size_t kMostJobQuantiles = 8;  // jobs with rows of min, median and max
constexpr std::size_t kMostCollectiveRows = 12;
constexpr std::size_t kMostLinkRows = 8;

std::string header(const Results& results) {
  const RunContext& context = results.context;
  std::string text =
      fmt::format("{}: {}, seed {}\n", context.scenario_name, context.fabric_summary, context.seed);
  if (context.fidelity == "analytic")
    text +=
        "Fidelity analytic: closed-form costs, no contention; nothing here knows packets, queues "
        "and links\n";
  if (context.fidelity == "loggops")
    text +=
        "Fidelity loggops: hosts in the LogGOPS model, no fabric between them; nothing here knows "
        "packets, queues and links\n";
  if (!context.complete)
    text += fmt::format("CUT SHORT at {}: the figures cover what happened until then\n",
                        human(results.records.totals.end.since_start()));
  return text + "\n";
}

std::string jobs_section(const Results& results) {
  TextTable table("Jobs", {"job", "ranks", "start", "end", "JCT"}, 1);
  for (std::size_t j = 0; j < results.jobs.size(); ++j) {
    const JobSummary& job = results.jobs[j];
    const JobInfo& context = results.context.jobs[j];
    const std::string name = context.name + (context.background ? " (background)" : "");
    const std::string unfinished = context.background ? "cut by the end of the run" : "unfinished";
    table.add({name, std::to_string(job.ranks), human(context.start.since_start()),
               job.finished ? human(job.end.since_start(), 6) : "-",
               job.finished ? human(job.job_completion_time, 6) : unfinished});
  }
  return table.text();
}

constexpr std::array kRankFields = {&RankTimes::compute, &RankTimes::exposed_communication,
                                    &RankTimes::overlapped_communication, &RankTimes::idle};

std::string time_and_share(Duration time, double share, const TimeUnit& unit) {
  return fmt::format("{:.3f} {:>5.1f} %", static_cast<double>(time.ps()) / unit.picoseconds,
                     100 * share);
}

void add_rank_row(TextTable& table, std::string name, std::string gpu, const RankTimes& times,
                  const TimeUnit& unit) {
  std::vector<std::string> cells = {std::move(name), std::move(gpu)};
  for (const auto field : kRankFields)
    cells.push_back(time_and_share(times.*field, share_of(times, field), unit));
  table.add(std::move(cells));
}

void add_quantile_rows(TextTable& table, const std::string& prefix,
                       std::span<const RankRecord> ranks, const TimeUnit& unit) {
  constexpr std::array<std::pair<const char*, double>, 3> kRows = {
      {{"min", 0}, {"median", 0.5}, {"max", 1}}};
  for (const auto& [name, q] : kRows) {
    const RankTimes times = rank_quantile(ranks, q);
    std::vector<std::string> cells = {prefix + name, ""};
    for (const auto field : kRankFields)
      cells.push_back(time_and_share(times.*field, rank_share_quantile(ranks, field, q), unit));
    table.add(std::move(cells));
  }
}

std::string ranks_section(const Results& results) {
  const std::vector<RankRecord>& ranks = results.records.ranks;
  if (ranks.empty()) return "";
  const TimeUnit unit = time_unit(rank_quantile(ranks, 1).total);
  TextTable table(
      fmt::format(
          "Ranks (in {}, and share of the rank's own time; min, median and max of each column)",
          unit.name),
      {"rank", "GPU", "compute", "exposed comm.", "overlapped comm.", "idle"}, 2);
  const bool several_jobs = results.jobs.size() > 1;
  for (std::size_t i = 0; i < std::min(ranks.size(), kMostRankRows); ++i) {
    const RankRecord& rank = ranks[i];
    const std::string number = std::to_string(rank.rank.value());
    const std::string& job = results.context.jobs[rank.job.index()].name;
    add_rank_row(table, several_jobs ? job + ":" + number : number,
                 gpu_name(*results.context.graph, rank.gpu), times_of(rank), unit);
  }
  if (ranks.size() > kMostRankRows)
    table.add({fmt::format("({} more)", ranks.size() - kMostRankRows), "", "", "", "", ""});
  const std::size_t summed = std::min(results.jobs.size(), kMostJobQuantiles);
  for (std::size_t j = 0; j < summed; ++j) {
    const auto of_job = ranks_of(results, JobId(j));
    const std::string prefix = several_jobs ? results.context.jobs[j].name + ":" : "";
    if (of_job.size() > 1) add_quantile_rows(table, prefix, of_job, unit);
  }
  return table.text();
}

// "ring ll"; Simple goes without saying.
std::string how(const CollectiveSummary& line) {
  if (line.algorithm.empty()) return "-";
  if (line.protocol == "simple") return std::string(line.algorithm);
  return fmt::format("{} {}", line.algorithm, line.protocol);
}

std::string collectives_section(const Results& results) {
  TextTable table(
      "Collectives (\"last\": the rank that came last and waited for nobody; bandwidths in GB/s)",
      {"collective", "size", "ranks", "by", "calls", "p50", "max", "last p50", "last max", "algbw",
       "busbw"},
      1);
  const bool several_jobs = results.jobs.size() > 1;
  for (const CollectiveSummary& line : results.collectives) {
    if (table.size() == kMostCollectiveRows) {
      const auto more = results.collectives.size() - kMostCollectiveRows;
      table.add({fmt::format("({} more)", more), "", "", "", "", "", "", "", "", "", ""});
      break;
    }
    const std::string kind(to_string(line.kind));
    table.add({several_jobs ? results.context.jobs[line.job.index()].name + ":" + kind : kind,
               human(line.size), std::to_string(line.group_size), how(line),
               std::to_string(line.calls), human(line.p50), human(line.max),
               human(line.last_arriver_p50), human(line.last_arriver_max),
               fmt::format("{:.1f}", line.algorithm_bandwidth * 1e-9),
               fmt::format("{:.1f}", line.bus_bandwidth * 1e-9)});
  }
  return table.text();
}

void add_request_row(TextTable& table, const std::string& name, const std::string& figure,
                     const Distribution<Duration>& times) {
  if (times.count == 0) return;
  table.add({name, figure, human_count(static_cast<double>(times.count)), human(times.p50),
             human(times.p90), human(times.p99), human(times.p999), human(times.max)});
}

std::string request_totals(const std::string& name, const RequestSummary& line) {
  if (is_storage(line.kind)) return storage_totals(name, line);
  const std::string unit = line.kind == RequestKind::kRpc ? "response bytes" : "tokens";
  std::string text = fmt::format("{}: {} of {} requests ended, {}/s, {} {}/s over {}", name,
                                 line.ended, line.count, human_count(line.requests_per_s),
                                 human_count(line.units_per_s), unit, human(line.active));
  if (line.good_share) text += fmt::format(", {} kept the SLO", percent(*line.good_share));
  return text + "\n";
}

std::string requests_section(const Results& results) {
  if (results.requests.empty()) return storage_servers_section(results);
  TextTable table("Requests", {"requests", "time", "count", "p50", "p90", "p99", "p99.9", "max"},
                  2);
  std::string totals;
  for (const RequestSummary& line : results.requests) {
    const std::string& job = results.context.jobs[line.job.index()].name;
    const std::string name = line.name == job ? job : job + ":" + line.name;
    add_request_row(table, name, "to first token", line.time_to_first_token);
    add_request_row(table, name, "per output token", line.time_per_output_token);
    add_request_row(table, name, "latency", line.latency);
    add_request_row(table, name, "training blocked", line.blocked);
    if (is_storage(line.kind)) add_request_row(table, name, "all clients", line.round);
    totals += request_totals(name, line);
  }
  return table.text() + totals + "\n" + storage_servers_section(results);
}

std::string messages_section(const Results& results) {
  const auto& time = results.message_completion;
  const auto& slow = results.message_slowdown;
  TextTable table(fmt::format("Messages ({} delivered)", time.count),
                  {"", "p50", "p90", "p99", "p99.9", "max"}, 1);
  if (results.records.messages.empty()) return "";
  if (time.count == 0) {
    table.add({"completion time", "-", "-", "-", "-", "-"});
    return table.text();
  }
  table.add({"completion time", human(time.p50), human(time.p90), human(time.p99), human(time.p999),
             human(time.max)});
  const auto number = [](double x) { return fmt::format("{:.2f}", x); };
  table.add({"slowdown (x ideal)", number(slow.p50), number(slow.p90), number(slow.p99),
             number(slow.p999), number(slow.max)});
  return table.text();
}

// Queues are measured in switches only.
bool is_switch_egress(const FabricGraph& graph, PortId link) {
  return graph.node(graph.port_node(link)).kind == NodeKind::kSwitch;
}

std::string links_section(const Results& results) {
  TextTable table("Busiest links",
                  {"link", "rate", "used", "max queue", "paused", "ECN marks", "drops"}, 1);
  for (PortId link : busiest_links(results, kMostLinkRows)) {
    const LinkRecord& record = results.records.links[link.index()];
    const FabricGraph& graph = *results.context.graph;
    table.add({graph.link_name(link),
               human_rate(static_cast<double>(graph.egress(link).rate.bps())),
               percent(utilisation(results, link)),
               is_switch_egress(graph, link) ? human(record.max_queue) : "-", human(record.paused),
               human_count(static_cast<double>(record.ecn_marks)),
               human_count(static_cast<double>(record.drops))});
  }
  return table.text();
}

std::string faults_section(const Results& results) {
  TextTable table("Faults", {"at", "event", "frames lost"}, 2);
  const std::vector<FaultInfo>& faults = results.context.faults;
  for (std::size_t i = 0; i < std::min(faults.size(), kMostFaultRows); ++i)
    table.add({human(faults[i].at.since_start()), faults[i].what,
               fmt::format("{}", results.records.faults[i].lost)});
  if (faults.size() > kMostFaultRows)
    table.add({"", fmt::format("({} more)", faults.size() - kMostFaultRows), ""});
  return table.text();
}

std::string totals_section(const Results& results) {
  const RunTotals& totals = results.records.totals;
  std::string text;
  if (results.flows.flows > 0)
    text += fmt::format(
        "Flows: {} with {} packets, {} retransmitted, {} CNPs\n"
        "Goodput over a flow's life, idle time included: median {}, least {}\n",
        results.flows.flows, results.flows.packets, results.flows.retransmitted, results.flows.cnps,
        human_rate(results.flows.goodput_p50), human_rate(results.flows.goodput_min));
  if (results.flows.failed > 0)
    text +=
        fmt::format("Queue pairs that gave up (transport.retry_limit): {}\n", results.flows.failed);
  text += fmt::format(
      "Totals: PFC pauses {}, ECN marks {}, drops {}, lost on links {}, retransmitted {}, timeouts "
      "{}\n",
      totals.pfc_pauses, totals.ecn_marks, totals.drops, totals.lost_on_links, totals.retransmitted,
      totals.timeouts);
  if (totals.lossless_drops + totals.trims + totals.watchdog_triggers > 0)
    text += fmt::format(
        "Switches: {} drops on lossless priorities, {} trims, {} watchdog triggers, {} drops by "
        "it\n",
        totals.lossless_drops, totals.trims, totals.watchdog_triggers, totals.watchdog_drops);
  if (!results.context.faults.empty())
    text += fmt::format("Faults: {} frames lost to failed links and switches, {} without a route\n",
                        totals.lost_to_faults, totals.unroutable);
  text += fmt::format("Run: {} simulated, {} packet-hops, fingerprint {}\n",
                      human(totals.end.since_start(), 6), totals.packet_hops,
                      fingerprint_text(results));
  return text;
}

}  // namespace

std::string report(const Results& results) {
  return header(results) + jobs_section(results) + ranks_section(results) +
         collectives_section(results) + requests_section(results) + messages_section(results) +
         flow_slowdown_section(results) + links_section(results) + findings_section(results) +
         faults_section(results) + totals_section(results);
  links_section(results) + findings_section(results) + faults_section(results) +
      totals_section(results);
}

std::string performance_line(const Results& results) {
  const Performance& figures = results.performance;
  std::string text =
      fmt::format("Wall time: {:.2f} s build, {:.2f} s run, {} thread{}", figures.build_seconds,
                  figures.run_seconds, figures.threads, figures.threads == 1 ? "" : "s");
  const double rate = packet_hops_per_second(results);
  if (rate > 0) text += fmt::format("; {} packet-hops/s", human_count(rate));
  return text + fmt::format("; {} of state",
                            human(Bytes(static_cast<std::int64_t>(figures.memory_bytes))));
}

std::string timing_line(const Results& results) {
  const Performance& figures = results.performance;
  if (!figures.timed) return "";
  const double run = figures.threads * figures.run_seconds;
  const auto percent = [run](double seconds) { return run > 0 ? 100 * seconds / run : 0.0; };
  return fmt::format(
      "Phases: build {:.2f} s; run: switches {:.1f} %, hosts {:.1f} %, ranks {:.1f} %, engine "
      "{:.1f} "
      "%; results {:.2f} s",
      figures.build_seconds, percent(figures.visits.switches_s), percent(figures.visits.hosts_s),
      percent(figures.visits.processes_s), percent(engine_seconds(figures)),
      figures.results_seconds);
}

}  // namespace plait
