// SPDX-License-Identifier: Apache-2.0
// Fault events on small fabrics, against times and counts computed by hand. All cables here have
// 100 Gb/s (80 ps per byte) and 1 us; a full frame is 1050 bytes or 84 ns, an ACK 50 bytes or 4 ns;
// switches add nothing.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/loss.hpp"
#include "models/rank.hpp"
#include "sim/error.hpp"
#include "tests/models/rank_world.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

using test::bare_network;
using test::FabricRun;
using test::FlowSpec;

FabricParts parts() {
  FabricParts p;
  p.host = {1, 1};
  p.host_link = {BitRate::gbps(100), Duration::us(1), 1};
  p.fabric_link = p.host_link;
  return p;
}

FabricGraph star(std::int64_t hosts) { return build(SingleSwitchParams{hosts}, parts()); }

/// The port of `a` whose cable leads to `b`.
PortId port(const FabricGraph& graph, const std::string& a, const std::string& b) {
  const NodeId node = graph.find(a);
  for (std::uint32_t p = 0; p < graph.node(node).ports; ++p)
    if (graph.port_node(graph.peer(graph.port(node, p))) == graph.find(b))
      return graph.port(node, p);
  FAIL("no cable between " << a << " and " << b);
  return {};
}

FaultEvent event(FaultKind kind, SimTime at, Duration length, std::vector<PortId> ports) {
  FaultEvent e;
  e.kind = kind;
  e.at = at;
  e.length = length;
  e.ports = std::move(ports);
  return e;
}

std::string switch_name(const FabricGraph& graph) {
  return graph.node(graph.switches().front()).name;
}

// One flow of 1000 packets from host 0 to host 1 over one switch. Packet k leaves host 0 at 84 k,
// the switch at S = 84 (k + 1) + 1000, and is at host 1 at A = 84 (k + 2) + 2000 ns.
const std::vector<FlowSpec> kOneFlow = {{0, 1, Bytes::mega(1), 0, {}}};

FabricRun cut_flow(SimTime at, Duration length) {
  FabricGraph graph = star(2);
  NetworkParams params = bare_network();
  params.faults = {event(FaultKind::kDown, at, length, {port(graph, "host1", switch_name(graph))})};
  return FabricRun(std::move(graph), params);
}

TEST_CASE("a cable that is down loses what is on it and the sender goes back at the first NACK") {
  // Down from 20 us to 30 us at host 1. Data: lost where A >= 20 us and S < 30 us, k = 213 to 344:
  // 132. ACKs of k arrive at the switch at A + 1004 ns: lost from A >= 18,996 ns, k = 201 to 212:
  // 12. Packet 345 arrives first, at 84 x 347 + 2000 = 31,148 ns, and its NACK is back at
  // 31,148 + 2 x 1004 = 33,156 ns, when packet 394 (from 33,096 to 33,180 ns) is being sent. From
  // 33,180 ns on: 213 to 999, the last one at 33,180 + 786 x 84 = 99,204, there 2168 ns later.
  FabricRun run = cut_flow(SimTime::at(Duration::us(20)), Duration::us(10));
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.process(1).last_received() == SimTime::ps(101'372'000));
  CHECK(run.process(1).received_bytes() == Bytes::mega(1));
  CHECK(run.records().totals.lost_to_faults == 144);
  CHECK(run.records().faults.at(0).lost == 144);
  CHECK(run.records().totals.retransmitted == 394 - 213 + 1);
  CHECK(run.records().totals.timeouts == 0);
  CHECK(run.records().totals.lost_on_links == 0);
  const PortId down = port(run.graph(), switch_name(run.graph()), "host1");
  CHECK(run.records().links[down.index()].lost_to_faults == 132);
  CHECK(run.records().links[run.graph().peer(down).index()].lost_to_faults == 12);
}

