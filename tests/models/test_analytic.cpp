// SPDX-License-Identifier: Apache-2.0
// Two hosts of two GPUs and one NIC each, one switch, 8 Gbps = 1 byte/ns everywhere. Between hosts:
// packets of 1000 + 50 bytes, cables of 1 us. On a host: 1 us of flight.
#include <catch2/catch.hpp>

#include "models/analytic/analytic_simulation.hpp"
#include "models/deadlock_report.hpp"
#include "rank_world.hpp"
#include "sim/error.hpp"
#include "tests/support/fabric_run.hpp"

namespace plait {

namespace {

// us to post a message of an all-to-all or a barrier where a hop of a ring costs 2: NCCL posts in
// 3 us, a hop has 14 less 1.7 of flight.
constexpr double kPost = 2.0 * 3 / 12.3;

using testing::Script;

const BitRate kByteAnNs = BitRate::gbps(8);

class TwoHosts {
 public:
  TwoHosts() : graph_(make_graph()), routes_(graph_), simulation_(graph_, routes_, network()) {}

  static NetworkParams network() {
    NetworkParams params = test::bare_network();
    params.scale_up.rate = kByteAnNs;
    params.scale_up.efficiency = 1;
    params.scale_up.latency = Duration::us(1);
    return params;
  }

  /// Rank r on GPU r; started at `starts[r]`, or at 0.
  RunEnd run(std::vector<Script> scripts, std::vector<Group> more_groups = {},
             const RunOptions& options = {}, std::vector<Duration> starts = {}) {
    Workload workload = testing::workload_of(scripts);
    workload.groups.insert(workload.groups.end(), more_groups.begin(), more_groups.end());
    JobPlacement placement;
    for (std::size_t rank = 0; rank < scripts.size(); ++rank) {
      placement.gpu.emplace_back(rank);
      placement.host.push_back(static_cast<std::uint32_t>(rank / 2));
      placement.nic.push_back(static_cast<std::uint32_t>(rank / 2));
    }
    CollectiveParams collective;
    collective.algorithm = CollectiveAlgorithm::kRing;
    collective.protocol = CollectiveProtocol::kSimple;
    collective.launch = Duration::us(10);
    collective.step_intra = Duration::us(1);
    collective.step_inter = Duration::us(2);
    CollectiveFacts facts;
    facts.scale_up = kByteAnNs;
    facts.nic = kByteAnNs;
    const auto job =
        std::make_shared<const JobContext>(JobId(0), "test", workload, placement, collective,
                                           GpuParams{}, true, facts, CollectiveMode::kPrice);
    for (std::size_t rank = 0; rank < scripts.size(); ++rank) {
      auto process = std::make_unique<Rank>(job, RankId(rank));
      ranks_.push_back(process.get());
      const Duration start = rank < starts.size() ? starts[rank] : Duration{};
      simulation_.place(GpuId(rank), std::move(process), SimTime::at(start));
    }
    return simulation_.run(options);
  }

  RunRecords records() const { return simulation_.records(); }
  const std::vector<const Rank*>& ranks() const { return ranks_; }
  double end_us(std::size_t rank) const { return ranks_[rank]->record().end.to_us(); }

 private:
  static FabricGraph make_graph() {
    FabricGraph graph;
    const NodeId sw = graph.add_switch("s", 1);
    for (const char* name : {"a", "b"})
      graph.connect(graph.add_host(name, 2), sw, {kByteAnNs, Duration::us(1)});
    graph.finalize();
    return graph;
  }

