// SPDX-License-Identifier: Apache-2.0
// The keys of a scenario that belong to no model.
#include <limits>

#include "study/scenario.hpp"

namespace plait {

namespace {

bool same(const LinkSpec& a, const LinkSpec& b) {
  return a.rate == b.rate && a.delay == b.delay && a.lanes == b.lanes;
}

}  // namespace

std::string_view to_string(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::kPacket:
      return "packet";
    case Fidelity::kAnalytic:
      return "analytic";
    case Fidelity::kLoggops:
      return "loggops";
  }
  return "unknown";
}

void describe(ParamVisitor& v, FabricSpec& p) {
  nested(v, {"topology", "shape of the fabric", ""}, p.topology);
  nested(v, {"host", "what every host is", ""}, p.host);
  const LinkSpec before = p.link;
  nested(v, {"link", "every cable", ""}, p.link);
  if (same(p.switch_link, before)) p.switch_link = p.link;
  nested(v, {"switch_link", "cables between switches; as link where not given", ""}, p.switch_link);
  nested(v, {"wire", "clock and loss of every cable", ""}, p.wire);
  nested(v, {"switch", "every switch", ""}, p.switches);
  nested(v, {"routing", "how fast routes follow failures", ""}, p.routing);
  v.field({"pinned_paths",
           "CSV file whose columns data_path and ack_path bind packets to paths, as node numbers "
           "joined by '-'; empty: ECMP",
           "Plait's choice"},
          p.pinned_paths);
}

void describe(ConfigVisitor& v, RescaleSpec& p) {
  v.field({"ranks", "ranks to replay the trace on, a multiple of its own", "none"}, p.ranks,
          {1, 1'000'000});
  v.words({"data_groups",
           "process groups that are data-parallel and grow with the ranks; empty: all ranks, if "
           "collectives span them",
           "Plait's choice"},
          p.data_groups);
}