TEST_CASE("a cable that is down until after the last packet is survived by the timeout") {
  // Down from 50 us to 250 us. The last ACK that survives is that of the last k with
  // A + 1004 < 50,000 ns: k = 557, at host 0 at 48,956 + 2008 = 50,964 ns. 1 ms later packets 558
  // to 999 go again, the last one at 1,050,964 + 441 x 84 = 1,088,008 ns, there 2168 ns later.
  FabricRun run = cut_flow(SimTime::at(Duration::us(50)), Duration::us(200));
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.process(1).last_received() == SimTime::ps(1'090'176'000));
  CHECK(run.records().totals.timeouts == 1);
  CHECK(run.records().totals.retransmitted == 442);
  CHECK(run.process(1).received_bytes() == Bytes::mega(1));
}

TEST_CASE("a failure shorter than the time on the wire takes what is on the wire") {
  // 1 ps at 20 us: data with S <= 20 us <= A, that is 213 <= k <= 225; ACKs, sent at A and there at
  // A + 1004 ns, of 201 <= k <= 213, of which 213 was lost itself.
  FabricRun run = cut_flow(SimTime::at(Duration::us(20)), Duration::ps(1));
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.records().totals.lost_to_faults == 13 + 12);
}

TEST_CASE("packets that start at a degraded rate or later take longer") {
  // From 42 us on host 0 sends at 50 Gb/s. Packets 0 to 499 start before; 500 starts exactly then.
  // The last one starts at 42,000 + 499 x 168 = 125,832, is at the switch 168 + 1000 ns later, and
  // at host 1 after another 84 + 1000 ns.
  FabricGraph graph = star(2);
  NetworkParams params = bare_network();
  const PortId from = port(graph, "host0", switch_name(graph));
  params.faults = {event(FaultKind::kDegrade, SimTime::at(Duration::us(42)), {}, {from})};
  params.faults[0].rate = BitRate::gbps(50);
  FabricRun run(std::move(graph), params);
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.process(1).last_received() == SimTime::ps(128'084'000));
  CHECK(run.records().links[from.index()].busy == Duration::us(126));
  CHECK(run.records().totals.lost_to_faults == 0);
}

