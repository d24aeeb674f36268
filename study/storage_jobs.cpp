// SPDX-License-Identifier: Apache-2.0
#include "study/storage_jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "models/storage/storage_server.hpp"
#include "sim/error.hpp"
#include "study/build.hpp"
#include "study/error_place.hpp"
#include "workloads/storage/storage.hpp"

namespace plait {

namespace {

void refuse_loggops(const Scenario& scenario, const std::string& path) {
  if (scenario.run.fidelity != Fidelity::kLoggops) return;
  throw UserError(scenario.where(path),
                  fmt::format("{}: storage cannot run with run.fidelity loggops, which walks fixed "
                              "op graphs and knows no servers; choose packet or analytic",
                              path));
}

RequestInfo request_info(RequestKind kind, std::size_t index, const LoadedJob& job) {
  RequestInfo info;
  info.kind = kind;
  info.job = JobId(index);
  info.classes = job.storage->kinds;
  for (const auto& graph : job.workload.graphs)
    info.per_client = std::max<std::uint64_t>(
        info.per_client, storage_operations(*graph, job.storage->kinds).size());
  return info;
}

// Messages to the server that a rank finds under each role.
std::vector<std::uint64_t> sends_by_role(const OpGraph& graph, std::size_t first_role,
                                         std::uint32_t servers) {
  std::vector<std::uint64_t> sends(servers);
  for (const Op& op : graph.ops())
    if (op.kind == OpKind::kSend && op.peer.index() >= first_role)
      ++sends[op.peer.index() - first_role];
  return sends;
}

/// Tells the servers of one storage job who will send what.
class Introduction {
 public:
  Introduction(const Scenario& scenario, const Experiment& experiment, StorageContext& context)
      : scenario_(scenario), experiment_(experiment), context_(context) {}

  void introduce(std::size_t index) {
    const LoadedJob& job = experiment_.jobs[index];
    const bool background = scenario_.jobs[index].background;
    std::map<const OpGraph*, std::vector<std::uint64_t>> known;
    for (std::uint32_t rank = 0; rank < job.walkers(); ++rank) {
      for (const StorageAccess access : {StorageAccess::kWrite, StorageAccess::kRead})
        context_.clients[{experiment_.contexts[index]->gpu(RankId(std::size_t{rank})),
                          stream(index, access)}] = {access, rank, background};
      if (background) continue;
      const OpGraph* graph = job.workload.graphs[rank].get();
      const std::vector<RankId>& peers = job.workload.bindings[rank].peers;
      const std::size_t first_role = peers.size() - job.storage->servers;
      const auto found = known.find(graph);
      const std::vector<std::uint64_t>& sends =
          found != known.end()
              ? found->second
              : known.emplace(graph, sends_by_role(*graph, first_role, job.storage->servers))
                    .first->second;
      for (std::size_t role = 0; role < sends.size(); ++role)
        context_.expected[peers[first_role + role].index() - job.walkers()] += sends[role];
    }
  }

 private:
  // As the servers see it, who share their GPUs with nobody.
  std::uint32_t stream(std::size_t index, StorageAccess access) const {
    return experiment_.streams[index].first +
           JobContext::point_to_point_stream(storage_tag(access));
  }

