// SPDX-License-Identifier: Apache-2.0
// Storage servers over a network of closed form: a GPU sends 1 byte in 1 ns, one message after
// another, and a message arrives d = 1 us after its last byte. Control messages have no bytes, so
// they take d. Symbols: p, a piece's transmission; s, its time at the disk; n, pieces; w,
// in_flight.
#include <catch2/catch.hpp>
#include <map>

#include "models/job_context.hpp"
#include "models/rank.hpp"
#include "models/storage/storage_server.hpp"
#include "tests/support/process_world.hpp"

namespace plait {
namespace {

struct StorageRun {
  explicit StorageRun(const StorageParams& params) : workload(make_storage_workload(params)) {
    const std::size_t clients = params.client_count();
    JobPlacement placement;
    std::vector<GpuId> gpus;
    for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) {
      placement.gpu.emplace_back(rank);
      placement.host.push_back(static_cast<std::uint32_t>(rank));
      if (rank >= clients) gpus.emplace_back(rank);
    }
    job = std::make_shared<const JobContext>(JobId(0), "store", workload, placement,
                                             CollectiveParams(), GpuParams(), true);
    auto context = std::make_shared<StorageContext>(JobId(0), params, RankId(clients), gpus);
    for (std::uint32_t c = 0; c < clients; ++c)
      for (const StorageAccess access : {StorageAccess::kWrite, StorageAccess::kRead})
        context->clients[{GpuId(std::size_t{c}), JobContext::point_to_point_stream(
                                                     storage_tag(access))}] = {access, c, false};
    for (std::size_t c = 0; c < clients; ++c) {
      const OpGraph& graph = *workload.graphs[c];
      for (const Op& op : graph.ops())
        if (op.kind == OpKind::kSend)
          ++context->expected[workload.peer(RankId(c), op.peer).index() - clients];
    }
    for (std::size_t c = 0; c < clients; ++c)
      ranks.push_back(&world.add(std::make_unique<Rank>(job, RankId(c))));
    for (std::uint32_t s = 0; s < params.server_count(); ++s)
      servers.push_back(&world.add(std::make_unique<StorageServer>(context, s)));
    end = world.run();
    REQUIRE(world.all_finished());
  }

  /// From begin to end, by client and operation.
  std::vector<Duration> times(const std::string& kind) const {
    std::vector<Duration> times;
    for (const Rank* rank : ranks) {
      std::map<std::uint32_t, SimTime> ends;
      for (const OpRecord& op : rank->op_records()) ends[op.op.value()] = op.end;
      for (const StorageOperation& one :
           storage_operations(*workload.graphs[rank->id().index()], {kind}))
        times.push_back(ends.at(one.end.value()) - ends.at(one.begin.value()));
    }
    return times;
  }

