// SPDX-License-Identifier: Apache-2.0
// Storage and checkpoints from text to results. The servers themselves: tests/models/.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sim/error.hpp"
#include "study/interference.hpp"
#include "study/json_output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"

namespace plait {
namespace {

using Catch::Matchers::Contains;

std::string fabric(int hosts) {
  return "fabric:\n  topology: {kind: single_switch, hosts: " + std::to_string(hosts) +
         "}\n  host: {gpus: 1, nics: 1}\n  link: {rate: 100Gbps, delay: 1us}\njobs:\n";
}

std::string store(const std::string& keys, const std::string& job = "") {
  return "  - {name: store, " + job + "storage: {" + keys + "}}\n";
}

// Two layers of 1024 and a vocabulary of 1024 on two ranks.
std::string training(const std::string& keys) {
  return "  - name: train\n    hosts: [host0, host1]\n    generate:\n      model: {preset: "
         "llama3_8b, layers: 2, hidden_size: 1024, heads: 8, head_size: 128, kv_heads: 8, "
         "ffn_size: 2048, vocabulary: 1024, sequence_length: 128}\n      data_parallel: 2\n"
         "      global_batch: 2\n      iterations: 3\n      checkpoint_every: 1\n" +
         keys;
}

const std::string kToStore = "      checkpoint_storage: store\n";
const std::string kServers = "servers: 2, server_hosts: host2 host3, stripe: 64KiB";

RunOutcome run(const std::string& text, unsigned threads = 1) {
  RunSettings settings;
  settings.threads = threads;
  return run_scenario(parse_scenario(text, "s.yaml", ""), settings);
}

Results finished(const std::string& text) {
  RunOutcome outcome = run(text);
  REQUIRE(outcome.end == RunEnd::kFinished);
  return std::move(outcome.results);
}

std::string error_of(const std::string& text) {
  try {
    run(text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a disk that limits gives its rate, for one client and for three", "[storage]") {
  for (const std::string clients : {"1", "3"}) {
    const Results results =
        finished(fabric(5) + store("clients: " + clients +
                                   ", write_rate: 2GB/s, write: {operations: 2, bytes: 32MiB}"));
    const RequestSummary& sum = results.requests.at(0);
    CHECK(sum.kind == RequestKind::kStorage);
    CHECK(sum.name == "write");
    CHECK(sum.ended == 2 * std::stoul(clients));
    // Beside 16.8 ms at the disk, 80 us for the first MiB to come and some us to acknowledge.
    CHECK(sum.units_per_s == Approx(2e9).epsilon(0.01));
    const StorageServerRecord& server = results.records.storage_servers.at(0);
    CHECK(bytes_per_s(server) == Approx(2e9).epsilon(0.01));
    // 2^20 / 2e9 s = 524.288 us a piece.
    CHECK(server.disk_busy ==
          Duration::ns(524'288) * static_cast<std::int64_t>(64 * std::stoul(clients)));
    CHECK(results.jobs[0].finished);
    CHECK(results.jobs[0].ranks == std::stoul(clients) + 1);
  }
}

TEST_CASE("without a disk, N clients of one server are bound by its NIC", "[storage]") {
  for (const std::string fidelity : {"packet", "analytic"}) {
    const Results results = finished(
        fabric(5) + store("clients: 4, in_flight: 4, write: {operations: 1, bytes: 16MiB}") +
        "transport: {congestion_control: {kind: none}}\nrun: {fidelity: " + fidelity + "}\n");
    const Duration round = results.requests.at(0).round.max;
    // 4 x 2^24 bytes at 12.5 GB/s: 5368.71 us; packets of 1000 or more bytes and some tens of
    // header and gap add at most 10 %. Analytic: nobody is in anybody's way, a quarter of it.
    const double least = 4 * 16 * 1'048'576 / 12.5e3;
    if (fidelity == "packet") {
      CHECK(round.to_us() > least);
      CHECK(round.to_us() < 1.1 * least);
    } else {
      CHECK(round.to_us() > least / 4);
      CHECK(round.to_us() < 1.1 * least / 4);
    }
  }
}

TEST_CASE("reads and writes with copies, the same for any number of threads", "[storage]") {
  const std::string text =
      fabric(7) + store(
                      "clients: 3, servers: 3, replicas: 3, stripe: 256KiB, read_rate: 5GB/s, "
                      "write_rate: 4GB/s, access_time: 10us, read: {operations: 4, bytes: 1MB, "
                      "interval: 200us}, write: {operations: 2, bytes: 3MB, first: 100us}");
  const Results results = finished(text);
  Bytes read, written;
  for (const StorageServerRecord& server : results.records.storage_servers) {
    read += server.read;
    written += server.written;
  }
  CHECK(read == Bytes::mega(1) * (3 * 4));
  CHECK(written == Bytes::mega(3) * (3 * 2 * 3));
  REQUIRE(results.requests.size() == 2);
  CHECK(results.requests[0].name == "read");
  CHECK(results.requests[0].ended == 12);
  CHECK(results.requests[0].round.count == 4);
  CHECK(results.requests[1].round.count == 2);
  for (const RequestRecord& r : results.records.requests)
    if (r.request_class == 0)
      CHECK(r.arrival == SimTime::at(Duration::us(200) * static_cast<int>(r.id % 6)));
  const auto json = nlohmann::json::parse(summary_json(results));
  CHECK(json["storage_servers"].size() == 3);
  CHECK(json["requests"][1]["round_us"]["max"].get<double>() ==
        Approx(results.requests[1].round.max.to_us()));
  CHECK_FALSE(json["requests"][1].contains("blocked_us"));
  CHECK_THAT(report(results),
             Contains("Storage servers") && Contains("store:read") && Contains("all clients"));
  for (const unsigned threads : {2U, 3U})
    CHECK(summary_json(run(text, threads).results) == summary_json(results));
}

TEST_CASE("a checkpoint is a time, or traffic that training waits for or not", "[storage]") {
  const std::string slow = ", write_rate: 1GB/s";
  const Results results = finished(fabric(4) + training(kToStore) + store(kServers + slow));
  const RequestSummary& sum = results.requests.at(0);
  CHECK(sum.kind == RequestKind::kCheckpoint);
  CHECK(sum.count == 6);  // two ranks, three iterations
  CHECK(sum.round.count == 3);
  // 14 bytes a parameter, split over two copies. Parameters: 2 layers of (4 h^2 attention + 3 h f
  // + 2 h norms), embedding and output of 1024 h each, final norm h; h = 1024, f = 2048.
  const std::int64_t parameters =
      2 * (4 * 1024 * 1024 + 3 * 1024 * 2048 + 2 * 1024) + 2 * 1024 * 1024 + 1024;
  CHECK(results.records.requests.at(0).input_units == 7 * parameters);
  // Two disks of 1 GB/s take 3 x 14 bytes a parameter, each half of the pieces.
  CHECK(sum.round.p50.to_s() == Approx(static_cast<double>(14 * parameters) / 2e9).epsilon(0.02));
  CHECK(sum.blocked.max == sum.latency.max);
  CHECK(results.jobs[0].ranks == 2);
  CHECK(results.jobs[1].ranks == 2);
  const auto json = nlohmann::json::parse(summary_json(results));
  CHECK(json["requests"][0]["kind"] == "checkpoint");
  CHECK(json["requests"][0]["blocked_us"]["max"].get<double>() == sum.blocked.max.to_us());
  CHECK_THAT(report(results), Contains("training blocked"));

  // Copying 14 / 2 bytes a parameter at 25 GB/s, and from the second on waiting for the last one.
  const Results async = finished(fabric(4) + training(kToStore + "      checkpoint_async: true\n") +
                                 store(kServers + slow));
  const Duration copy = transmission_time(Bytes(7 * parameters), BitRate::gigabytes_per_s(25));
  for (const RequestRecord& r : async.records.requests)
    CHECK((r.id % 3 == 0 ? r.first - r.arrival == copy : r.first - r.arrival > copy));
  CHECK(async.requests.at(0).round.count == 3);

  // With 2 x 100 Gb/s and no disk the network decides; with a time nothing is sent.
  const Results fast = finished(fabric(4) + training(kToStore) + store(kServers));
  CHECK(fast.requests.at(0).round.p50.to_us() < 0.25 * sum.round.p50.to_us());
  const Results timed = finished(fabric(4) + training(""));
  CHECK(timed.requests.empty());
  CHECK(timed.records.storage_servers.empty());
}

TEST_CASE("analytic checkpoints, any number of threads, and records of ops", "[storage]") {
  const std::string text = fabric(4) + training(kToStore) + store(kServers + ", replicas: 2");
  const Results results = finished(text + "run: {fidelity: analytic}\n");
  CHECK(results.requests.at(0).round.count == 3);
  const std::string one = summary_json(run(text, 1).results);
  for (const unsigned threads : {2U, 3U}) CHECK(summary_json(run(text, threads).results) == one);
  const Results bare = finished(text + "run: {record_ops: false}\n");
  CHECK(bare.records.ops.empty());
  CHECK(bare.requests.at(0).ended == 6);
}

TEST_CASE("who reads beside training slows it, as interference shows", "[storage]") {
  const std::string text =
      fabric(4) + training(kToStore) +
      store(kServers + ", clients: 2, read: {operations: 40, bytes: 4MB, concurrency: 4}",
            "beside: train, shared: true, ");
  const Interference result = measure_interference(parse_scenario(text, "s.yaml", ""), {});
  REQUIRE(result.jobs.size() == 2);
  CHECK(result.jobs[0].alone.has_value());
  CHECK(result.jobs[1].alone.has_value());
  CHECK(*slowdown(result.jobs[0].alone, result.jobs[0].together) > 1.05);
  // The run does not wait for readers in the background.
  const RunOutcome outcome =
      run(fabric(4) + training(kToStore) +
          store(kServers + ", clients: 2, read: {operations: 4000, bytes: 4MB, concurrency: 4}",
                "beside: train, shared: true, background: true, "));
  CHECK(outcome.end == RunEnd::kFinished);
  CHECK(outcome.results.jobs[0].finished);
  CHECK(outcome.results.requests.at(1).ended < 8000);
  CHECK(outcome.results.requests.at(1).ended > 0);
}

TEST_CASE("a run that is cut says which operations ended", "[storage]") {
  const RunOutcome outcome =
      run(fabric(2) + store("clients: 1, write_rate: 1GB/s, write: {operations: 9, bytes: 1MB}") +
          "run: {until: 3500us}\n");
  CHECK(outcome.end == RunEnd::kTimeLimit);
  const RequestSummary& sum = outcome.results.requests.at(0);
  CHECK(sum.count == 4);
  CHECK(sum.ended == 3);
  CHECK(sum.round.count == 3);
}

TEST_CASE("storage that cannot be is refused with its place", "[storage]") {
  const std::string write = ", clients: 1, write: {operations: 1}";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"servers: 0", "s.yaml:6:38: jobs.0.storage.servers: 0 is out of range"},
      {"stripe: 0B" + write, "jobs.0.storage.stripe: 0B is out of range"},
      {"stripe: 4096" + write, "jobs.0.storage.stripe: "},
      {"clients: 1, write: {operations: 1, bytes: 0B}", "jobs.0.storage.write.bytes: 0B is out"},
      {"clients: 1", "jobs.0.storage: clients have nothing to do: set read.operations or"},
      {"read: {operations: 1}", "jobs.0.storage: read needs clients; set clients, or remove it"},
      {"read: {bytes: 1MiB}", "jobs.0.storage: read has no effect: set read.operations"},
      {"clients: 1, write: {operations: 2, interval: 1ms, concurrency: 2}",
       "jobs.0.storage: write.concurrency applies to a closed loop only; remove it, or "
       "write.interval"},
      {"servers: 2, replicas: 3" + write,
       "jobs.0.storage: replicas: 3 copies need as many servers; there are 2"},
      {"stripe: 1B" + write, "jobs.0.storage.stripe: 1B is out of range; legal is 4KiB to 4GiB"},
      {"stripe: 4KiB, clients: 1, write: {operations: 1, bytes: 8GiB}",  // 2,097,152 pieces
       "jobs.0.storage: storage: a client moves more than 2000000 pieces of 4KiB; raise stripe"},
      {"strip: 1MiB", "jobs.0.storage.strip: unknown key; did you mean 'stripe'?"},
      {"server_hosts: hots2", "jobs.0.storage: there is no host 'hots2'; did you mean 'host2'?"},
      {"servers: 2, server_hosts: host2",
       "jobs.0.storage: server_hosts names 1 hosts, but there are 2; name one for each"},
      {"servers: 2, server_hosts: host2 host2",
       "jobs.0.storage: no GPU of host 'host2' is left for server 1"},
      {"servers: 5", "jobs.0.storage: no GPU of its hosts is left for server 4"},
      {"client_hosts: host1, server_hosts: host1" + write,
       "jobs.0.storage: no GPU of host 'host1' is left for server 0: other ranks have them"},
      {"clients: 5, write: {operations: 1}",
       "jobs.0: job 'store' has 5 ranks, but the fabric has 4 GPUs"},
  };
  for (const auto& [keys, message] : cases) {
    CAPTURE(keys);
    CHECK_THAT(error_of(fabric(4) + store(keys)), Contains(message));
  }
  CHECK_THAT(error_of(fabric(4) + store("servers: 1") + "run: {fidelity: loggops}\n"),
             Contains("jobs.0.storage: storage cannot run with run.fidelity loggops"));
  const std::string on_server =
      "  - {name: other, shared: true, hosts: [host0, host2], collective: {kind: all_reduce, "
      "ranks: 2, size: 1MB}}\n";
  CHECK_THAT(error_of(fabric(4) + store(kServers) + on_server),
             Contains("jobs.1: rank 1 of job 'other' is on host2/gpu0, where job 'store' has a "
                      "storage server, which must have its GPU alone; name other hosts"));
  CHECK_THAT(error_of(fabric(4) +
                      "  - {name: a, collective: {kind: all_reduce, ranks: 3, size: "
                      "1MB}}\n" +
                      store(kServers)),
             Contains("jobs.1.storage: no GPU of host 'host2' is left for server 0: other ranks "
                      "have them; put this job before theirs, or give them hosts"));
}

TEST_CASE("storage that nobody uses is doubted", "[storage]") {
  const auto warnings = [](const std::string& text) { return run(text).warnings; };
  const std::vector<std::string> idle = warnings(fabric(4) + store("servers: 1"));
  REQUIRE(idle.size() == 1);
  CHECK_THAT(idle[0], Contains("s.yaml:6:28: jobs.0.storage: nobody reads or writes: set clients, "
                               "or checkpoint_storage: store in the generate of a job"));
  CHECK(warnings(fabric(4) + store("clients: 1, write: {operations: 1}")).empty());
  CHECK(warnings(fabric(4) + training(kToStore) + store(kServers)).empty());
}

TEST_CASE("checkpoints that cannot be are refused with their place", "[storage]") {
  const std::string to = "      checkpoint_storage: ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {to + "stor\n",
       "jobs.0.generate.checkpoint_storage: there is no job 'stor' with storage; did "
       "you mean 'store'?"},
      {to + "train\n", "there is no job 'train' with storage; jobs with storage: store"},
      {kToStore + "      checkpoint_rate: 3GB/s\n",
       "jobs.0.generate: checkpoint_rate: checkpoints go to checkpoint_storage"},
      {"      checkpoint_async: true\n",
       "jobs.0.generate: checkpoint_async: needs checkpoint_storage"},
      {kToStore + "      checkpoint_copy_rate: 9GB/s\n",
       "jobs.0.generate: checkpoint_copy_rate: applies to checkpoint_async only"},
  };
  for (const auto& [keys, message] : cases) {
    CAPTURE(keys);
    CHECK_THAT(error_of(fabric(4) + training(keys) + store(kServers)), Contains(message));
  }
  std::string never = training(kToStore);
  never.replace(never.find("checkpoint_every: 1"), 19, "checkpoint_every: 0");
  CHECK_THAT(error_of(fabric(4) + never + store(kServers)),
             Contains("checkpoint_storage: has no effect without checkpoint_every"));
  CHECK_THAT(error_of(fabric(4) + training(kToStore)),
             Contains("there is no job 'store' with storage; add one"));
}

}  // namespace plait
