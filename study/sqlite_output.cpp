// SPDX-License-Identifier: Apache-2.0
#include "study/sqlite_output.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "study/sqlite_database.hpp"
#include "study/version.hpp"

namespace plait {
namespace {

// Times are whole picoseconds, so that nothing is lost; the views give what people read.
constexpr const char* kSchema = R"sql(
CREATE TABLE run (
  plait_version TEXT, scenario_name TEXT, scenario_yaml TEXT, fabric TEXT, seed INTEGER,
  complete INTEGER, end_ps INTEGER, fingerprint TEXT, packet_hops INTEGER, pfc_pauses INTEGER,
  ecn_marks INTEGER, drops INTEGER, lost_on_links INTEGER, retransmitted INTEGER, timeouts INTEGER,
  lossless_drops INTEGER, trims INTEGER, watchdog_triggers INTEGER, watchdog_drops INTEGER,
  lost_to_faults INTEGER, unroutable INTEGER, fidelity TEXT);
CREATE TABLE jobs (
  job_id INTEGER PRIMARY KEY, name TEXT, ranks INTEGER, start_ps INTEGER, end_ps INTEGER,
  jct_ps INTEGER, background INTEGER);
CREATE TABLE flow_slowdown (
  job_id INTEGER, size TEXT, above_bytes INTEGER, up_to_bytes INTEGER, flows INTEGER,
  unfinished INTEGER, mean REAL, p50 REAL, p95 REAL, p99 REAL, p99_9 REAL);
CREATE TABLE ranks (
  job_id INTEGER, rank INTEGER, gpu_id INTEGER, gpu TEXT, start_ps INTEGER, end_ps INTEGER,
  compute_ps INTEGER, exposed_communication_ps INTEGER, overlapped_communication_ps INTEGER,
  idle_ps INTEGER, finished INTEGER, PRIMARY KEY (job_id, rank)) WITHOUT ROWID;
CREATE TABLE ops (
  job_id INTEGER, rank INTEGER, op INTEGER, trace_op INTEGER, name TEXT, kind TEXT,
  collective TEXT, device TEXT, stream INTEGER, group_id INTEGER, peer_rank INTEGER,
  size_bytes INTEGER, start_ps INTEGER, end_ps INTEGER, algorithm TEXT, protocol TEXT,
  PRIMARY KEY (job_id, rank, op)) WITHOUT ROWID;
CREATE TABLE requests (
  job_id INTEGER, request_id INTEGER, kind TEXT, class TEXT, client_rank INTEGER,
  server_rank INTEGER, arrival_ps INTEGER, first_ps INTEGER, end_ps INTEGER, input_units INTEGER,
  units INTEGER, PRIMARY KEY (job_id, request_id)) WITHOUT ROWID;
CREATE TABLE storage_servers (
  job_id INTEGER, rank INTEGER, gpu_id INTEGER, read_bytes INTEGER, written_bytes INTEGER,
  pieces INTEGER, disk_busy_ps INTEGER, longest_wait_ps INTEGER, active_ps INTEGER,
  PRIMARY KEY (job_id, rank)) WITHOUT ROWID;
CREATE TABLE messages (
  message_id INTEGER PRIMARY KEY, job_id INTEGER, from_gpu_id INTEGER, to_gpu_id INTEGER,
  stream INTEGER, size_bytes INTEGER, posted_ps INTEGER, delivered_ps INTEGER, acked_ps INTEGER,
  ideal_ps INTEGER);
CREATE TABLE flows (
  flow_id INTEGER PRIMARY KEY, from_gpu_id INTEGER, to_gpu_id INTEGER, stream INTEGER,
  hops INTEGER, first_sent_ps INTEGER, last_acked_ps INTEGER, payload_bytes INTEGER,
  packets INTEGER, retransmitted INTEGER, cnps INTEGER, timeouts INTEGER, lane INTEGER,
  failed_ps INTEGER);
CREATE TABLE links (
  link_id INTEGER PRIMARY KEY, name TEXT, from_node TEXT, to_node TEXT, rate_bps INTEGER,
  delay_ps INTEGER, packets INTEGER, wire_bytes INTEGER, busy_ps INTEGER, paused_ps INTEGER);
CREATE TABLE switch_ports (
  link_id INTEGER PRIMARY KEY, switch TEXT, port INTEGER, max_queue_bytes INTEGER,
  ecn_marks INTEGER, drops INTEGER, pauses_sent INTEGER, lossless_drops INTEGER, trims INTEGER,
  watchdog_triggers INTEGER, watchdog_drops INTEGER);
CREATE TABLE pauses (
  time_ps INTEGER, node TEXT, port INTEGER, priority INTEGER, kind TEXT);
CREATE TABLE findings (
  kind TEXT, severity TEXT, object TEXT, value REAL, text TEXT);
CREATE TABLE faults (
  at_ps INTEGER, event TEXT, frames_lost INTEGER);
CREATE VIEW message_times AS
  SELECT *, (delivered_ps - posted_ps) / 1e6 AS completion_us,
         CASE WHEN ideal_ps > 0 THEN 1.0 * (delivered_ps - posted_ps) / ideal_ps ELSE 1.0 END
           AS slowdown
  FROM messages WHERE delivered_ps IS NOT NULL;
CREATE VIEW request_times AS
  SELECT *, (end_ps - arrival_ps) / 1e6 AS latency_us,
         CASE WHEN kind = 'inference' THEN (first_ps - arrival_ps) / 1e6 END
           AS time_to_first_token_us,
         CASE WHEN kind = 'inference' AND units > 1 THEN (end_ps - first_ps) / 1e6 / (units - 1) END
           AS time_per_output_token_us,
         CASE WHEN kind = 'checkpoint' THEN (first_ps - arrival_ps) / 1e6 END AS blocked_us
  FROM requests WHERE end_ps IS NOT NULL;
CREATE VIEW op_times AS
  SELECT *, (end_ps - start_ps) / 1e6 AS duration_us FROM ops;
CREATE VIEW link_use AS
  SELECT links.*, 1.0 * busy_ps / run.end_ps AS utilisation FROM links, run;
)sql";

void write_run(Database& database, const Results& results) {
  const RunContext& context = results.context;
  const RunTotals& totals = results.records.totals;
  Insert(database, "run", 22)
      .row(version(), context.scenario_name, context.scenario_yaml, context.fabric_summary,
           context.seed, context.complete, totals.end, fingerprint_text(results),
           totals.packet_hops, totals.pfc_pauses, totals.ecn_marks, totals.drops,
           totals.lost_on_links, totals.retransmitted, totals.timeouts, totals.lossless_drops,
           totals.trims, totals.watchdog_triggers, totals.watchdog_drops, totals.lost_to_faults,
           totals.unroutable, context.fidelity);
}

void write_jobs_and_ranks(Database& database, const Results& results) {
  Insert jobs(database, "jobs", 7);
  for (std::size_t j = 0; j < results.jobs.size(); ++j) {
    const JobSummary& job = results.jobs[j];
    const JobInfo& context = results.context.jobs[j];
    jobs.row(j, context.name, job.ranks, context.start, job.end,
             job.finished ? std::optional(job.job_completion_time) : std::nullopt,
             context.background);
  }
  Insert ranks(database, "ranks", 11);
  for (const RankRecord& rank : results.records.ranks)
    ranks.row(rank.job, rank.rank, rank.gpu, gpu_name(*results.context.graph, rank.gpu), rank.start,
              rank.end, rank.compute, rank.exposed_communication, rank.overlapped_communication,
              rank.idle, rank.finished);
}

void write_ops(Database& database, const Results& results) {
  Insert ops(database, "ops", 16);
  for (const OpRecord& record : results.records.ops) {
    const Op& op = op_of(results, record);
    const Workload& workload = results.context.jobs[record.job.index()].workload;
    const bool moves_data = op.kind != OpKind::kCompute;
    const bool collective = op.kind == OpKind::kCollective;
    const GroupId group = collective ? workload.group(record.rank, op.group) : GroupId::none();
    std::string name;
    std::optional<std::string_view> algorithm, protocol;
    if (collective)
      if (const auto choice = choice_of(results.context.jobs[record.job.index()], group, op)) {
        algorithm = name = choice->name();
        protocol = to_string(choice->protocol);
      }
    ops.row(record.job, record.rank, record.op,
            workload.graphs[record.rank.index()]->source_id(record.op), op_name(results, record),
            to_string(op.kind), collective ? std::optional(to_string(op.collective)) : std::nullopt,
            op.device == Device::kGpu ? std::string_view("gpu") : std::string_view("cpu"),
            op.stream, group,
            op.peer.valid() ? workload.peer(record.rank, op.peer) : RankId::none(),
            moves_data ? std::optional(op.size) : std::nullopt, record.start, record.end, algorithm,
            protocol);
  }
}

void write_requests(Database& database, const Results& results) {
  Insert requests(database, "requests", 11);
  for (const RequestRecord& r : results.records.requests) {
    const RequestInfo& info = results.context.jobs[r.job.index()].requests;
    requests.row(r.job, r.id, to_string(info.kind), info.classes[r.request_class], r.client,
                 r.server, r.arrival, r.first, r.end, r.input_units, r.units);
  }
}

void write_storage_servers(Database& database, const Results& results) {
  Insert servers(database, "storage_servers", 9);
  for (const StorageServerRecord& s : results.records.storage_servers)
    servers.row(s.job, s.rank, s.gpu, s.read, s.written, s.pieces, s.disk_busy, s.longest_wait,
                active_time(s));
}

void write_traffic(Database& database, const RunRecords& records) {
  Insert messages(database, "messages", 10);
  std::size_t message_id = 0;
  for (const MessageRecord& m : records.messages)
    messages.row(message_id++, m.job, m.from, m.to, m.stream, m.size, m.posted, m.delivered,
                 m.acked, m.ideal);
  Insert flows(database, "flows", 14);
  std::size_t flow_id = 0;
  for (const FlowRecord& f : records.flows)
    flows.row(flow_id++, f.from, f.to, f.stream, f.hops, f.first_sent, f.last_acked, f.payload,
              f.packets, f.retransmitted, f.cnps, f.timeouts, f.lane, f.failed);
}

void write_flow_slowdowns(Database& database, const Results& results) {
  Insert lines(database, "flow_slowdown", 11);
  for (const FlowSlowdown& line : results.flow_slowdowns) {
    const auto value = [&](double x) { return line.flows > 0 ? std::optional(x) : std::nullopt; };
    const bool open = line.all || line.up_to == Bytes(INT64_MAX);
    lines.row(line.job, bin_name(line), line.above, open ? std::nullopt : std::optional(line.up_to),
              line.flows, line.unfinished, value(line.mean), value(line.p50), value(line.p95),
              value(line.p99), value(line.p999));
  }
}

void write_links(Database& database, const Results& results) {
  const FabricGraph& graph = *results.context.graph;
  Insert links(database, "links", 10);
  Insert ports(database, "switch_ports", 11);
  for (std::size_t i = 0; i < results.records.links.size(); ++i) {
    const LinkRecord& record = results.records.links[i];
    const PortId port(i);
    const FabricNode& from = graph.node(graph.port_node(port));
    const FabricNode& to = graph.node(graph.port_node(graph.peer(port)));
    links.row(i, graph.link_name(port), from.name, to.name, graph.egress(port).rate,
              graph.egress(port).delay, record.packets, record.wire_bytes, record.busy,
              record.paused);
    if (from.kind == NodeKind::kSwitch)
      ports.row(i, from.name, graph.port_number(port), record.max_queue, record.ecn_marks,
                record.drops, record.pauses_sent, record.lossless_drops, record.trims,
                record.watchdog_triggers, record.watchdog_drops);
  }
}

void write_pauses(Database& database, const Results& results) {
  Insert pauses(database, "pauses", 5);
  for (const PauseRecord& record : results.records.pauses)
    pauses.row(record.time, results.context.graph->node(record.node).name, record.port,
               record.priority,
               record.pause ? std::string_view("pause") : std::string_view("resume"));
}

void write_findings(Database& database, const Results& results) {
  Insert findings(database, "findings", 5);
  for (const Finding& finding : results.findings)
    findings.row(to_string(finding.kind), to_string(finding.severity), finding.object,
                 finding.value, finding.text);
}

void write_faults(Database& database, const Results& results) {
  Insert faults(database, "faults", 3);
  for (std::size_t i = 0; i < results.context.faults.size(); ++i)
    faults.row(results.context.faults[i].at, results.context.faults[i].what,
               results.records.faults[i].lost);
}

}  // namespace

void write_sqlite(const Results& results, const std::filesystem::path& file) {
  Database database(file);
  // Fixed settings make fixed bytes. No journal and no sync: the file is thrown away on failure.
  database.execute(
      "PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = NONE;"
      "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;");
  database.execute("BEGIN");
  database.execute(kSchema);
  write_run(database, results);
  write_jobs_and_ranks(database, results);
  write_ops(database, results);
  write_requests(database, results);
  write_storage_servers(database, results);
  write_traffic(database, results.records);
  write_flow_slowdowns(database, results);
  write_links(database, results);
  write_pauses(database, results);
  write_findings(database, results);
  write_faults(database, results);
  database.execute("COMMIT");
}

}  // namespace plait
