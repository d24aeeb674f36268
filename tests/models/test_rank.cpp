// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "models/collective_check.hpp"
#include "models/deadlock_report.hpp"
#include "sim/error.hpp"
#include "tests/models/rank_world.hpp"

using namespace plait;
using testing::Script;
using testing::workload_of;
using testing::World;

namespace {

// The test's network: 1 GB/s = 1 ns per byte, 1 us latency, acknowledged 1 us later.
constexpr Duration us(std::int64_t n) { return Duration::us(n); }
constexpr SimTime at(Duration d) { return SimTime::at(d); }

CollectiveParams costs() {
  CollectiveParams params;
  params.launch = us(8);
  params.step_intra = us(3);
  params.step_inter = us(5);
  return params;
}

}  // namespace

TEST_CASE("a chain of compute ops adds up, whatever the streams", "[rank]") {
  std::vector<Script> scripts(1);
  const auto a = scripts[0].compute(us(10));
  const auto b = scripts[0].compute(us(5), 1, {a});
  scripts[0].compute(us(1), 2, {b});
  scripts[0].compute(Duration{}, 2);
  World world(workload_of(scripts), costs());
  CHECK(world.run() == at(us(16)));
  REQUIRE(world.rank(0).finished());
  CHECK(world.rank(0).record().compute == us(16));
  CHECK(world.rank(0).record().end == at(us(16)));
  CHECK(world.rank(0).op_records()[1].start == at(us(10)));
  CHECK(world.rank(0).op_records()[1].end == at(us(15)));
}

TEST_CASE("streams overlap, ops of one stream do not", "[rank]") {
  std::vector<Script> scripts(1);
  scripts[0].compute(us(10), 0);
  scripts[0].compute(us(10), 0);
  scripts[0].compute(us(15), 1);
  World world(workload_of(scripts), costs());
  CHECK(world.run() == at(us(20)));
  CHECK(world.rank(0).record().compute == us(20));  // at least one ran, not the sum
}

TEST_CASE("a rank that is cut has its open ops accounted up to the cut", "[rank]") {
  std::vector<Script> scripts(2);
  scripts[0].recv(1, Bytes(1), 7);  // never comes
  scripts[0].compute(us(10), 1);
  World world(workload_of(scripts), costs());
  world.run();
  // Computes and waits for 10 us, then waits alone for 15 us.
  const RankRecord record = world.rank(0).record_until(at(us(25)));
  CHECK_FALSE(record.finished);
  CHECK(record.end == at(us(25)));
  CHECK(record.compute == us(10));
  CHECK(record.overlapped_communication == us(10));
  CHECK(record.exposed_communication == us(15));
  CHECK(record.idle == Duration{});
  CHECK(world.rank(0).op_records().size() == 1);  // the compute op; the other has not ended
}

