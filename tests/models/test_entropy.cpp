// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>
#include <sstream>

#include "models/entropy.hpp"
#include "sim/error.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/leaf_spine.hpp"

namespace plait {
namespace {

EntropyParams params_of(EntropyKind kind, std::int64_t paths) {
  EntropyParams p;
  p.kind = kind;
  p.paths = paths;
  return p;
}

FabricGraph four_spines() {
  LeafSpineParams p;
  p.hosts = 2;
  p.hosts_per_leaf = 1;
  p.spines = 4;
  FabricParts parts;
  parts.host = {1, 1};
  return build(p, parts);
}

// Uplinks of the first leaf that carried something.
std::size_t uplinks_used(EntropyKind kind) {
  NetworkParams params = test::bare_network();
  params.transport.entropy = params_of(kind, 64);
  params.transport.cnp_mode = CnpMode::kAckEcho;
  test::FabricRun run(four_spines(), params);
  REQUIRE(run.run({{0, 1, Bytes(100'000)}}) == RunEnd::kFinished);
  const FabricGraph& graph = run.graph();
  const NodeId leaf = graph.port_node(graph.peer(graph.endpoint_port(EndpointId(0))));
  std::size_t used = 0;
  for (std::uint32_t n = 0; n < graph.node(leaf).ports; ++n) {
    const PortId port = graph.port(leaf, n);
    const bool up = graph.node(graph.port_node(graph.peer(port))).kind == NodeKind::kSwitch;
    used += up && run.records().links[port.index()].packets != 0;
  }
  return used;
}

}  // namespace

TEST_CASE("round robin: all values of the set, in turn", "[entropy]") {
  const EntropyParams params = params_of(EntropyKind::kRoundRobin, 5);
  EntropySource source(params, 0xfffe, 1, 0);  // the set wraps within the dynamic ports
  for (int round = 0; round < 3; ++round)
    for (const int expected : {0xfffe, 0xffff, 0xc000, 0xc001, 0xc002})
      CHECK(source.next() == expected);
}

TEST_CASE("random: the same set, evenly, and each flow in its own order", "[entropy]") {
  const EntropyParams params = params_of(EntropyKind::kRandom, 8);
  EntropySource source(params, 0xc100, 1, 0), other(params, 0xc100, 2, 0);
  std::map<std::uint16_t, int> count;
  bool differs = false;
  for (int i = 0; i < 8000; ++i) {
    const std::uint16_t value = source.next();
    ++count[value];
    differs |= other.next() != value;
  }
  CHECK(differs);
  CHECK(count.size() == 8);
  CHECK(count.begin()->first == 0xc100);
  CHECK(count.rbegin()->first == 0xc107);
  // Binomial(8000, 1/8): mean 1000, standard deviation 29.6; 5 of them.
  for (const auto& [value, times] : count) CHECK(std::abs(times - 1000) < 148);
}

TEST_CASE("REPS leaves a path whose packets come back marked", "[entropy]") {
  // 64 values on 4 paths by their low bits; path 2 marks all. 16 packets are in flight; each ACK
  // lets the next out.
  EntropyParams params = params_of(EntropyKind::kReps, 64);
  params.cache = 16;
  EntropySource source(params, 0xc000, 7, 16);
  std::deque<std::uint16_t> in_flight;
  std::vector<int> early(4), late(4);
  for (int i = 0; i < 16; ++i) in_flight.push_back(source.next());
  for (int i = 0; i < 4000; ++i) {
    const std::uint16_t back = in_flight.front();
    in_flight.pop_front();
    source.on_ack(i, back, back % 4 == 2);
    const std::uint16_t value = source.next();
    in_flight.push_back(value);
    ++(i < 16 ? early : late)[value % 4];
  }
  // A value is drawn anew only after a marked ACK, so the marked values die out: each lasts 1 / (1
  // - 1/4) round trips in the mean, and after 250 round trips there is none.
  CHECK(late[2] < 16);
  for (const int path : {0, 1, 3}) CHECK(late[static_cast<std::size_t>(path)] > 0);
}

TEST_CASE("REPS uses a value once per clean ACK, the oldest first", "[entropy]") {
  EntropyParams params = params_of(EntropyKind::kReps, 1);
  params.cache = 2;
  EntropySource source(params, 0xc000, 1, 0);
  CHECK(source.next() == 0xc000);  // nothing remembered: drawn
  source.on_ack(0, 0xc00a, false);
  source.on_ack(1, 0xc00b, true);  // marked: not remembered
  source.on_ack(2, 0xc00c, false);
  source.on_ack(3, 0xc00d, false);  // full: the oldest is forgotten
  CHECK(source.next() == 0xc00c);
  CHECK(source.next() == 0xc00d);
  CHECK(source.next() == 0xc000);
}

TEST_CASE("REPS after a timeout: remembered values only, then it explores", "[entropy]") {
  EntropyParams params = params_of(EntropyKind::kReps, 1);
  params.cache = 4;
  params.freeze = Duration::us(10);
  EntropySource source(params, 0xc000, 1, 0);
  source.on_ack(0, 0xc00a, false);
  source.on_ack(0, 0xc00b, false);
  source.on_timeout(1000);
  CHECK(source.frozen());
  for (const int expected : {0xc00a, 0xc00b, 0xc00a, 0xc00b, 0xc00a})
    CHECK(source.next() == expected);
  source.on_ack(Duration::us(9).ps(), 0xc00c, false);  // 8.999 us after the timeout
  CHECK(source.frozen());
  CHECK(source.next() == 0xc00c);
  source.on_ack(Duration::us(11).ps(), 0xc00d, false);
  CHECK_FALSE(source.frozen());
  for (int i = 0; i < 16; ++i) CHECK(source.next() == 0xc000);
  CHECK(source.next() == 0xc00d);
}

TEST_CASE("a flow with several entropies uses several paths", "[entropy]") {
  // 100 packets over 64 values: that all four spines get some is certain but for 4 * (3/4)^64.
  CHECK(uplinks_used(EntropyKind::kFixed) == 1);
  CHECK(uplinks_used(EntropyKind::kRoundRobin) == 4);
  CHECK(uplinks_used(EntropyKind::kRandom) == 4);
  CHECK(uplinks_used(EntropyKind::kReps) == 4);
}

TEST_CASE("REPS on a fabric: a flow leaves the path that marks", "[entropy]") {
  // Host c keeps the path through t marked: 60 flows of 100 packets, pinned there, one packet of
  // each in flight, which is 3 times what the path holds. Host a sends 1000 packets one by one.
  std::istringstream in(
      "host a\nhost c\nhost b\nswitch l\nswitch m\nswitch s tier=2\nswitch t tier=2\n"
      "link a l 100Gbps 1us\nlink c l 100Gbps 1us\nlink b m 100Gbps 1us\n"
      "link l s 25Gbps 1us\nlink s m 100Gbps 1us\nlink l t 25Gbps 1us\nlink t m 100Gbps 1us\n");
  const FabricGraph graph = read_edge_list(in, "net.txt", 1);
  std::vector<test::FlowSpec> flows{{0, 2, Bytes(1'000'000)}};
  for (std::uint32_t stream = 0; stream < 60; ++stream)
    flows.push_back({1, 2, Bytes(100'000), stream});
  const auto through_t = [&](EntropyKind kind) {
    NetworkParams params = test::bare_network();
    params.switches.ecn.enabled = true;
    params.switches.ecn.k_min = params.switches.ecn.k_max = Bytes(2000);
    params.switches.ecn.reference_rate = BitRate::bps(0);
    params.transport.cnp_mode = CnpMode::kAckEcho;
    params.transport.congestion_control.none.bdp_multiple = 1e-6;
    params.transport.entropy = params_of(kind, 64);
    test::FabricRun run(graph, params);
    const auto node = [&](const char* name) { return graph.find(name); };
    run.simulation().pin_paths({{EndpointId(1),
                                 EndpointId(2),
                                 false,
                                 {node("c"), node("l"), node("t"), node("m"), node("b")}}});
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    CHECK(run.records().totals.retransmitted == 0);
    const auto packets = [&](std::uint32_t uplink) {
      return run.records().links[graph.port(node("l"), uplink).index()].packets;
    };
    CHECK(packets(2) + packets(3) == 7000);
    return packets(3) - 6000;
  };
  // Half of the 64 values lead there, with a standard deviation of 1/16; 4 of them.
  CHECK(through_t(EntropyKind::kRandom) > 250);
  // Values are drawn only for the first base round trip, 6.5 us at 100 Gbps: 78 packets.
  CHECK(through_t(EntropyKind::kReps) < 75);
}

TEST_CASE("REPS without ACKs that tell of marks is refused", "[entropy]") {
  NetworkParams params = test::bare_network();
  params.transport.entropy.kind = EntropyKind::kReps;
  params.transport.cnp_mode = CnpMode::kPacket;
  const FabricGraph graph = four_spines();
  const RouteTable routes(graph);
  CHECK_THROWS_WITH(Simulation(graph, routes, params), Catch::Contains("transport.cnp_mode"));
}

}  // namespace plait