void describe(ConfigVisitor& v, JobSpec& p) {
  v.field({"name", "what the job is called in results and in paths", "Plait's choice"}, p.name);
  v.field(
      {"trace", "trace files, with {rank} in place of the rank's number, or one file of all ranks",
       "none"},
      p.trace);
  v.field({"flows", "CSV file of flows with the columns src, dst, bytes, start", "none"}, p.flows);
  nested_optional(v, {"traffic", "synthetic point-to-point messages", ""}, p.traffic);
  nested_optional(v, {"collective", "one collective operation, repeated", ""}, p.collective);
  nested_optional(v, {"rpc", "requests of clients to servers, and their responses", ""}, p.rpc);
  nested_optional(v, {"serving", "inference requests to a language model", ""}, p.serving);
  nested_optional(v, {"storage", "storage servers, and clients that read and write", ""},
                  p.storage);
  nested_optional(v, {"generate", "training of a transformer", ""}, p.generate);
  v.field(
      {"groups", "JSON file with the process groups of the trace; empty: from the trace", "none"},
      p.groups);
  v.choice({"format", "what the trace is", "told by its files"}, p.format,
           {{"auto", "told by the files' first bytes"},
            {"chakra", "MLCommons Chakra, protobuf or JSON"},
            {"goal", "GOAL of LogGOPSim"},
            {"simai", "workload text of SimAI and AICB"},
            {"pytorch", "PyTorch profiler (Kineto JSON)"}});
  v.field({"step", "number of the profiler's step to replay (pytorch); empty: all", "none"},
          p.step);
  v.field(
      {"strict", "refuse broken dependencies of the trace instead of dropping them, with a warning",
       "Plait's choice"},
      p.strict);
  v.field({"ranks", "ranks of the trace to run; 0: as many as it has files", "from the trace"},
          p.ranks, {0, 1'000'000});
  nested_optional(v, {"rescale", "replay of the trace on more ranks, by data parallelism", ""},
                  p.rescale);
  v.choice({"placement", "which GPU each rank gets", "Plait's choice"}, p.placement,
           {{"packed", "host after host, each filled before the next"},
            {"round_robin", "one rank on each host in turn"},
            {"random", "a permutation of the free GPUs, drawn from run.seed"},
            {"rail_aligned",
             "as packed, but rank i of each host-sized block on GPU i of its host, "
             "so that it passes over hosts of which another job has a part"}});
  v.words({"hosts", "hosts that the job may use, in this order; empty: all", "Plait's choice"},
          p.hosts);
  v.field({"hostfile",
           "file with lines 'host', 'host slots=N' or 'host gpus=0,2': GPUs of the ranks in order; "
           "empty: placement and hosts decide",
           "none"},
          p.hostfile);
  v.field({"beside", "job on whose GPUs, in its order, the first ranks run; empty: none", "none"},
          p.beside);
  v.field({"shared",
           "its ranks run beside those of other jobs and take no GPUs from them: they share NICs, "
           "not compute",
           "one rank per GPU"},
          p.shared);
  v.field({"background", "the run ends without waiting for this job; its results are cut there",
           "Plait's choice"},
          p.background);
  v.field({"start", "when its ranks start", "with the run"}, p.start,
          {Duration{}, Duration::s(86'400)});
  v.field(
      {"compute_scale", "factor on the duration of this job's GPU ops (what-if)", "neutral value"},
      p.compute_scale, {0, 1e6});
}

void describe(ParamVisitor& v, RunSpec& p) {
  v.choice({"fidelity", "what is computed", "Plait's choice"}, p.fidelity,
           {{"packet", "every packet, queue, mark and pause"},
            {"analytic", "closed-form cost per collective and per message, no contention"},
            {"loggops", "each rank on a host of its own in the LogGOPS model, no fabric"}});
  v.field({"seed", "of ECMP hashing, marking and loss", "Plait's choice"}, p.seed,
          {0, std::numeric_limits<std::int64_t>::max()});
  v.field(
      {"until", "simulated time at which the run is cut; 0ps: at the end of all jobs", "no limit"},
      p.until, {Duration{}, Duration::s(86'400 * 100)});
  v.field({"deadlock_check",
           "simulated time between looks for switches that pause each other in a ring; a ring that "
           "has stood as long ends the run, unless the PFC watchdog is on; 0ps: only at the end",
           "Plait's choice"},
          p.deadlock_check, {Duration{}, Duration::s(100)});
  v.field({"record_ops", "keep one record per op", "Plait's choice"}, p.record_ops);
  v.field({"record_messages", "keep one record per message", "Plait's choice"}, p.record_messages);
  v.field({"record_pauses", "keep one record per PFC frame received",
           "Plait's choice: there may be "
           "millions"},
          p.record_pauses);
}

void describe(ConfigVisitor& v, Scenario& p) {
  nested(v, {"fabric", "hosts, switches and links", ""}, p.fabric);
  nested(v, {"transport", "RoCEv2 at the NICs", ""}, p.transport);
  if (v.begin({"collectives", "software of collective operations", ""})) {
    describe(v, p.collectives);
    nested_list(v, {"overrides", "for some calls; the first that fits a call holds", ""},
                p.collectives.overrides);
    v.end();
  }
  nested(v, {"loggops", "hosts and network of run.fidelity loggops", ""}, p.loggops);
  nested_list(v, {"jobs", "what runs on the GPUs", ""}, p.jobs);
  nested_list(v, {"faults", "what fails, and when", ""}, p.faults);
  nested(v, {"run", "seed, limits and records", ""}, p.run);
}

std::vector<ListedParam> scenario_params() {
  std::vector<ListedParam> params = list_params([](ConfigVisitor& visitor) {
    Scenario scenario;
    scenario.jobs.emplace_back();
    scenario.faults.emplace_back();
    describe(visitor, scenario);
  });
  const std::string own = "fabric.switch_link.";
  for (ListedParam& param : params)
    if (param.path.starts_with(own))
      param.help += "; where not given, as fabric.link." + param.path.substr(own.size());
  return params;
}

}  // namespace plait