  FabricGraph graph_;
  RouteTable routes_;
  AnalyticSimulation simulation_;
  std::vector<const Rank*> ranks_;
};

Script sends(std::size_t peer, Bytes size, int count = 1) {
  Script script;
  for (int i = 0; i < count; ++i) script.send(peer, size, 0, static_cast<std::uint32_t>(i));
  return script;
}
Script receives(std::size_t peer, Bytes size) {
  Script script;
  script.recv(peer, size, 0);
  return script;
}
Script all_reduces(Bytes size, Duration before = {}) {
  Script script;
  const std::uint64_t wait = script.compute(before);
  script.collective(CollectiveKind::kAllReduce, size, 0, 0, {wait});
  return script;
}

}  // namespace

TEST_CASE("a lone message takes the time of its packets on idle links", "[analytic]") {
  TwoHosts world;
  CHECK(world.run({sends(2, Bytes(10'000)), {}, receives(0, Bytes(10'000))}) == RunEnd::kFinished);
  // Ten packets of 1.05 us one after another, 1 us of cable, the last packet again, 1 us.
  CHECK(world.end_us(2) == Approx(10 * 1.05 + 1 + 1.05 + 1));
  // The acknowledgement: 50 bytes over two links.
  CHECK(world.end_us(0) == Approx(13.55 + 2 * 1.05));
  const RunRecords records = world.records();
  REQUIRE(records.messages.size() == 1);
  CHECK(records.messages[0].delivered - records.messages[0].posted == records.messages[0].ideal);
  CHECK(records.links.size() == 4);
  CHECK(records.totals.end.to_us() == Approx(15.65));
}

TEST_CASE("a lone message on one host takes its bytes and one flight", "[analytic]") {
  TwoHosts world;
  CHECK(world.run({sends(1, Bytes(10'000)), receives(0, Bytes(10'000))}) == RunEnd::kFinished);
  CHECK(world.end_us(1) == Approx(10 + 1));
  CHECK(world.end_us(0) == Approx(10 + 2));
}

TEST_CASE("a NIC sends one message at a time, receivers take any number", "[analytic]") {
  TwoHosts world;
  // GPUs 0 and 1 share the NIC of host a: 10.5 us each on the wire. The message to b does not
  // care that both go to GPU 2.
  Script both = receives(0, Bytes(10'000));
  both.recv(1, Bytes(10'000), 0, 1);
  CHECK(world.run({sends(2, Bytes(10'000)), sends(2, Bytes(10'000)), both}) == RunEnd::kFinished);
  CHECK(world.end_us(2) == Approx(10.5 + 13.55));

  TwoHosts incast;  // 0 and 2 send to 1 and 3: nothing is shared
  CHECK(incast.run({sends(3, Bytes(10'000)), receives(2, Bytes(10'000)), sends(1, Bytes(10'000)),
                    receives(0, Bytes(10'000))}) == RunEnd::kFinished);
  CHECK(incast.end_us(1) == Approx(13.55));
  CHECK(incast.end_us(3) == Approx(13.55));
}

TEST_CASE("a collective ends for all at the join of the last and its price", "[analytic]") {
  TwoHosts world;
  const Bytes size(40'000);
  CHECK(world.run({all_reduces(size), all_reduces(size), all_reduces(size, Duration::us(100)),
                   all_reduces(size)}) == RunEnd::kFinished);
  // By NCCL's model: base 8.4 us, of 2 (4 - 1) steps 2 (2 - 1) over the network (14 us) and the
  // others on NVLink (3.4 us), times 1.4; four channels of 0.24 GB/s fit a link of 1 GB/s.
  const double price = (8.4 + 4 * 3.4 + 2 * 14) * 1.4 + 40 / (0.96 * 4 / 6);
  for (std::size_t rank = 0; rank < 4; ++rank) CHECK(world.end_us(rank) == Approx(100 + price));
  CHECK(world.records().messages.empty());
}

TEST_CASE("what NCCL has no model of has Plait's closed form", "[analytic]") {
  TwoHosts world;
  std::vector<Script> scripts(4);
  for (Script& script : scripts) script.collective(CollectiveKind::kAllToAll, Bytes(40'000));
  CHECK(world.run(std::move(scripts)) == RunEnd::kFinished);
  // Launch 10; one peer on the host: 1 us and the flight of an empty message, 128 bytes and 1 us;
  // two on the other: kPost and 2 (50 bytes and 1 us). Of 40,000 bytes a quarter stays, a quarter
  // goes to the other GPU of the host, half through the one NIC, which another GPU shares.
  CHECK(world.end_us(3) == Approx(10 + (1 + 1.128) + 2 * (kPost + 2.1) + 40).epsilon(1e-6));
}

TEST_CASE("direct algorithms send at once: one step a phase", "[analytic]") {
  TwoHosts world;
  std::vector<Script> scripts(4);
  for (Script& script : scripts) script.collective(CollectiveKind::kGather, Bytes(1'000));
  CHECK(world.run(std::move(scripts)) == RunEnd::kFinished);
  // Launch 10; all peers at once, the longest way is to the other host. 3 blocks of 1000 bytes, of
  // which two come through the NIC, which the table of costs shares with the host's other GPU.
  CHECK(world.end_us(3) == Approx(10 + (kPost + 2.1) + 4).epsilon(1e-6));
}

TEST_CASE("calls of groups that share members run in turn", "[analytic]") {
  TwoHosts world;
  std::vector<Script> scripts(4);
  for (Script& script : scripts)  // two calls at once, of one group: one after the other
    for (std::uint32_t stream = 0; stream < 2; ++stream)
      script.collective(CollectiveKind::kBarrier, Bytes{}, 0, stream);
  // Another group beside them: does not wait.
  for (std::size_t rank = 0; rank < 2; ++rank)
    scripts[rank].collective(CollectiveKind::kBarrier, Bytes{}, 1, 2);
  CHECK(world.run(std::move(scripts), {{"pair", {RankId(0), RankId(1)}}}) == RunEnd::kFinished);
  const double all = 10 + 2 * (kPost + 2.1), pair = 10 + 1 + 1.128;
  const auto ops = world.ranks()[0]->op_records();
  REQUIRE(ops.size() == 3);
  CHECK(ops[0].end.to_us() == Approx(all).epsilon(1e-6));
  CHECK(ops[1].end.to_us() == Approx(pair));  // by start, then op
  CHECK(ops[2].end.to_us() == Approx(2 * all).epsilon(1e-6));
}

TEST_CASE("runs are equal, event by event", "[analytic]") {
  const auto fingerprint = [](Duration late) {
    TwoHosts world;
    world.run({all_reduces(Bytes(4'000)), all_reduces(Bytes(4'000)), all_reduces(Bytes(4'000)),
               all_reduces(Bytes(4'000), late)});
    return world.records().totals.fingerprint;
  };
  CHECK(fingerprint(Duration::ns(1)) == fingerprint(Duration::ns(1)));
  CHECK(fingerprint(Duration::ns(1)) != fingerprint(Duration::ns(2)));
}

TEST_CASE("a call that some member never makes is a deadlock that names it", "[analytic]") {
  TwoHosts world;
  CHECK(world.run({all_reduces(Bytes(8)), all_reduces(Bytes(8)), {}, all_reduces(Bytes(8))}) ==
        RunEnd::kDeadlock);
  CHECK(deadlock_report(world.ranks())
            .find("joined by ranks 0, 1, 3, not by ranks 2 (rank 2: finished)") !=
        std::string::npos);
}

TEST_CASE("a time limit cuts what has not happened by then", "[analytic]") {
  TwoHosts world;
  RunOptions options;
  options.until = SimTime::at(Duration::us(14));
  CHECK(world.run({sends(2, Bytes(10'000)), {}, receives(0, Bytes(10'000))}, {}, options) ==
        RunEnd::kTimeLimit);
  const RunRecords records = world.records();
  CHECK(records.totals.end == options.until);
  REQUIRE(records.messages.size() == 1);
  CHECK(records.messages[0].delivered.to_us() == Approx(13.55));
  CHECK(records.messages[0].acked == SimTime::never());
  CHECK(world.ranks()[2]->finished());
  CHECK_FALSE(world.ranks()[0]->finished());
}

TEST_CASE("what a run without packets cannot feel is refused", "[analytic]") {
  NetworkParams params = TwoHosts::network();
  params.faults.emplace_back();
  FabricGraph graph;
  const NodeId sw = graph.add_switch("s", 1);
  for (const char* name : {"a", "b"}) graph.connect(graph.add_host(name, 1), sw, {});
  graph.finalize();
  const RouteTable routes(graph);
  CHECK_THROWS_AS(AnalyticSimulation(graph, routes, params), UserError);

  params = TwoHosts::network();
  params.scale_up.kind = ScaleUpKind::kNone;
  AnalyticSimulation alone(graph, routes, params);
  CHECK_NOTHROW(alone.run({}));
}

}  // namespace plait