  const Scenario& scenario_;
  const Experiment& experiment_;
  StorageContext& context_;
};

std::vector<GpuId> servers_of(const Experiment& experiment, std::size_t index) {
  std::vector<GpuId> gpus;
  const LoadedJob& job = experiment.jobs[index];
  for (std::size_t rank = job.walkers(); rank < job.workload.graphs.size(); ++rank)
    gpus.push_back(experiment.contexts[index]->gpu(RankId(rank)));
  return gpus;
}

// A server numbers its messages as it likes, so it has its GPU alone.
void refuse_company(const Scenario& scenario, const Experiment& experiment, std::size_t storage) {
  const std::vector<GpuId> servers = servers_of(experiment, storage);
  for (std::size_t j = 0; j < experiment.jobs.size(); ++j)
    for (std::size_t rank = 0; rank < experiment.jobs[j].walkers(); ++rank) {
      const GpuId gpu = experiment.placements[j].gpu[rank];
      if (std::find(servers.begin(), servers.end(), gpu) == servers.end()) continue;
      throw UserError(
          scenario.where(fmt::format("jobs.{}", j)),
          fmt::format("jobs.{}: rank {} of job '{}' is on {}, where job '{}' has a "
                      "storage server, which must have its GPU alone; name other hosts",
                      j, rank, scenario.jobs[j].name, gpu_name(*experiment.fabric.graph, gpu),
                      scenario.jobs[storage].name));
    }
}

}  // namespace

void load_storage_job(const Scenario& scenario, std::size_t index, LoadedJob& job) {
  const StorageParams& params = *scenario.jobs[index].storage;
  const std::string path = fmt::format("jobs.{}.storage", index);
  refuse_loggops(scenario, path);
  at(scenario, path, [&] {
    job.workload = make_storage_workload(params);
    if (!params.client_hosts.empty())
      job.requests.hosts = storage_hosts(params.client_hosts, params.clients, "client_hosts");
  });
  StorageUse use{index, params.server_count(), {}};
  if (params.read.operations > 0) use.kinds.emplace_back("read");
  if (params.write.operations > 0) use.kinds.emplace_back("write");
  job.storage = std::move(use);
  job.requests.info = request_info(RequestKind::kStorage, index, job);
}

std::size_t checkpoint_storage(const Scenario& scenario, std::size_t index) {
  const std::string path = fmt::format("jobs.{}.generate.checkpoint_storage", index);
  refuse_loggops(scenario, path);
  const std::string& name = scenario.jobs[index].generate->checkpoint_storage;
  std::vector<std::string> names;
  for (std::size_t j = 0; j < scenario.jobs.size(); ++j) {
    if (!scenario.jobs[j].storage) continue;
    if (scenario.jobs[j].name == name) return j;
    names.push_back(scenario.jobs[j].name);
  }
  throw UserError(scenario.where(path),
                  fmt::format("{}: there is no job '{}' with storage{}", path, name,
                              names.empty() ? "; add one: {name: ..., storage: {servers: ...}}"
                              : nearest_name(name, names).empty()
                                  ? fmt::format("; jobs with storage: {}", fmt::join(names, ", "))
                                  : did_you_mean(name, names)));
}

void use_for_checkpoints(const Scenario& scenario, std::size_t index, std::size_t storage,
                         LoadedJob& job) {
  job.storage = StorageUse{storage, scenario.jobs[storage].storage->server_count(), {"checkpoint"}};
  job.requests.info = request_info(RequestKind::kCheckpoint, index, job);
}

void place_storage_servers(const Scenario& scenario, const std::vector<bool>& runs,
                           Experiment& experiment) {
  experiment.storage_servers.resize(experiment.jobs.size());
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i) {
    if (!scenario.jobs[i].storage) continue;
    refuse_company(scenario, experiment, i);
    const auto context = std::make_shared<StorageContext>(JobId(i), *scenario.jobs[i].storage,
                                                          RankId(experiment.jobs[i].walkers()),
                                                          servers_of(experiment, i));
    Introduction introduction(scenario, experiment, *context);
    SimTime start = SimTime::never();
    for (std::size_t j = 0; j < experiment.jobs.size(); ++j) {
      const auto& use = experiment.jobs[j].storage;
      if (!use || use->job != i || (!runs.empty() && !runs[j])) continue;
      introduction.introduce(j);
      start = std::min(start, experiment.jobs[j].start);
    }
    if (start == SimTime::never()) continue;  // nobody needs them
    for (std::uint32_t server = 0; server < context->gpu.size(); ++server) {
      auto process = std::make_unique<StorageServer>(context, server);
      experiment.storage_servers[i].push_back(process.get());
      experiment.request_processes[i].push_back(process.get());
      experiment.simulation->place(context->gpu[server], std::move(process), start);
    }
  }
}

void collect_operations(const LoadedJob& job, JobId id, RankId rank, std::span<const OpRecord> ops,
                        SimTime cut, std::vector<RequestRecord>& requests) {
  const OpGraph& graph = *job.workload.graphs[rank.index()];
  std::vector<SimTime> ends(graph.size(), SimTime::never());
  for (const OpRecord& op : ops) ends[op.op.index()] = op.end;
  std::uint64_t number = rank.value() * job.requests.info.per_client;
  for (const StorageOperation& operation : storage_operations(graph, job.storage->kinds)) {
    RequestRecord record;
    record.job = id;
    record.request_class = operation.kind;
    record.id = number++;
    record.client = rank;
    record.arrival = ends[operation.begin.index()];
    if (record.arrival > cut) continue;
    record.end = ends[operation.end.index()];
    record.first = operation.resume.valid() ? ends[operation.resume.index()] : record.end;
    const bool reads = job.storage->kinds[operation.kind] == "read";
    (reads ? record.units : record.input_units) = operation.bytes.count();
    requests.push_back(record);
  }
}

}  // namespace plait
