// SPDX-License-Identifier: Apache-2.0
// Properties of the packet model under random schedules of faults that all end: every flow ends and
// delivers every byte once, what was sent is received, lost or dropped, and neither threads nor the
// length of windows show in the results.
#include <catch2/catch.hpp>

#include "sim/random.hpp"
#include "tests/properties/random_network.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

using test::FabricRun;
using test::FlowSpec;

struct Random {
  explicit Random(std::uint64_t seed) : stream(seed, 11, 3) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  RandomStream stream;
};

FabricGraph random_fabric(Random& random) {
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link = {BitRate::gbps(100), Duration::ns(random.between(300, 1500)), 1};
  parts.fabric_link = {BitRate::gbps(random.between(0, 1) == 0 ? 100 : 400),
                       Duration::ns(random.between(300, 1500)), 1};
  if (random.between(0, 3) == 0) return build(FatTreeParams{4}, parts);
  LeafSpineParams shape;
  shape.hosts = random.between(4, 12);
  shape.hosts_per_leaf = random.between(2, 4);
  shape.spines = random.between(1, 3);
  shape.uplinks = random.between(1, 2);
  return build(shape, parts);
}

FaultEvent random_fault(Random& random, const FabricGraph& graph) {
  FaultEvent event;
  event.kind = static_cast<FaultKind>(random.between(0, 5));
  event.at = SimTime::at(Duration::ns(random.between(0, 60'000)));
  event.length = Duration::ns(random.between(1'000, 40'000));
  const auto any = [&](std::size_t count) {
    return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(count) - 1));
  };
  for (std::int64_t i = random.between(1, 3); i > 0; --i)
    event.ports.push_back(graph.cables()[any(graph.cables().size())]);
  event.node = event.kind == FaultKind::kSlow ? graph.hosts()[any(graph.hosts().size())]
                                              : graph.switches()[any(graph.switches().size())];
  event.down_for = Duration::ns(random.between(1, 5'000));
  event.up_for = Duration::ns(random.between(1, 8'000));
  event.count = random.between(1, 6);
  event.rate = BitRate::gbps(random.between(2, 60));
  event.bit_error_rate = 1e-8 * static_cast<double>(random.between(1, 800));
  event.factor = 2;
  return event;
}

NetworkParams random_network(Random& random, const FabricGraph& graph) {
  NetworkParams p = test::bare_network();
  p.seed = static_cast<std::uint64_t>(random.between(1, 1 << 30));
  p.switches.latency = Duration::ns(random.between(0, 600));
  if (random.between(0, 2) == 0) p.switches.forwarding = Forwarding::kCutThrough;
  p.transport.rto = Duration::us(random.between(40, 200));
  p.transport.retry_limit = 0;  // timeouts are short, failures may be longer
  p.transport.nack_interval = Duration::us(random.between(5, 50));
  p.transport.ack_interval = random.between(1, 4);
  if (random.between(0, 1) == 0) p.transport.congestion_control.kind = CcKind::kDcqcn;
  p.transport.congestion_control.dcqcn.min_rate = BitRate::gbps(2);
  p.routing = {Duration::ns(random.between(0, 20'000)), Duration::ns(random.between(0, 40'000))};
  for (std::int64_t i = random.between(1, 6); i > 0; --i)
    p.faults.push_back(random_fault(random, graph));
  test::shrink_buffer(p, graph);
  return p;
}

std::vector<FlowSpec> random_flows(Random& random, std::size_t hosts) {
  std::vector<FlowSpec> flows;
  const auto last = static_cast<std::int64_t>(hosts) - 1;
  for (std::uint32_t i = 0; i < 2 * hosts; ++i) {
    const auto from = static_cast<std::uint32_t>(random.between(0, last));
    const auto to = i % 2 == 0 ? 0U : static_cast<std::uint32_t>(random.between(0, last));
    if (from != to) flows.push_back({from, to, Bytes(random.between(0, 150'000)), i, {}});
  }
  return flows;
}

const SimTime kTooLong = SimTime::at(Duration::s(2));

}  // namespace

TEST_CASE("under faults that end, every flow ends and delivers every byte once") {
  std::uint64_t lost = 0, corrupted = 0, unroutable = 0, pauses = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    const NetworkParams params = random_network(random, graph);
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows, 1, kTooLong) == RunEnd::kFinished);
    check_delivered_once(run, flows);
    const RunTotals& totals = run.records().totals;
    lost += totals.lost_to_faults;
    corrupted += totals.lost_on_links;
    unroutable += totals.unroutable;
    pauses += totals.pfc_pauses;
    std::uint64_t by_event = 0;
    for (const FaultRecord& fault : run.records().faults) by_event += fault.lost;
    CHECK(by_event == totals.lost_to_faults + totals.lost_on_links);
  }
  CHECK(lost > 1000);  // the schedules do something
  CHECK(corrupted > 100);
  CHECK(unroutable > 100);
  CHECK(pauses > 100);
}

// Without pause frames, every frame that a switch got it has sent, dropped or lost itself; the
// frames on its links are those that the far end sent and no failure took.
TEST_CASE("what switches got they sent, dropped for want of buffer or route, or lost in a reboot") {
  for (std::uint64_t seed = 201; seed <= 260; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random, graph);
    params.switches.pfc.enabled = false;
    for (FaultEvent& event : params.faults) event.bit_error_rate = 0;
    FabricRun run(std::move(graph), params);
    REQUIRE(run.run(flows, 1, kTooLong) == RunEnd::kFinished);
    std::uint64_t into = 0, out = 0, on_cables = 0;
    for (std::size_t p = 0; p < run.graph().port_count(); ++p) {
      const LinkRecord& link = run.records().links[p];
      const NodeId from = run.graph().port_node(PortId(p));
      const NodeId to = run.graph().port_node(run.graph().peer(PortId(p)));
      if (run.graph().node(from).kind == NodeKind::kSwitch) out += link.packets;
      if (run.graph().node(to).kind == NodeKind::kSwitch)
        into += link.packets - link.lost_to_faults;
      on_cables += link.lost_to_faults;
    }
    const RunTotals& totals = run.records().totals;
    const std::uint64_t in_reboots = totals.lost_to_faults - on_cables;
    CHECK(into == out + totals.drops + totals.unroutable + in_reboots);
  }
}

TEST_CASE("faults do not depend on threads, windows or when switches catch up") {
  for (std::uint64_t seed = 301; seed <= 325; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random, graph);
    const auto outcome = [&](unsigned threads, Duration max_window, bool always) {
      params.plain_paths = always;
      FabricRun run(graph, params);
      CHECK(run.run(flows, threads, kTooLong, max_window) == RunEnd::kFinished);
      const RunTotals& t = run.records().totals;
      return std::tuple(t.fingerprint, t.end, t.lost_to_faults, t.lost_on_links, t.unroutable,
                        t.packet_hops);
    };
    const auto reference = outcome(1, Duration::max(), false);
    for (const unsigned threads : {2U, 3U, 8U})
      CHECK(outcome(threads, Duration::max(), false) == reference);
    CHECK(outcome(1, Duration::ns(37), false) == reference);
    CHECK(outcome(2, Duration::ns(211), true) == reference);
  }
}

// Switches, hosts and failures end packets in a dozen places, and none may keep the memory of its
// telemetry.
TEST_CASE("telemetry of a packet is given back, however the packet ends") {
  RunTotals all;
  for (std::uint64_t seed = 401; seed <= 480; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FabricGraph graph = random_fabric(random);
    const auto flows = random_flows(random, graph.hosts().size());
    NetworkParams params = random_network(random, graph);
    params.transport.congestion_control.kind = CcKind::kHpcc;
    params.transport.congestion_control.hpcc.min_rate = BitRate::gbps(2);
    if (seed % 5 < 2) params.transport.reliability = Reliability::kSelectiveRepeat;
    if (seed % 3 == 0) params.wire.loss = 0.002;
    if (seed % 2 == 1) params.switches.pfc.enabled = false;
    params.switches.trimming.enabled = seed % 4 == 1;
    params.switches.pfc.watchdog.enabled = seed % 4 == 2;
    params.switches.pfc.watchdog.action = WatchdogAction::kDrop;
    params.switches.pfc.watchdog.detection = Duration::us(2);
    params.switches.pfc.watchdog.restoration = Duration::us(2);
    FabricRun run(std::move(graph), params);
    CHECK(run.simulation().telemetry_in_use() == 0);
    REQUIRE(run.run(flows, static_cast<unsigned>(1 + seed % 3), kTooLong) == RunEnd::kFinished);
    CHECK(run.simulation().telemetry_in_use() == 0);
    test::add(all, run.records().totals);
  }
  CHECK(all.lost_to_faults > 1000);
  CHECK(all.lost_on_links > 100);
  CHECK(all.unroutable > 100);
  CHECK(all.drops > 1000);
  CHECK(all.trims > 1000);
  CHECK(all.watchdog_drops > 100);
  CHECK(all.retransmitted > 1000);
}

TEST_CASE("packets under way carry telemetry where it is read") {
  // 1 GB is 80 ms of traffic at 100 Gbps.
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link.rate = BitRate::gbps(100);
  NetworkParams params = test::bare_network();
  const auto in_use = [&](CcKind kind) {
    params.transport.congestion_control.kind = kind;
    FabricRun run(build(SingleSwitchParams{4}, parts), params);
    CHECK(run.run({{0, 1, Bytes(1'000'000'000)}}, 1, SimTime::at(Duration::us(10))) ==
          RunEnd::kTimeLimit);
    return run.simulation().telemetry_in_use();
  };
  CHECK(in_use(CcKind::kHpcc) > 0);
  // Given back also by a NIC that orders ties by posting.
  params.wire.tie_order = TieOrder::kPosting;
  CHECK(in_use(CcKind::kHpcc) > 0);
  FabricRun whole(build(SingleSwitchParams{4}, parts), [&] {
    params.transport.congestion_control.kind = CcKind::kHpcc;
    return params;
  }());
  CHECK(whole.run({{0, 1, Bytes(100'000)}, {2, 1, Bytes(100'000)}}) == RunEnd::kFinished);
  CHECK(whole.simulation().telemetry_in_use() == 0);
  params.wire.tie_order = TieOrder::kModel;
  CHECK(in_use(CcKind::kDcqcn) == 0);
}

}  // namespace plait