TEST_CASE("a long chain of ops without duration does not recurse", "[rank]") {
  std::vector<Script> scripts(1);
  for (int i = 0; i < 200'000; ++i) scripts[0].compute(Duration{});
  World world(workload_of(scripts), costs());
  CHECK(world.run() == SimTime::zero());
  CHECK(world.rank(0).finished());
}

TEST_CASE("send and receive: times and the share of each kind", "[rank]") {
  std::vector<Script> scripts(2);
  const auto sent = scripts[0].send(1, Bytes::kilo(20), 7);  // 20 us + 1 us, ack 1 us
  scripts[0].compute(us(4), 0, {sent});
  scripts[1].recv(0, Bytes::kilo(20), 7, 1);
  scripts[1].compute(us(15), 0);
  World world(workload_of(scripts), costs());
  world.run();
  REQUIRE(world.all_finished());
  const RankRecord& sender = world.rank(0).record();
  CHECK(sender.end == at(us(26)));
  CHECK(sender.exposed_communication == us(22));
  CHECK(sender.compute == us(4));
  const RankRecord& receiver = world.rank(1).record();
  CHECK(receiver.end == at(us(21)));
  CHECK(receiver.overlapped_communication == us(15));
  CHECK(receiver.exposed_communication == us(6));
  CHECK(receiver.idle == Duration{});
}

TEST_CASE("a message that comes before its receive is kept, per tag in order", "[rank]") {
  std::vector<Script> scripts(2);
  scripts[0].send(1, Bytes(100), 1, 0);
  scripts[0].send(1, Bytes(100), 2, 1);
  scripts[0].send(1, Bytes(100), 1, 2);
  scripts[1].compute(us(50));
  scripts[1].recv(0, Bytes(100), 1);
  scripts[1].recv(0, Bytes(100), 1);
  scripts[1].recv(0, Bytes(100), 2);
  World world(workload_of(scripts), costs());
  world.run();
  REQUIRE(world.all_finished());
  CHECK(world.rank(1).record().end == at(us(50)));
}

TEST_CASE("ring all-reduce of one chunk a piece: closed form", "[rank]") {
  // 4 ranks, 4 x 10,000 B: every one of 2 (n - 1) = 6 rounds takes software time + 10 us + 1 us.
  for (const bool spread : {false, true}) {
    std::vector<Script> scripts(4);
    for (auto& script : scripts) script.collective(CollectiveKind::kAllReduce, Bytes::kilo(40));
    World world(workload_of(scripts), costs(),
                spread ? std::vector<std::uint32_t>{0, 1, 2, 3} : std::vector<std::uint32_t>{});
    // 8 + 6 x (3 + 10 + 1) on one host, 8 + 6 x (5 + 10 + 1) between hosts, and 1 us for the ack.
    CHECK(world.run() == at(spread ? us(8 + 6 * 16 + 1) : us(8 + 6 * 14 + 1)));
    REQUIRE(world.all_finished());
    CHECK(world.rank(2).record().exposed_communication == world.rank(2).record().end - SimTime{});
  }
}

TEST_CASE("ring all-reduce in chunks: rounds follow without a gap", "[rank]") {
  std::vector<Script> scripts(4);
  for (auto& script : scripts) script.collective(CollectiveKind::kAllReduce, Bytes::kilo(160));
  CollectiveParams params = costs();
  params.chunk = Bytes::kilo(10);
  World world(workload_of(scripts), params);
  // 4 chunks of 10 us a round = 40 us, more than the 14 us until the first may go on:
  // 8 + 3 + 6 x 40 + 1, and 1 us for the ack.
  CHECK(world.run() == at(us(8 + 3 + 6 * 40 + 1 + 1)));
  CHECK(world.all_finished());
}

TEST_CASE("messages that come before the rank joins the collective are used", "[rank]") {
  std::vector<Script> scripts(2);
  scripts[0].collective(CollectiveKind::kAllReduce, Bytes::kilo(20));
  scripts[1].compute(us(100));
  scripts[1].collective(CollectiveKind::kAllReduce, Bytes::kilo(20));
  World world(workload_of(scripts), costs());
  // Rank 1 joins at 100, is ready at 108 and, as rank 0's first message is there, posts both of its
  // own at 111; they arrive at 122 and 132. Rank 0 posts its second at 122 + 3, which arrives at
  // 136 and is acknowledged at 137.
  CHECK(world.run() == at(us(137)));
  REQUIRE(world.all_finished());
  CHECK(world.rank(1).record().end == at(us(136)));
}

TEST_CASE("calls of one group run one after another, also from two streams", "[rank]") {
  std::vector<Script> scripts(2);
  for (auto& script : scripts) {
    script.collective(CollectiveKind::kAllReduce, Bytes::kilo(20), 0, 0);
    script.collective(CollectiveKind::kAllGather, Bytes::kilo(10), 0, 1);
  }
  World world(workload_of(scripts), costs());
  // 8 + 2 x 14 + 1, then 8 + 14 + 1.
  CHECK(world.run() == at(us(37 + 23)));
  REQUIRE(world.all_finished());
  CHECK(world.rank(0).op_records()[1].start == at(us(37)));
}

TEST_CASE("dependencies against the order of the graph decide the order of calls", "[rank]") {
  std::vector<Script> scripts(2);
  for (auto& script : scripts) {
    script.collective(CollectiveKind::kAllReduce, Bytes::kilo(20), 0, 0, {1});
    script.collective(CollectiveKind::kBarrier, Bytes{}, 0, 1);
  }
  World world(workload_of(scripts), costs());
  world.run();
  CHECK(world.all_finished());
}

TEST_CASE("every kind of collective ends, with chunks, rings and late ranks", "[rank][property]") {
  using K = CollectiveKind;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    std::uint64_t state = seed + 1;
    const auto draw = [&](std::uint64_t below) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (state >> 33) % below;
    };
    const std::size_t ranks = 1 + draw(9);
    std::vector<Script> scripts(ranks);
    for (int call = 0; call < 8; ++call) {
      const auto kind = std::vector<K>{K::kAllReduce, K::kAllGather, K::kReduceScatter,
                                       K::kBroadcast, K::kAllToAll,  K::kBarrier}[draw(6)];
      const Bytes size(kind == K::kBarrier ? 0 : static_cast<std::int64_t>(draw(100'000)));
      const auto stream = static_cast<std::uint32_t>(draw(3));
      for (auto& script : scripts) {
        script.compute(us(static_cast<std::int64_t>(draw(40))), stream);
        script.collective(kind, size, 0, stream);
      }
    }
    std::vector<std::uint32_t> hosts;
    for (std::size_t i = 0; i < ranks; ++i) hosts.push_back(static_cast<std::uint32_t>(i / 3));
    CollectiveParams params = costs();
    params.chunk = Bytes(1'000 + static_cast<std::int64_t>(draw(20'000)));
    if (draw(3) == 0) params.launch = params.step_intra = params.step_inter = Duration{};
    World world(workload_of(scripts), params, hosts);
    if (draw(3) == 0) world.network.latency = Duration{};
    world.run();
    REQUIRE(world.all_finished());
    for (const Rank* rank : world.ranks()) {
      const RankRecord& r = rank->record();
      REQUIRE(r.compute + r.exposed_communication + r.idle == r.end - r.start);
      REQUIRE(r.overlapped_communication <= r.compute);
    }
  }
}

