// SPDX-License-Identifier: Apache-2.0
// Collective algorithms over the packet network, without software times, on one switch: closed
// forms where the algorithm itself causes no contention. Symbols as in test_closed_forms.cpp: s =
// 84,000 ps a packet of 1000 B, d = 1 us a link. A message has one acknowledgement, a = 4,000 ps.
#include <catch2/catch.hpp>
#include <map>

#include "models/collective_run.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

constexpr std::int64_t kS = 84'000, kA = 4'000, kD = 1'000'000;
/// From the start of a message of P packets to its delivery, less P s: s + 2 d.
constexpr std::int64_t kWay = kS + 2 * kD;
constexpr std::int64_t kAcked = 2 * (kA + kD);

/// One rank of one collective call.
class OneCall final : public RankProcess {
 public:
  OneCall(const JobContext& job, const CollectiveCall& call)
      : run_(job, RankId(call.position), job.group(GroupId(0)), CollectiveChoice{},
             make_schedule(call),
             [this](std::uint32_t from, std::uint32_t channel) -> CollectiveInbox& {
               return inboxes_[{from, channel}];
             }) {}

  void on_start(SimTime now, HostServices& host) override {
    host_ = &host;
    run_.launch(now, host, 0, 0);
    ended(now);
  }
  void on_timer(SimTime now, std::uint64_t token) override {
    run_.on_timer(now, *host_, static_cast<std::uint32_t>(token >> 32));
  }
  void on_sent(SimTime now, std::uint64_t) override {
    run_.on_sent();
    ended(now);
  }
  void on_delivered(SimTime now, const MessageKey& key, Bytes) override {
    const std::uint32_t channel = JobContext::stream_channel(key.stream);
    CollectiveInbox& inbox = inboxes_[{key.from.value(), channel}];
    ++inbox.arrived;
    run_.on_delivered(now, *host_, channel, inbox);
    ended(now);
  }
  bool finished() const override { return run_.finished(); }
  SimTime end() const { return end_; }

 private:
  void ended(SimTime now) {
    if (run_.finished()) end_ = now;
  }

  HostServices* host_ = nullptr;
  std::map<std::pair<std::uint32_t, std::uint32_t>, CollectiveInbox> inboxes_;
  CollectiveRun run_;
  SimTime end_;
};

/// Time until the last rank has ended, in ps; one rank on each host.
std::int64_t time_of(CollectiveKind kind, CollectiveAlgorithm algorithm, std::uint32_t n,
                     std::int64_t bytes, std::int64_t chunk = 1 << 30) {
  Workload workload;
  Group all{"all", {}};
  JobPlacement placement;
  for (std::uint32_t rank = 0; rank < n; ++rank) {
    OpGraphBuilder builder;
    Op op;
    op.kind = OpKind::kCollective;
    op.collective = kind;
    op.size = Bytes(bytes);
    op.group = GroupId(0);
    op.peer = RankId(0);
    builder.add(op, "call", 0, {});
    workload.graphs.push_back(std::make_shared<const OpGraph>(std::move(builder).build("test")));
    all.ranks.emplace_back(rank);
    placement.gpu.emplace_back(rank);
    placement.host.push_back(rank);
  }
  workload.groups.push_back(all);
  const JobContext job(JobId(0), "test", workload, placement, CollectiveParams{}, GpuParams{},
                       false);
  FabricParts parts;
  parts.host = {1, 1};
  NetworkParams network = test::bare_network();
  network.transport.ack_interval = 1024;
  test::FabricRun run(build(SingleSwitchParams{n}, parts), network);
  CollectiveCall call;
  call.kind = kind;
  call.algorithm = algorithm;
  call.size = Bytes(bytes);
  call.max_chunk = Bytes(chunk);
  call.group_size = n;
  call.layout = &job.group(GroupId(0)).layout();
  std::vector<const OneCall*> ranks;
  for (call.position = 0; call.position < n; ++call.position) {
    auto rank = std::make_unique<OneCall>(job, call);
    ranks.push_back(rank.get());
    run.simulation().place(GpuId(call.position), std::move(rank), SimTime{});
  }
  REQUIRE(run.run(std::vector<test::FlowSpec>{}) == RunEnd::kFinished);
  SimTime end;
  for (const OneCall* rank : ranks) end = std::max(end, rank->end());
  return end.ps();
}

using Kind = CollectiveKind;
using Algorithm = CollectiveAlgorithm;

}  // namespace

TEST_CASE("halving-doubling: log2 n rounds of S/2, S/4 ... and back", "[analytic]") {
  // All ranks do the same at the same time. As in a ring, before a round's message goes the last
  // one's acknowledgement, a.
  const std::uint32_t n = GENERATE(2U, 4U, 16U);
  std::int64_t expected = kAcked;
  std::int64_t rounds = 0;
  for (std::uint32_t blocks = n / 2; blocks > 0; blocks /= 2, rounds += 2)
    expected += 2 * (kWay + 5 * blocks * kS);
  expected += (rounds - 1) * kA;
  CHECK(time_of(Kind::kAllReduce, Algorithm::kHalvingDoubling, n, n * 5000) == expected);
}

TEST_CASE("Bruck and PAT: all-gather in log2 n rounds of 1, 2, 4 ... blocks", "[analytic]") {
  const Algorithm algorithm = GENERATE(Algorithm::kBruck, Algorithm::kPat);
  std::int64_t expected = kAcked + 2 * kA;
  for (const std::int64_t blocks : {1, 2, 4}) expected += kWay + 5 * blocks * kS;
  CHECK(time_of(Kind::kAllGather, algorithm, 8, 5000) == expected);
  CHECK(time_of(Kind::kReduceScatter, algorithm, 8, 8 * 5000) == expected);
}

TEST_CASE("direct: n - 1 messages at once share the link packet by packet", "[analytic]") {
  // Packet j of every rank goes to the peer at distance 1 + j mod (n - 1), so no two meet. The last
  // leaves at (n-1) P s; the first acknowledgement is due 2 (s + d) after packet (P-1)(n-1), later.
  const std::uint32_t n = GENERATE(2U, 5U, 8U);
  const std::int64_t expected = kWay + (n - 1) * 10 * kS + kAcked;
  CHECK(time_of(Kind::kReduceScatter, Algorithm::kDirect, n, n * 10'000) == expected);
  CHECK(time_of(Kind::kAllGather, Algorithm::kDirect, n, 10'000) == expected);
  CHECK(time_of(Kind::kAllToAll, Algorithm::kDirect, n, n * 10'000) == expected);
}

TEST_CASE("double tree of two ranks: each is the root of one half", "[analytic]") {
  // Half of S up, half of S down, in both directions at once: two rounds.
  CHECK(time_of(Kind::kAllReduce, Algorithm::kTree, 2, 20'000) ==
        2 * (kWay + 10 * kS) + kA + kAcked);
}

TEST_CASE("chain: chunks follow each other down the ring", "[analytic]") {
  // K chunks of P packets. The first forwarder has the last chunk after way + K P s; it is busy
  // from its first chunk on with K chunks and K acknowledgements, so it ends K a later than that
  // plus P s; the others add a and a chunk's way.
  const std::int64_t n = GENERATE(3, 6), chunks = GENERATE(1, 5), packets = 10;
  const std::int64_t expected = kWay + chunks * packets * kS + chunks * kA +
                                (n - 2) * (kWay + packets * kS) + (n - 3) * kA + kAcked;
  CHECK(time_of(Kind::kBroadcast, Algorithm::kRing, static_cast<std::uint32_t>(n),
                chunks * packets * 1000, packets * 1000) == expected);
}

}  // namespace plait
