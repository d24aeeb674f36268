// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file random_network.hpp
/// Random fabrics, traffic and parameters for tests of properties.

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"
#include "topologies/single_switch.hpp"

namespace plait::test {

struct Random {
  explicit Random(std::uint64_t seed) : stream(seed, 7, 7) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  template <class T>
  T any_of(std::initializer_list<T> values) {
    return *(values.begin() + between(0, static_cast<std::int64_t>(values.size()) - 1));
  }
  RandomStream stream;
};

inline FabricParts random_parts(Random& random) {
  FabricParts parts;
  parts.host = {1, 1};
  parts.host_link.rate = BitRate::gbps(random.any_of({25, 100, 400}));
  parts.host_link.delay = Duration::ns(random.between(100, 2000));
  parts.fabric_link.rate = BitRate::gbps(random.any_of({40, 100, 400}));
  parts.fabric_link.delay = Duration::ns(random.between(100, 3000));
  return parts;
}

inline FabricGraph random_leaf_spine(Random& random, const FabricParts& parts,
                                     std::int64_t min_spines) {
  LeafSpineParams p;
  p.hosts = random.between(4, 24);
  p.hosts_per_leaf = random.between(2, 8);
  p.spines = random.between(min_spines, 4);
  return build(p, parts);
}

inline FabricGraph small_fat_tree(const FabricParts& parts) {
  FatTreeParams p;
  p.k = 4;
  return build(p, parts);
}

inline FabricGraph random_fabric(Random& random) {
  const FabricParts parts = random_parts(random);
  switch (random.between(0, 2)) {
    case 0:
      return build(SingleSwitchParams{random.between(4, 20)}, parts);
    case 1:
      return random_leaf_spine(random, parts, 1);
    default:
      return small_fat_tree(parts);
  }
}

inline FabricGraph random_multipath(Random& random) {
  const FabricParts parts = random_parts(random);
  return random.between(0, 1) == 0 ? random_leaf_spine(random, parts, 2) : small_fat_tree(parts);
}

// Half of the flows go to one host, so that there is an incast; sizes around packet boundaries too.
inline std::vector<FlowSpec> random_flows(Random& random, std::size_t hosts) {
  std::vector<FlowSpec> flows;
  const auto last = static_cast<std::int64_t>(hosts) - 1;
  for (std::uint32_t i = 0; i < 3 * hosts; ++i) {
    const auto from = static_cast<std::uint32_t>(random.between(0, last));
    const auto to = i % 2 == 0 ? 0U : static_cast<std::uint32_t>(random.between(0, last));
    if (from == to) continue;
    const Bytes size(random.any_of({std::int64_t{0}, std::int64_t{1}, std::int64_t{1000},
                                    std::int64_t{1001}, random.between(1, 200'000)}));
    flows.push_back({from, to, size, i});
  }
  return flows;
}

inline NetworkParams random_network(Random& random) {
  NetworkParams p = bare_network();
  p.seed = static_cast<std::uint64_t>(random.between(1, 1 << 30));
  p.switches.latency = Duration::ns(random.between(0, 600));
  p.switches.ecn.enabled = random.between(0, 1) == 1;
  p.switches.ecn.k_min = Bytes::kilo(random.between(1, 50));
  p.switches.ecn.k_max = p.switches.ecn.k_min + Bytes::kilo(random.between(1, 100));
  p.transport.mtu = Bytes(random.any_of({256, 1000, 4096}));
  p.transport.retry_limit = 0;  // timeouts are short, queues may be longer
  p.transport.gap = Bytes(random.any_of({0, 20}));
  p.transport.ack_interval = random.any_of({1, 4, 32});
  p.transport.control_priority = random.any_of({3, 6});
  p.transport.cnp_mode = random.any_of({CnpMode::kPacket, CnpMode::kAckEcho});
  p.transport.congestion_control.kind = random.any_of({CcKind::kNone, CcKind::kDcqcn});
  p.transport.congestion_control.dcqcn.min_rate = BitRate::mbps(1000);
  return p;
}

// Lanes and loss recovery; drawn after everything else, so that the other tests keep their cases.
inline void random_transport(Random& random, TransportParams& p) {
  p.queue_pairs = random.any_of({1, 2, 3, 16});
  p.striping = random.any_of({Striping::kSplit, Striping::kRoundRobin});
  p.reliability = random.any_of({Reliability::kGoBackN, Reliability::kSelectiveRepeat});
  p.reorder_window = random.any_of({2, 16, 1024});
  p.reorder_threshold = random.any_of({0, 3, 1024});
  p.encapsulation = random.any_of({Encapsulation::kIpv4, Encapsulation::kVxlanIpv6});
  p.rto = Duration::us(200);
  p.nack_interval = Duration::us(20);
}

// As random_flows(), with several messages on each connection.
inline std::vector<FlowSpec> random_streams(Random& random, std::size_t hosts) {
  std::vector<FlowSpec> flows = random_flows(random, hosts);
  for (FlowSpec& flow : flows) flow.stream = 0;
  return flows;
}

// A buffer barely above what reserve and headroom take, so that pauses are common.
inline void shrink_buffer(NetworkParams& params, const FabricGraph& graph) {
  std::int64_t kilobytes = 16;
  const RouteTable routes(graph);
  for (;; kilobytes += kilobytes / 4) {
    params.switches.buffer = Bytes::kilo(kilobytes);
    try {
      const Simulation probe(graph, routes, params);
      break;
    } catch (const UserError&) {
    }
  }
  params.switches.buffer = Bytes::kilo(kilobytes + kilobytes / 8);
}

/// Of several runs: how often what a property is about happened in all.
inline void add(RunTotals& sum, const RunTotals& totals) {
  sum.calm_visits += totals.calm_visits;
  sum.ecn_marks += totals.ecn_marks;
  sum.pfc_pauses += totals.pfc_pauses;
  sum.drops += totals.drops;
  sum.trims += totals.trims;
  sum.watchdog_drops += totals.watchdog_drops;
  sum.lost_to_faults += totals.lost_to_faults;
  sum.lost_on_links += totals.lost_on_links;
  sum.unroutable += totals.unroutable;
  sum.retransmitted += totals.retransmitted;
}

/// Every receiver has as many bytes and messages as were sent to it.
inline void check_delivered_once(const FabricRun& run, const std::vector<FlowSpec>& flows) {
  std::map<std::uint32_t, std::int64_t> bytes;
  std::map<std::uint32_t, std::size_t> count;
  for (const FlowSpec& flow : flows) {
    bytes[flow.to] += flow.size.count();
    ++count[flow.to];
  }
  for (const auto& [gpu, expected] : bytes) {
    CHECK(run.process(gpu).received_bytes().count() == expected);
    CHECK(run.process(gpu).received() == count[gpu]);
  }
}

}  // namespace plait::test