  testing::ProcessWorld world;
  Workload workload;
  std::shared_ptr<const JobContext> job;
  std::vector<Rank*> ranks;
  std::vector<StorageServer*> servers;
  SimTime end;
};

StorageParams small() {
  StorageParams params;
  params.clients = 1;
  params.stripe = Bytes(10'000);  // p = 10 us
  params.control_size = Bytes(0);
  return params;
}

StorageParams writing(std::int64_t pieces) {
  StorageParams params = small();
  params.write.operations = 1;
  params.write.bytes = params.stripe * pieces;
  return params;
}

StorageParams reading(std::int64_t pieces) {
  StorageParams params = small();
  params.read.operations = 1;
  params.read.bytes = params.stripe * pieces;
  return params;
}

}  // namespace

TEST_CASE("a write without a disk: n p + d, and d for the acknowledgement", "[storage]") {
  const StorageRun run(writing(6));
  CHECK(run.times("write") == std::vector{Duration::us(6 * 10 + 1 + 1)});
  CHECK(run.servers[0]->record().written == Bytes(60'000));
  CHECK(run.servers[0]->record().pieces == 6);
}

TEST_CASE("a window of one piece is a ping-pong: n (p + s + 2 d)", "[storage]") {
  StorageParams params = writing(5);
  params.in_flight = 1;
  params.write_rate = BitRate::gigabytes_per_s(2);  // s = 5 us
  CHECK(StorageRun(params).times("write") == std::vector{Duration::us(5 * (10 + 5 + 2))});
  params = reading(5);
  params.in_flight = 1;
  params.read_rate = BitRate::gigabytes_per_s(2);
  // The request, the disk, then the data.
  CHECK(StorageRun(params).times("read") == std::vector{Duration::us(5 * (1 + 5 + 10 + 1))});
}

TEST_CASE("the slower of network and disk limits a pipeline", "[storage]") {
  StorageParams params = writing(8);
  SECTION("write, network slower: n p + d + s + d") {
    params.write_rate = BitRate::gigabytes_per_s(2);
    CHECK(StorageRun(params).times("write") == std::vector{Duration::us(80 + 1 + 5 + 1)});
  }
  SECTION("write, disk slower: p + d + n s + d") {
    params.write_rate = BitRate::mbps(4'000);  // s = 20 us
    const StorageRun run(params);
    CHECK(run.times("write") == std::vector{Duration::us(10 + 1 + 160 + 1)});
    CHECK(run.servers[0]->record().disk_busy == Duration::us(160));
    // The last piece came at 81 us and began at 11 + 7 x 20.
    CHECK(run.servers[0]->record().longest_wait == Duration::us(151 - 81));
  }
  SECTION("access time adds to every piece") {
    params.access_time = Duration::us(20);
    CHECK(StorageRun(params).times("write") == std::vector{Duration::us(10 + 1 + 160 + 1)});
  }
  SECTION("read, disk slower: d + n s + p + d") {
    params = reading(8);
    params.read_rate = BitRate::mbps(4'000);
    CHECK(StorageRun(params).times("read") == std::vector{Duration::us(1 + 160 + 10 + 1)});
  }
  SECTION("read, network slower: d + s + n p + d; the last piece is shorter") {
    params = reading(8);
    params.read.bytes = Bytes(71'000);
    params.read_rate = BitRate::gigabytes_per_s(2);
    const StorageRun run(params);
    CHECK(run.times("read") == std::vector{Duration::us(1 + 5 + 71 + 1)});
    CHECK(run.servers[0]->record().read == Bytes(71'000));
  }
}

TEST_CASE("pieces go to the servers in turn, beginning with another for each client", "[storage]") {
  StorageParams params = writing(7);
  params.servers = 3;
  params.clients = 2;
  params.write.bytes = Bytes(64'000);  // six pieces and one of 4000
  const StorageRun run(params);
  // Client 0: pieces 0..6 to servers 0 1 2 0 1 2 0; client 1 to 1 2 0 1 2 0 1.
  CHECK(run.servers[0]->record().written == Bytes(24'000 + 20'000));
  CHECK(run.servers[1]->record().written == Bytes(20'000 + 24'000));
  CHECK(run.servers[2]->record().written == Bytes(40'000));
}

TEST_CASE("servers know by counting how long a piece is that is read", "[storage]") {
  StorageParams params = reading(1);
  params.servers = 2;
  params.clients = 3;
  params.read.bytes = Bytes(25'000);  // pieces of 10, 10, 5 KB: an odd number for two servers
  params.read.operations = 4;
  params.read.concurrency = 2;
  const StorageRun run(params);
  // Client 0 has pieces 0, 2 (of 3) of its first operation at server 0: 10 + 5 KB, piece 1 of the
  // second: 10 KB, and so on: 15 + 10 + 15 + 10 = 50 KB of 100 at each; so for all clients.
  CHECK(run.servers[0]->record().read == Bytes(150'000));
  CHECK(run.servers[1]->record().read == Bytes(150'000));
  CHECK(run.times("read").size() == 12);
}

TEST_CASE("N clients of one disk get its rate", "[storage]") {
  StorageParams params = writing(50);
  params.clients = 4;
  params.write_rate = BitRate::gigabytes_per_s(2);
  const StorageRun run(params);
  // First pieces at 11 us; 200 pieces of 5 us each; the acknowledgement. Nothing else waits: four
  // clients send 4 bytes in a ns, and the disk takes 2.
  CHECK(run.end == SimTime::at(Duration::us(11 + 1'000 + 2)));
  CHECK(run.servers[0]->record().disk_busy == Duration::us(1'000));
}

TEST_CASE("copies go from server to server: p + d for each, the confirmations d", "[storage]") {
  StorageParams params = writing(1);
  params.servers = 3;
  params.replicas = 3;
  params.write_rate = BitRate::gigabytes_per_s(2);  // s = 5 us
  const StorageRun run(params);
  // Three transmissions, the last disk, three confirmations: 3 (10 + 1) + 5 + 3.
  CHECK(run.times("write") == std::vector{Duration::us(33 + 5 + 3)});
  for (const StorageServer* server : run.servers) {
    CHECK(server->record().written == Bytes(10'000));
    CHECK(server->finished());
  }
}

TEST_CASE("every copy of every piece is written, in a ring of any length", "[storage]") {
  for (const std::int64_t servers : {2, 3, 5})
    for (std::int64_t replicas = 1; replicas <= servers; ++replicas) {
      StorageParams params = writing(11);
      params.servers = servers;
      params.replicas = replicas;
      params.clients = 3;
      params.in_flight = 2;
      params.write.operations = 3;
      params.write_rate = BitRate::mbps(5'000);
      params.read = {.operations = 2, .bytes = Bytes(33'000), .interval = Duration::us(50)};
      const StorageRun run(params);
      Bytes written, read;
      for (const StorageServer* server : run.servers) {
        written += server->record().written;
        read += server->record().read;
      }
      CHECK(written == Bytes(110'000) * (3 * 3 * replicas));
      CHECK(read == Bytes(33'000) * (3 * 2));
    }
}

TEST_CASE("operations begin when they should", "[storage]") {
  StorageParams params = writing(1);  // 12 us each
  params.write.operations = 3;
  SECTION("closed loop: one after another") {
    CHECK(StorageRun(params).end == SimTime::at(Duration::us(3 * 12 + 1)));
  }
  SECTION("open loop, from the first one on") {
    params.write.first = Duration::us(100);
    params.write.interval = Duration::us(50);
    // The third begins at 200 us; the server's acknowledgement is acknowledged 1 us after.
    CHECK(StorageRun(params).end == SimTime::at(Duration::us(200 + 12 + 1)));
  }
  SECTION("open loop does not wait for what has not ended") {
    params.write.interval = Duration::us(1);
    // The second piece leaves at 10 us and the third at 20; they began at 1 and 2.
    CHECK(StorageRun(params).times("write") ==
          std::vector{Duration::us(12), Duration::us(21), Duration::us(30)});
  }
}

}  // namespace plait