TEST_CASE("the slower of two degradations holds, and the rate comes back") {
  // Host 0 at 50 Gb/s from 0 to 33.6 us, at 25 Gb/s from 16.8 us to 84 us: packets 0 to 99 take
  // 168 ns each, then 200 take 336 ns until 84 us, the last 700 take 84 ns until 142.8 us.
  FabricGraph graph = star(2);
  NetworkParams params = bare_network();
  const PortId from = port(graph, "host0", switch_name(graph));
  params.faults = {
      event(FaultKind::kDegrade, {}, Duration::ns(33'600), {from}),
      event(FaultKind::kDegrade, SimTime::ps(16'800'000), Duration::ns(67'200), {from})};
  params.faults[0].rate = BitRate::gbps(50);
  params.faults[1].rate = BitRate::gbps(25);
  FabricRun run(std::move(graph), params);
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.process(1).last_received() == SimTime::ps(142'800'000 + 2'084'000));
  CHECK(run.records().links[from.index()].busy == Duration::ns(142'800));
}

TEST_CASE("a degraded cable keeps the marking thresholds of its own rate") {
  // The switch sends to host 1 at 50 of 100 Gb/s: packet j starts at 1084 + 168 j ns, when packets
  // up to 2 j have come, and leaves j of 1050 bytes behind, or 999 - j from j = 500 on. Marked
  // above 100 KB, which is 96 packets: j from 96 to 903. (Above 50 KB it would be 48 to 951.)
  FabricGraph graph = star(2);
  NetworkParams params = bare_network();
  params.switches.ecn.enabled = true;
  params.switches.ecn.priorities = "all";
  params.switches.ecn.reference_rate = BitRate::gbps(100);
  params.switches.ecn.k_min = params.switches.ecn.k_max = Bytes::kilo(100);
  params.switches.ecn.by_priority = "5:1KB:1KB";  // so that short queues are looked at, too
  params.faults = {event(FaultKind::kDegrade, {}, {}, {port(graph, switch_name(graph), "host1")})};
  params.faults[0].rate = BitRate::gbps(50);
  FabricRun run(std::move(graph), params);
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.records().totals.ecn_marks == 903 - 96 + 1);
}

TEST_CASE("frames are lost by bit errors according to their length") {
  // Against libm, which the model does without.
  for (const double rate : {1e-3, 1e-6, 1e-12, 1e-15, 1e-18})
    for (const std::uint32_t bytes : {1U, 64U, 1050U, 4178U, 65'535U})
      CHECK(frame_error_probability(rate, bytes) ==
            Approx(-std::expm1(8.0 * bytes * std::log1p(-rate))).epsilon(1e-12));
  CHECK(frame_error_probability(0, 1000) == 0);

  // 400,000 frames of 1050 bytes at 1e-6: p = 1 - (1 - 1e-6)^8400 = 0.0083648, mean 3346, standard
  // deviation 57.6; five of them allowed. Short frames of 50 bytes: p = 0.00039992, mean 160, 12.6.
  const LossThresholds errors(0, 1e-6), none(0, 0);
  LinkLoss long_frames(errors, 1, 2, 2, false), short_frames(errors, 3, 2, 1, false);
  for (int i = 0; i < 400'000; ++i) {
    long_frames.draw(0, 1050);
    short_frames.draw(0, 50);
  }
  CHECK(std::fabs(static_cast<double>(long_frames.lost()) - 3346) < 5 * 57.6);
  CHECK(std::fabs(static_cast<double>(short_frames.lost()) - 160) < 5 * 12.6);
  LinkLoss clean(none, 1, 2, 1, true);
  CHECK(clean.possible());
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(clean.draw(0, 1050));
}

TEST_CASE("bit errors hit one cable, while they last, and every byte still arrives once") {
  // Of about 1000 frames at p = 0.081 (1e-5) in the first 40 us at host 1: 476 data frames pass
  // there in that time, mean 39, and as many short ACKs at p = 0.004.
  FabricGraph graph = star(4);
  NetworkParams params = bare_network();
  params.transport.nack_interval = Duration::us(5);
  params.faults = {event(FaultKind::kBitErrors, {}, Duration::us(40),
                         {port(graph, "host1", switch_name(graph))})};
  params.faults[0].bit_error_rate = 1e-5;
  FabricRun run(std::move(graph), params);
  CHECK(run.run({{0, 1, Bytes::mega(1), 0, {}}, {2, 3, Bytes::mega(1), 0, {}}}) ==
        RunEnd::kFinished);
  const RunTotals& totals = run.records().totals;
  CHECK(totals.lost_on_links > 20);
  CHECK(totals.lost_on_links < 65);
  CHECK(run.records().faults[0].lost == totals.lost_on_links);
  CHECK(totals.lost_to_faults == 0);
  CHECK(run.process(1).received_bytes() == Bytes::mega(1));
  CHECK(run.process(3).last_received() == SimTime::ps(84'000'000 + 2'084'000));  // untouched
}

TEST_CASE("bit errors beyond what recovery can bear are refused") {
  NetworkParams params = bare_network();
  params.wire.bit_error_rate = 1e-4;  // 1 - (1 - 1e-4)^8400 = 57 %
  CHECK_THROWS_AS(FabricRun(star(2), params), UserError);
}

/// Two leaves with one host each, two spines.
FabricGraph two_paths() {
  LeafSpineParams shape;
  shape.hosts = 2;
  shape.hosts_per_leaf = 1;
  shape.spines = 2;
  return build(shape, parts());
}

/// Spine over which leaf `leaf` sends in a run without faults.
std::string spine_of(const std::string& leaf) {
  FabricRun run(two_paths(), bare_network());
  run.run(kOneFlow);
  const PortId first = port(run.graph(), leaf, "spine0");
  return run.records().links[first.index()].packets > 0 ? "spine0" : "spine1";
}

RunRecords failed_uplink(const std::string& leaf, Duration detection, Duration convergence,
                         Duration length = {}) {
  FabricGraph graph = two_paths();
  NetworkParams params = bare_network();
  params.transport.rto = Duration::us(100);
  params.routing = {detection, convergence};
  params.faults = {event(FaultKind::kDown, SimTime::at(Duration::us(20)), length,
                         {port(graph, leaf, spine_of(leaf))})};
  FabricRun run(std::move(graph), params);
  CHECK(run.run(kOneFlow, 1, SimTime::at(Duration::ms(50))) == RunEnd::kFinished);
  CHECK(run.process(1).received_bytes() == Bytes::mega(1));
  return run.records();
}

TEST_CASE("a switch avoids its own dead port after the detection time") {
  // Leaf 0 notices at 30 us; packets in the meantime are lost; everything after goes the other way.
  // Frame k leaves leaf 0 at S = 84 (k + 1) + 1000 ns, at spine 1084 ns later: lost are S >= 20,000
  // - 1084 and S < 30,000 ns: 213 <= k <= 344, 132 frames. If ACKs come back over the same cable,
  // some of them too; they are counted apart.
  const RunRecords records = failed_uplink("leaf0", Duration::us(10), Duration::s(1));
  const FabricGraph graph = two_paths();
  const PortId dead = port(graph, "leaf0", spine_of("leaf0"));
  CHECK(records.links[dead.index()].lost_to_faults == 132);
  CHECK(records.totals.unroutable == 0);
}

TEST_CASE("the far side of a failure changes over when routes converge") {
  // The cable between the spine and leaf 1 fails. Leaf 0 cannot see that: it keeps sending there,
  // and the spine has no other port. At 2 ms all switches get new routes.
  FabricGraph graph = two_paths();
  const std::string spine = spine_of("leaf0");
  NetworkParams params = bare_network();
  params.transport.rto = Duration::us(100);
  params.transport.retry_limit = 0;
  params.routing = {Duration::us(10), Duration::us(1980)};
  params.faults = {
      event(FaultKind::kDown, SimTime::at(Duration::us(20)), {}, {port(graph, "leaf1", spine)})};
  const PortId used = port(graph, "leaf0", spine);
  FabricRun run(std::move(graph), params);
  CHECK(run.run(kOneFlow, 1, SimTime::at(Duration::ms(50))) == RunEnd::kFinished);
  CHECK(run.process(1).last_received() > SimTime::at(Duration::ms(2)));
  CHECK(run.process(1).last_received() < SimTime::at(Duration::us(2300)));
  CHECK(run.records().links[used.index()].packets > 1000);
}

TEST_CASE("a host without its only cable cannot be routed to, and gets its routes back") {
  // Down from 20 us to 3 ms, routes gone from 120 us on and back at 3.1 ms. In between the switch
  // knows no way: packets of later timeouts are dropped there and not sent into the dead cable.
  FabricGraph graph = star(2);
  NetworkParams params = bare_network();
  params.routing = {Duration::us(100), Duration::us(100)};
  params.faults = {event(FaultKind::kDown, SimTime::at(Duration::us(20)), Duration::us(2980),
                         {port(graph, "host1", switch_name(graph))})};
  FabricRun run(std::move(graph), params);
  CHECK(run.run(kOneFlow) == RunEnd::kFinished);
  CHECK(run.records().totals.unroutable > 500);
  CHECK(run.process(1).received_bytes() == Bytes::mega(1));
  CHECK(run.process(1).last_received() > SimTime::at(Duration::us(3100)));
}

TEST_CASE("a run ends although a host is cut off for ever, and tells which flows gave up") {
  // Host 1 fails at 20 us, routes without it hold from 220 us on. The flow to it gives up at its
  // first timeout after that, 1 ms after its last progress; the flow between the others ends.
  FabricGraph graph = star(4);
  NetworkParams params = bare_network();
  params.routing = {Duration::us(100), Duration::us(200)};
  params.faults = {event(FaultKind::kDown, SimTime::at(Duration::us(20)), {},
                         {port(graph, "host1", switch_name(graph))})};
  FabricRun run(std::move(graph), params);
  CHECK(run.run({{0, 1, Bytes::mega(1), 0, {}}, {2, 3, Bytes::mega(8), 0, {}}}) ==
        RunEnd::kDeadlock);
  REQUIRE(run.records().flows.size() == 2);
  const FlowRecord &cut = run.records().flows[0], &whole = run.records().flows[1];
  CHECK(cut.unreachable);
  CHECK(cut.failed == cut.last_acked + Duration::ms(1));
  CHECK(cut.timeouts == 1);
  CHECK(whole.failed == SimTime::never());
  CHECK(whole.payload == Bytes::mega(8));
}

TEST_CASE("a rebooting switch loses its queues and what reaches it, and works again after") {
  // 4:1 incast: at 40 us some 30 us worth of three senders are queued.
  FabricGraph graph = star(5);
  NetworkParams params = bare_network();
  params.routing = {Duration(), Duration()};
  params.faults = {event(FaultKind::kReboot, SimTime::at(Duration::us(40)), Duration::us(50), {})};
  params.faults[0].node = graph.switches().front();
  std::vector<FlowSpec> flows;
  for (std::uint32_t h = 1; h < 5; ++h) flows.push_back({h, 0, Bytes::mega(1), 0, {}});
  FabricRun run(std::move(graph), params);
  CHECK(run.run(flows) == RunEnd::kFinished);
  CHECK(run.process(0).received_bytes() == Bytes::mega(4));
  // In 39 us 4 x 464 packets came and 464 left; on the wires are four times 12 more, and what hosts
  // send until 90 us is lost too.
  CHECK(run.records().totals.lost_to_faults > 3 * 464);
  CHECK(run.records().faults[0].lost == run.records().totals.lost_to_faults);
}

TEST_CASE("no pause outlives the cable over which it came") {
  // Incast into a small buffer: the senders are paused most of the time. The cable of sender 1 and
  // the one between the switches fail in the middle of it, again and again; were one pause not
  // cleared, or one resume lost, the run would hang.
  FabricGraph graph = build(
      [] {
        LeafSpineParams shape;
        shape.hosts = 6;
        shape.hosts_per_leaf = 3;
        shape.spines = 1;
        return shape;
      }(),
      parts());
  NetworkParams params = bare_network();
  params.transport.rto = Duration::us(200);
  params.switches.buffer = Bytes::kilo(400);
  params.routing = {Duration::ms(100), Duration::ms(100)};
  for (const auto& [a, b] : {std::pair{"host3", "leaf1"}, std::pair{"leaf1", "spine0"},
                             std::pair{"leaf0", "spine0"}, std::pair{"host0", "leaf0"}}) {
    FaultEvent flap =
        event(FaultKind::kFlap, SimTime::at(Duration::us(30)), {}, {port(graph, a, b)});
    flap.count = 40;
    flap.down_for = Duration::ns(700);
    flap.up_for = Duration::us(13);
    params.faults.push_back(flap);
  }
  std::vector<FlowSpec> flows;
  for (std::uint32_t h = 1; h < 6; ++h) flows.push_back({h, 0, Bytes::mega(1), 0, {}});
  FabricRun run(std::move(graph), params);
  CHECK(run.run(flows, 1, SimTime::at(Duration::ms(200))) == RunEnd::kFinished);
  CHECK(run.process(0).received_bytes() == Bytes::mega(5));
  CHECK(run.records().totals.pfc_pauses > 10);
  CHECK(run.records().totals.lost_to_faults > 100);
  for (const LinkRecord& link : run.records().links)
    CHECK(link.paused < run.records().totals.end.since_start());
}

TEST_CASE(
    "faults that are over before the first packet change nothing but the fingerprint's time") {
  FabricGraph graph = star(2);
  NetworkParams params = bare_network();
  FabricRun calm(graph, params);
  CHECK(calm.run(kOneFlow) == RunEnd::kFinished);
  params.faults = {event(FaultKind::kDown, {}, Duration::us(10), {PortId(0)}),
                   event(FaultKind::kDown, SimTime::at(Duration::s(1)), {}, {PortId(0)})};
  params.routing = {Duration(), Duration()};
  FabricRun late(graph, params);
  CHECK(late.run({{0, 1, Bytes::mega(1), 0, SimTime::at(Duration::us(10))}}) == RunEnd::kFinished);
  CHECK(late.records().totals.end - Duration::us(10) == calm.records().totals.end);
  CHECK(late.records().totals.lost_to_faults == 0);
}

}  // namespace
}  // namespace plait
