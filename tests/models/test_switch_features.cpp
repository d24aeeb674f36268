// SPDX-License-Identifier: Apache-2.0
// A switch in a fabric: trimming, limits of lossy ports, marking by priority, limits of the chip.
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/single_switch.hpp"

namespace plait {
namespace {

using test::FabricRun;
using test::FlowSpec;

/// One GPU and one NIC per host, 100 Gbps.
FabricGraph one_switch(std::int64_t hosts) {
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link.rate = BitRate::gbps(100);
  return build(SingleSwitchParams{hosts}, parts);
}

/// Without PFC. Data frames are 1050 bytes, trimmed ones 64.
NetworkParams lossy() {
  NetworkParams params = test::bare_network();
  params.switches.pfc.enabled = false;
  params.switches.buffer = Bytes::kilo(100);
  params.transport.rto = Duration::us(300);
  params.transport.retry_limit = 0;
  params.transport.nack_interval = Duration::us(20);
  return params;
}

std::vector<FlowSpec> incast(std::uint32_t senders) {
  std::vector<FlowSpec> flows;
  for (std::uint32_t i = 1; i <= senders; ++i) flows.push_back({i, 0, Bytes(100'000)});
  return flows;
}

/// The link from the switch to host 0, which carries nothing but data.
const LinkRecord& last_link(const FabricRun& run) {
  const FabricGraph& graph = run.graph();
  return run.records().links[graph.peer(graph.port(graph.hosts()[0], 0)).index()];
}

}  // namespace

TEST_CASE("trimming: what would be dropped goes on as a header", "[trimming]") {
  NetworkParams params = lossy();
  FabricRun without(one_switch(5), params);
  REQUIRE(without.run(incast(4)) == RunEnd::kFinished);
  CHECK(without.records().totals.drops > 0);
  CHECK(without.records().totals.trims == 0);

  params.switches.trimming.enabled = true;
  FabricRun run(one_switch(5), params);
  REQUIRE(run.run(incast(4)) == RunEnd::kFinished);
  const LinkRecord& link = last_link(run);
  CHECK(link.trims > 0);
  CHECK(link.drops == 0);
  CHECK(run.records().totals.trims == link.trims);
  // Every packet is whole or trimmed, none is lost: 1050 and 64 bytes, nothing between.
  CHECK(link.wire_bytes.count() ==
        static_cast<std::int64_t>(1050 * (link.packets - link.trims) + 64 * link.trims));
}

TEST_CASE("trimming: from a threshold on", "[trimming]") {
  NetworkParams params = lossy();
  params.switches.buffer = Bytes::mega(10);
  params.switches.trimming.enabled = true;
  params.switches.trimming.threshold = Bytes(5000);
  params.switches.trimming.priority = 6;  // strict
  FabricRun run(one_switch(3), params);
  REQUIRE(run.run(incast(2)) == RunEnd::kFinished);
  const LinkRecord& link = last_link(run);
  CHECK(link.trims > 0);
  CHECK(link.drops == 0);
  // Four packets of 1050 bytes fit under 5000, a fifth does not; headers are served first, so of
  // the two that can come while one is sent at most three are there.
  CHECK(link.max_queue.count() >= 4200);
  CHECK(link.max_queue.count() <= 4200 + 3 * 64);
}

TEST_CASE("trimming: lossless data and acknowledgements are never trimmed", "[trimming]") {
  NetworkParams params = lossy();
  params.switches.trimming.enabled = true;
  params.switches.trimming.threshold = Bytes(1);
  params.switches.trimming.size = Bytes(10);
  params.switches.pfc.enabled = true;
  params.switches.buffer = Bytes::mega(1);
  FabricRun run(one_switch(5), params);
  REQUIRE(run.run(incast(4)) == RunEnd::kFinished);
  CHECK(run.records().totals.trims == 0);
  CHECK(run.process(0).received_bytes() == Bytes(400'000));
}

TEST_CASE("a lossy port has its own limit", "[switch]") {
  NetworkParams params = lossy();
  params.switches.buffer = Bytes::mega(10);
  params.switches.lossy_port_limit = Bytes(10'499);
  FabricRun run(one_switch(5), params);
  REQUIRE(run.run(incast(4)) == RunEnd::kFinished);
  CHECK(run.records().totals.drops > 0);
  CHECK(run.records().totals.lossless_drops == 0);
  CHECK(last_link(run).max_queue == Bytes(9 * 1050));  // a tenth packet would make 10,500
}

TEST_CASE("only the priorities asked for are marked", "[ecn]") {
  NetworkParams params = test::bare_network();
  params.switches.ecn.enabled = true;
  params.switches.ecn.k_min = params.switches.ecn.k_max = Bytes(5000);
  const auto marks = [&](const char* priorities, const char* by_priority) {
    params.switches.ecn.priorities = priorities;
    params.switches.ecn.by_priority = by_priority;
    FabricRun run(one_switch(5), params);
    REQUIRE(run.run(incast(4)) == RunEnd::kFinished);
    return run.records().totals.ecn_marks;
  };
  const std::uint64_t all = marks("all", "");
  CHECK(all > 100);
  CHECK(marks("3", "") == all);  // data are on priority 3
  CHECK(marks("4 5", "") == 0);
  CHECK(marks("all", "3:1MB:1MB") == 0);
  CHECK(marks("all", "4:1MB:1MB") == all);
}

TEST_CASE("a switch with more than its chip has is refused", "[preset]") {
  NetworkParams params = test::bare_network();
  const auto built = [&](std::int64_t hosts) {
    const FabricGraph graph = one_switch(hosts);
    const Simulation simulation(graph, RouteTable(graph), params);
    return true;
  };
  params.switches.max_ports = 4;
  CHECK(built(4));
  CHECK_THROWS_WITH(built(5), Catch::Contains("has 5 ports; fabric.switch.max_ports allows 4"));
  params.switches.max_ports = 0;
  params.switches.capacity = BitRate::gbps(400);
  CHECK(built(4));
  CHECK_THROWS_WITH(built(5), Catch::Contains("5 ports of 500Gbps together; "
                                              "fabric.switch.capacity allows 400Gbps"));
}

}  // namespace plait
