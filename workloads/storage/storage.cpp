// SPDX-License-Identifier: Apache-2.0
#include "workloads/storage/storage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "sim/error.hpp"
#include "sim/param_check.hpp"
#include "workloads/storage/client_ops.hpp"

namespace plait {

namespace {

constexpr std::uint32_t kClockStream = 0;       // of the CPU: intervals pass there
constexpr std::uint32_t kLaterClockStream = 2;  // the same for writes

void describe_load(ParamVisitor& v, StorageLoad& p) {
  constexpr std::string_view kOurs = "Plait's choice";
  v.field({"operations", "of each client; 0: none", kOurs}, p.operations, {0, 1'000'000});
  v.field({"bytes", "of one client's operation, striped over the servers", kOurs}, p.bytes,
          {Bytes(1), Bytes::gibi(16'384)});
  v.field({"first", "when the first operation begins, after the start of the job", kOurs}, p.first,
          {Duration{}, Duration::s(86'400)});
  v.field(
      {"interval",
       "from the begin of an operation to that of the next, ended or not; 0us: closed loop", kOurs},
      p.interval, {Duration{}, Duration::s(86'400)});
  v.field(
      {"concurrency", "operations of a client under way; closed loop (interval 0us) only", kOurs},
      p.concurrency, {1, 1'000});
}

void check_load(const StorageParams& params, const StorageLoad& load, const char* name) {
  const StorageLoad none;
  if (load.operations == 0) {
    const bool given = load.bytes != none.bytes || load.first != none.first ||
                       load.interval != none.interval || load.concurrency != none.concurrency;
    if (given) throw UserError(fmt::format("{0} has no effect: set {0}.operations", name));
    return;
  }
  if (params.clients == 0)
    throw UserError(fmt::format("{} needs clients; set clients, or remove it", name));
  if (load.interval > Duration{} && load.concurrency != none.concurrency)
    throw UserError(
        fmt::format("{}.concurrency applies to a closed loop only; remove it, or "
                    "{}.interval",
                    name, name));
}

/// The ops of one client.
class ClientGraph {
 public:
  explicit ClientGraph(const StorageParams& params)
      : params_(params),
        ops_(params, 0, [this](const Op& op, std::string_view name, const Ids& needs) {
          builder_.add(op, name, next_, needs);
          return next_++;
        }) {}

  OpGraph build() && {
    add(StorageAccess::kRead, params_.read, "read", kClockStream);
    add(StorageAccess::kWrite, params_.write, "write", kLaterClockStream);
    return std::move(builder_).build("storage");
  }

 private:
  using Ids = StorageClientOps::Ids;

  void add(StorageAccess access, const StorageLoad& load, std::string_view kind,
           std::uint32_t clock) {
    Ids begins, ends;
    Ids now = load.first > Duration{} ? wait(load.first, clock, {}) : Ids{};
    for (std::int64_t i = 0; i < load.operations; ++i) {
      Ids needs = now;
      if (load.interval == Duration{} && i >= load.concurrency)
        needs.push_back(ends[static_cast<std::size_t>(i - load.concurrency)]);
      if (!begins.empty()) needs.push_back(begins.back());
      begins.push_back(ops_.mark(kind, "_begin", load.bytes, needs));
      const Ids moved = ops_.transfer(access, load.bytes, {begins.back()});
      ends.push_back(ops_.mark(kind, "_end", load.bytes, moved));
      if (load.interval > Duration{} && i + 1 < load.operations)
        now = wait(load.interval, clock, now);
    }
  }

  Ids wait(Duration time, std::uint32_t clock, const Ids& needs) {
    Op op;
    op.device = Device::kCpu;
    op.stream = clock;
    op.duration = time;
    builder_.add(op, "storage_wait", next_, needs);
    return {next_++};
  }

  const StorageParams& params_;
  OpGraphBuilder builder_;
  std::uint64_t next_ = 0;
  StorageClientOps ops_;
};

}  // namespace

Duration StorageParams::service_time(StorageAccess access, Bytes piece) const {
  const BitRate rate = access == StorageAccess::kWrite ? write_rate : read_rate;
  return access_time + (rate > BitRate() ? transmission_time(piece, rate) : Duration{});
}

void describe(ParamVisitor& v, StorageParams& p) {
  constexpr std::string_view kOurs = "Plait's choice";
  v.field({"servers", "number of storage servers, the ranks after the clients", kOurs}, p.servers,
          {1, 10'000});
  v.field({"server_hosts",
           "host of each server, separated by spaces; a host may stand there as often as it has "
           "GPUs free; empty: as placement says",
           kOurs},
          p.server_hosts);
  v.field({"clients", "ranks that read and write, from 0 up; none: only other jobs use the storage",
           kOurs},
          p.clients, {0, 1'000'000});
  v.field({"client_hosts", "the same as server_hosts for the clients", kOurs}, p.client_hosts);
  v.field({"stripe",
           "bytes that go to one server before the next has its turn. Each is several events: "
           "below 4KiB, a block of most disks, a run would do little else than count pieces",
           "Lustre's default stripe_size"},
          p.stripe, {Bytes::kibi(4), Bytes::gibi(4)});
  v.field({"in_flight", "pieces that a client has under way to one server, each way",
           "Lustre's default osc.*.max_rpcs_in_flight"},
          p.in_flight, {1, 256});
  v.field({"replicas", "copies of what is written, from server to server", kOurs}, p.replicas,
          {1, 16});
  v.field({"read_rate", "of one server's disk; 0Gbps: no limit", kOurs}, p.read_rate,
          {BitRate(), BitRate::gigabytes_per_s(100'000)});
  v.field({"write_rate", "of one server's disk; 0Gbps: no limit", kOurs}, p.write_rate,
          {BitRate(), BitRate::gigabytes_per_s(100'000)});
  v.field({"access_time", "that a disk takes for a piece of any size, beside its rate", kOurs},
          p.access_time, {Duration{}, Duration::s(10)});
  v.field({"control_size", "bytes of a read's request and of a write's acknowledgement", kOurs},
          p.control_size, {Bytes(0), Bytes::mebi(1)});
  const auto load = [&](const ParamInfo& info, StorageLoad& value) {
    if (!v.begin(info)) return;
    describe_load(v, value);
    v.end();
  };
  load({"read", "what every client reads", ""}, p.read);
  load({"write", "what every client writes", ""}, p.write);
}

void check_storage(const StorageParams& params) {
  check_ranges(params, "storage");
  check_load(params, params.read, "read");
  check_load(params, params.write, "write");
  if (params.clients > 0 && params.read.operations + params.write.operations == 0)
    throw UserError("clients have nothing to do: set read.operations or write.operations");
  if (params.replicas > params.servers)
    throw UserError(fmt::format("replicas: {} copies need as many servers; there are {}",
                                params.replicas, params.servers));
  storage_hosts(params.server_hosts, params.servers, "server_hosts");
  storage_hosts(params.client_hosts, params.clients, "client_hosts");
}

std::vector<std::string> storage_hosts(const std::string& list, std::int64_t wanted,
                                       const char* key) {
  std::vector<std::string> names;
  for (std::string_view text = list; !text.empty();) {
    const std::size_t end = std::min(text.find_first_of(" ,"), text.size());
    if (end > 0) names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (names.empty()) names.resize(static_cast<std::size_t>(wanted));  // anywhere
  if (static_cast<std::int64_t>(names.size()) != wanted)
    throw UserError(
        fmt::format("{} names {} hosts, but there are {}; name one for each, a host as "
                    "often as it has some",
                    key, names.size(), wanted));
  return names;
}

Workload make_storage_workload(const StorageParams& params) {
  check_storage(params);
  const auto clients = static_cast<std::size_t>(params.clients);
  Workload workload;
  workload.groups.push_back({"all", {}});
  for (std::size_t rank = 0; rank < clients; ++rank) workload.groups[0].ranks.emplace_back(rank);
  if (clients > 0)
    workload.graphs.assign(clients, std::make_shared<const OpGraph>(ClientGraph(params).build()));
  workload.bindings.resize(clients);
  add_storage_servers(workload, params.server_count(), 0);
  return workload;
}

void add_storage_servers(Workload& workload, std::uint32_t servers, std::size_t first_role) {
  const std::size_t clients = workload.graphs.size();
  const std::size_t groups = clients > 0 ? workload.bindings[0].groups.size() : 0;
  for (std::size_t rank = 0; rank < clients; ++rank) {
    std::vector<RankId>& peers = workload.bindings[rank].peers;
    peers.resize(first_role);
    for (std::uint32_t role = 0; role < servers; ++role)
      peers.emplace_back(clients + storage_server(static_cast<std::uint32_t>(rank), role, servers));
  }
  const auto nothing = std::make_shared<const OpGraph>();
  for (std::uint32_t server = 0; server < servers; ++server) {
    workload.groups[0].ranks.emplace_back(workload.graphs.size());
    workload.graphs.push_back(nothing);
    workload.bindings.push_back({std::vector<GroupId>(groups), {}});
  }
}

std::vector<StorageOperation> storage_operations(const OpGraph& graph,
                                                 const std::vector<std::string>& kinds) {
  std::vector<std::uint32_t> order;  // marks, as they were added
  for (std::uint32_t i = 0; i < graph.size(); ++i)
    if (graph.op(OpId(i)).kind == OpKind::kCompute) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return graph.source_id(OpId(a)) < graph.source_id(OpId(b));
  });
  std::vector<StorageOperation> operations;
  for (std::uint32_t kind = 0; kind < kinds.size(); ++kind) {
    const std::string begin = kinds[kind] + "_begin", resume = kinds[kind] + "_resume",
                      end = kinds[kind] + "_end";
    std::size_t resumed = operations.size(), ended = operations.size();
    const std::size_t first = operations.size();
    for (const std::uint32_t i : order) {
      const OpId id(i);
      if (graph.name(id) == begin) operations.push_back({kind, graph.op(id).size, id, {}, {}});
    }
    for (const std::uint32_t i : order) {
      if (first == operations.size()) break;
      const OpId id(i);
      if (graph.name(id) == resume) operations[resumed++].resume = id;
      if (graph.name(id) == end) operations[ended++].end = id;
    }
  }
  return operations;
}

}  // namespace plait