TEST_CASE("deadlock: the report says who joined, who not, and who waits for whom", "[rank]") {
  std::vector<Script> scripts(5);
  for (int rank = 0; rank < 3; ++rank) {
    scripts[rank].compute(us(1));
    scripts[rank].collective(CollectiveKind::kAllReduce, Bytes::kilo(20));
  }
  scripts[3].recv(0, Bytes(10), 9);
  scripts[3].collective(CollectiveKind::kAllReduce, Bytes::kilo(20));
  scripts[4].compute(us(1));
  World world(workload_of(scripts), costs());
  world.run();
  CHECK_FALSE(world.all_finished());
  const std::vector<const Rank*> ranks = world.ranks();
  CHECK(deadlock_report(ranks) ==
        "job 'test' cannot go on: 4 of 5 ranks wait for something that never comes (ranks 0-3)\n"
        "  all_reduce 'all_reduce' (id 1) of group 'all' (call 0): joined by ranks 0-2, not by "
        "ranks 3, 4 (rank 3: in recv 'recv' (id 0))\n"
        "  rank 3: recv 'recv' (id 0) waits for a message from rank 0 (tag 9)");
  CHECK(world.rank(0).waits().at(0).silent == std::vector{RankId(4)});
}

TEST_CASE("deadlock: ranks that share a graph are named by their own groups and peers", "[rank]") {
  // Two groups, {0, 2} and {1, 3}; 2 and 3 wait for messages that 0 and 1 never send. Role 0 of
  // each graph is another rank or group than number 0.
  Script early, late;
  early.collective(CollectiveKind::kAllReduce, Bytes(2'000));
  late.recv(0, Bytes(1'000), 3);
  late.collective(CollectiveKind::kAllReduce, Bytes(2'000));
  Workload workload;
  const auto first = early.build(), second = late.build();
  workload.graphs = {first, first, second, second};
  workload.groups = {{"all", {RankId(0), RankId(1), RankId(2), RankId(3)}},
                     {"even", {RankId(0), RankId(2)}},
                     {"odd", {RankId(1), RankId(3)}}};
  workload.bindings = {{{GroupId(1)}, {RankId(2)}},
                       {{GroupId(2)}, {RankId(3)}},
                       {{GroupId(1)}, {RankId(0)}},
                       {{GroupId(2)}, {RankId(1)}}};
  World world(workload, costs());
  world.run();
  const std::vector<const Rank*> ranks = world.ranks();
  CHECK(deadlock_report(ranks) ==
        "job 'test' cannot go on: 4 of 4 ranks wait for something that never comes (ranks 0-3)\n"
        "  all_reduce 'all_reduce' (id 0) of group 'even' (call 0): joined by ranks 0, not by "
        "ranks 2 (rank 2: in recv 'recv' (id 0))\n"
        "  all_reduce 'all_reduce' (id 0) of group 'odd' (call 0): joined by ranks 1, not by "
        "ranks 3 (rank 3: in recv 'recv' (id 0))\n"
        "  rank 2: recv 'recv' (id 0) waits for a message from rank 0 (tag 3)\n"
        "  rank 3: recv 'recv' (id 0) waits for a message from rank 1 (tag 3)");
}

TEST_CASE("deadlock: a long report is cut", "[rank]") {
  std::vector<Script> scripts(40);
  for (std::size_t rank = 0; rank < 40; ++rank) scripts[rank].recv((rank + 1) % 40, Bytes(1), 0);
  World world(workload_of(scripts), costs());
  world.run();
  const std::vector<const Rank*> ranks = world.ranks();
  const std::string report = deadlock_report(ranks);
  CHECK(std::count(report.begin(), report.end(), '\n') == 11);
  CHECK_THAT(report, Catch::Contains("and 30 more waits"));
}

TEST_CASE("a finished job has no deadlock report", "[rank]") {
  std::vector<Script> scripts(1);
  scripts[0].compute(us(1));
  World world(workload_of(scripts), costs());
  world.run();
  const std::vector<const Rank*> ranks = world.ranks();
  CHECK(deadlock_report(ranks).empty());
}

TEST_CASE("collective calls that do not match are refused", "[rank]") {
  std::vector<Script> scripts(2);
  scripts[0].collective(CollectiveKind::kAllReduce, Bytes::kibi(1));
  scripts[1].collective(CollectiveKind::kAllGather, Bytes::kibi(1));
  CHECK_THROWS_WITH(check_collectives(workload_of(scripts)),
                    "collective call 0 of group 'all' does not match: rank 0 calls all_reduce of "
                    "1KiB ('all_reduce', id 0), but rank 1 calls all_gather of 1KiB ('all_gather', "
                    "id 0)");
  std::vector<Script> sizes(2);
  sizes[0].collective(CollectiveKind::kAllReduce, Bytes(8));
  sizes[1].collective(CollectiveKind::kAllReduce, Bytes(9));
  CHECK_THROWS_WITH(check_collectives(workload_of(sizes)),
                    Catch::Contains("8B") && Catch::Contains("9B"));
  std::vector<Script> counts(2);  // left to the run
  counts[0].collective(CollectiveKind::kAllReduce, Bytes(8));
  CHECK_NOTHROW(check_collectives(workload_of(counts)));
}

TEST_CASE("workloads that cannot run are refused when the job is made", "[rank]") {
  const auto refused = [](std::vector<Script> scripts, const std::string& why) {
    CHECK_THROWS_WITH(World(workload_of(scripts), costs()), Catch::Contains(why));
  };
  std::vector<Script> peer(1);
  peer[0].send(3, Bytes(1), 0);
  refused(std::move(peer), "peer rank 3 does not exist");
  std::vector<Script> tag(2);
  tag[0].send(1, Bytes(1), kMaxStreams / 2);
  refused(std::move(tag), "tag 131072 is too large, at most 131071");
  std::vector<Script> group(1);
  group[0].collective(CollectiveKind::kBarrier, Bytes{}, 4);
  refused(std::move(group), "group 4 does not exist");
}

TEST_CASE("placement: one rank a GPU, one GPU a rank", "[rank]") {
  std::vector<Script> scripts(2);
  scripts[0].compute(us(1));
  scripts[1].compute(us(1));
  const Workload workload = workload_of(scripts);
  const auto make = [&](std::vector<GpuId> gpus) {
    JobContext(JobId(0), "j", workload, {gpus, {0, 0}}, {}, {}, false);
  };
  CHECK_THROWS_WITH(make({GpuId(0)}), Catch::Contains("2 ranks but 1 GPUs"));
  CHECK_THROWS_WITH(make({GpuId(5), GpuId(5)}), Catch::Contains("ranks 0 and 1 are both on GPU 5"));
}

TEST_CASE("Ranks that share a graph find their own groups and peers", "[rank]") {
  // Four ranks in two groups of two, {0, 2} and {1, 3}; ranks 0 and 1 send to 2 and 3. One graph
  // for the senders, one for the receivers, that name role 0 both for the group and for the peer.
  Script sender, receiver;
  sender.send(0, Bytes(1'000), 3);
  sender.collective(CollectiveKind::kBroadcast, Bytes(2'000));
  receiver.recv(0, Bytes(1'000), 3);
  receiver.collective(CollectiveKind::kBroadcast, Bytes(2'000));
  Workload workload;
  const auto from = sender.build(), to = receiver.build();
  workload.graphs = {from, from, to, to};
  workload.groups = {{"all", {RankId(0), RankId(1), RankId(2), RankId(3)}},
                     {"even", {RankId(0), RankId(2)}},
                     {"odd", {RankId(1), RankId(3)}}};
  workload.bindings = {{{GroupId(1)}, {RankId(2)}},
                       {{GroupId(2)}, {RankId(3)}},
                       {{GroupId(1)}, {RankId(0)}},
                       {{GroupId(2)}, {RankId(1)}}};
  // The root of a broadcast is a peer role, too: 2 of one side, 0 of the other do not agree.
  CHECK_THROWS_WITH(World(workload, CollectiveParams{}), Catch::Contains("root rank 0"));

  Script all_reduce_sender, all_reduce_receiver;
  all_reduce_sender.send(0, Bytes(1'000), 3);
  all_reduce_sender.collective(CollectiveKind::kAllReduce, Bytes(2'000));
  all_reduce_receiver.recv(0, Bytes(1'000), 3);
  all_reduce_receiver.collective(CollectiveKind::kAllReduce, Bytes(2'000));
  const auto first = all_reduce_sender.build(), second = all_reduce_receiver.build();
  workload.graphs = {first, first, second, second};
  World world(workload, CollectiveParams{});
  world.run();
  for (std::size_t rank = 0; rank < 4; ++rank) CHECK(world.rank(rank).finished());
  // The two groups share no rank, so they may have the same number.
  CHECK(world.job().group(GroupId(1)).number == 0);
  CHECK(world.job().group(GroupId(2)).number == 0);
}
