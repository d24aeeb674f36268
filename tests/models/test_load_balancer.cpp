// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <sstream>

#include "models/load_balancer.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/edge_list.hpp"
#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"

namespace plait {
namespace {

using test::FabricRun;
using test::FlowSpec;

const std::vector<std::uint16_t> kHops{4, 5, 6, 7};

Packet packet_of(std::uint32_t flow, std::uint32_t priority = 3) {
  Packet p = Packet::make(PacketKind::kData, EndpointId(1), EndpointId(2), priority, 1000);
  p.queue_pair = flow;
  return p;
}

LoadBalancer balancer(const LoadBalancingParams& params) { return {params, 1, 2, 8}; }

LoadBalancingParams params_of(LoadBalancing kind) {
  LoadBalancingParams p;
  p.kind = kind;
  return p;
}

FabricGraph leaves(std::int64_t hosts, std::int64_t per_leaf, std::int64_t spines) {
  LeafSpineParams p;
  p.hosts = hosts;
  p.hosts_per_leaf = per_leaf;
  p.spines = spines;
  FabricParts parts;
  parts.host = {1, 1};
  return build(p, parts);
}

// Packets on the links from a switch of tier `from` to one of tier `to`, by switch and link.
std::map<std::string, std::vector<std::uint64_t>> packets_up(const FabricRun& run,
                                                             std::uint32_t from, std::uint32_t to) {
  const FabricGraph& graph = run.graph();
  std::map<std::string, std::vector<std::uint64_t>> counts;
  for (const FabricLink& link : graph.links()) {
    const FabricNode& here = graph.node(graph.port_node(link.from));
    if (here.tier == from && graph.node(graph.port_node(link.to)).tier == to)
      counts[here.name].push_back(run.records().links[link.from.index()].packets);
  }
  return counts;
}

std::uint64_t spread(const std::vector<std::uint64_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return *most - *least;
}

NetworkParams network(LoadBalancing kind) {
  NetworkParams params = test::bare_network();
  params.switches.load_balancing.kind = kind;
  return params;
}

std::vector<FlowSpec> all_to_all(std::uint32_t hosts, Bytes size) {
  std::vector<FlowSpec> flows;
  for (std::uint32_t from = 0; from < hosts; ++from)
    for (std::uint32_t to = 0; to < hosts; ++to)
      if (from != to) flows.push_back({from, to, size});
  return flows;
}

}  // namespace

TEST_CASE("the hash reads the fields it is told to", "[load_balancer]") {
  const auto hops_used = [](HashFields fields, bool vary_entropy) {
    LoadBalancingParams params = params_of(LoadBalancing::kEcmp);
    params.hash_fields = fields;
    const LoadBalancer b = balancer(params);
    std::set<std::uint32_t> used;
    for (std::uint32_t i = 0; i < 64; ++i) {
      Packet p = packet_of(vary_entropy ? 0 : i);
      if (vary_entropy) p.entropy = static_cast<std::uint16_t>(i);
      used.insert(b.ecmp(p, 4));
    }
    return used.size();
  };
  CHECK(hops_used(HashFields::kQueuePair, false) == 4);
  CHECK(hops_used(HashFields::kQueuePair, true) == 4);
  CHECK(hops_used(HashFields::kFiveTuple, false) == 1);
  CHECK(hops_used(HashFields::kFiveTuple, true) == 4);
  CHECK(hops_used(HashFields::kAddresses, false) == 1);
  CHECK(hops_used(HashFields::kAddresses, true) == 1);
}

TEST_CASE("weighted ECMP: shares follow the thresholds", "[load_balancer]") {
  LoadBalancer b = balancer(params_of(LoadBalancing::kWeightedEcmp));
  // 1/2, 1/4, 0, 1/4.
  const std::vector<std::uint64_t> thresholds{1ULL << 31, 3ULL << 30, 3ULL << 30};
  std::vector<int> count(4);
  for (std::uint32_t flow = 0; flow < 4000; ++flow)
    ++count[b.choose(0, packet_of(flow), kHops, thresholds)];
  // Standard deviations sqrt(4000 / 4) = 31.6 and sqrt(4000 * 3 / 16) = 27.4; 5 of them.
  CHECK(std::abs(count[0] - 2000) < 158);
  CHECK(std::abs(count[1] - 1000) < 137);
  CHECK(count[2] == 0);
  CHECK(std::abs(count[3] - 1000) < 137);
}

TEST_CASE("weighted ECMP on a fabric of unequal links", "[load_balancer]") {
  // From l to m: through s 100, through t min(100, 50): 2 of 3 flows take s. 600 flows: mean 400,
  // standard deviation sqrt(600 * 2 / 9) = 11.5; 5 of them. ECMP: 300.
  std::istringstream in(
      "host a\nhost b\nswitch l\nswitch m\nswitch s tier=2\nswitch t tier=2\n"
      "link a l 100Gbps 1us\nlink b m 100Gbps 1us\n"
      "link l s 100Gbps 1us\nlink l t 100Gbps 1us\nlink s m 100Gbps 1us\nlink t m 50Gbps 1us\n");
  const FabricGraph graph = read_edge_list(in, "net.txt", 1);
  std::vector<FlowSpec> flows;
  for (std::uint32_t stream = 0; stream < 600; ++stream)
    flows.push_back({0, 1, Bytes(1000), stream});
  const auto flows_through_s = [&](LoadBalancing kind) {
    FabricRun run(graph, network(kind));
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    const auto up = packets_up(run, 1, 2).at("l");
    CHECK(up[0] + up[1] == 600);  // one packet each, and no ACK goes this way
    return static_cast<int>(up[0]);
  };
  CHECK(std::abs(flows_through_s(LoadBalancing::kWeightedEcmp) - 400) < 58);
  CHECK(std::abs(flows_through_s(LoadBalancing::kEcmp) - 300) < 62);
}

TEST_CASE("flowlet: within the gap a flow stays, after it the hop is drawn again",
          "[load_balancer]") {
  LoadBalancingParams params = params_of(LoadBalancing::kFlowlet);
  params.flowlet_gap = Duration::ps(100);
  LoadBalancer b = balancer(params);
  const Packet p = packet_of(9);
  std::int64_t now = 1000;
  const std::uint32_t first = b.choose(now, p, kHops, {});
  CHECK(first == b.ecmp(p, 4));  // the first flowlet goes where ECMP would send it
  for (int i = 0; i < 1000; ++i) CHECK(b.choose(now += 99, p, kHops, {}) == first);
  std::vector<int> count(4);
  for (int i = 0; i < 4000; ++i) ++count[b.choose(now += 100, p, kHops, {})];
  // Binomial(4000, 1/4): mean 1000, standard deviation 27.4; 5 of them.
  for (const int times : count) CHECK(std::abs(times - 1000) < 137);
}

TEST_CASE("flowlet: flows that share an entry share their hop and their silence",
          "[load_balancer]") {
  LoadBalancingParams params = params_of(LoadBalancing::kFlowlet);
  params.flowlet_gap = Duration::ps(100);
  params.flowlet_entries = 1;
  LoadBalancer b = balancer(params);
  const std::uint32_t hop = b.choose(0, packet_of(0), kHops, {});
  std::int64_t now = 0;
  for (std::uint32_t flow = 1; flow < 50; ++flow)
    CHECK(b.choose(now += 60, packet_of(flow), kHops, {}) == hop);
  // An index that the set of hops at hand does not have starts a flowlet.
  for (std::uint32_t flow = 0; flow < 50; ++flow)
    CHECK(b.choose(now, packet_of(flow), {kHops.data(), 2}, {}) < 2);
}

TEST_CASE("flowlet with an endless gap is ECMP to the last bit", "[load_balancer]") {
  const auto flows = all_to_all(8, Bytes(20'000));
  const auto fingerprint = [&](LoadBalancing kind, Duration gap) {
    NetworkParams params = network(kind);
    params.switches.load_balancing.flowlet_gap = gap;
    params.switches.load_balancing.flowlet_entries = 1 << 16;  // flows do not meet
    FabricRun run(leaves(8, 2, 4), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    if (gap != Duration()) CHECK(run.records().totals.retransmitted == 0);
    return run.records().totals.fingerprint;
  };
  const std::uint64_t ecmp = fingerprint(LoadBalancing::kEcmp, Duration::s(10));
  CHECK(fingerprint(LoadBalancing::kFlowlet, Duration::s(10)) == ecmp);
  // With none, every packet draws.
  CHECK(fingerprint(LoadBalancing::kFlowlet, Duration()) != ecmp);
}

TEST_CASE("round robin: a permutation loads all uplinks alike", "[load_balancer]") {
  // Each of 4 hosts of a leaf sends 300 packets to the next leaf: 1200 over 4 uplinks. Data and
  // ACKs have a turn each, so two uplinks differ by two packets at most, retransmissions included.
  std::vector<FlowSpec> flows;
  for (std::uint32_t h = 0; h < 16; ++h) flows.push_back({h, (h + 4) % 16, Bytes(300'000)});
  const auto largest_spread = [&](LoadBalancing kind) {
    FabricRun run(leaves(16, 4, 4), network(kind));
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    std::uint64_t largest = 0;
    for (const auto& [leaf, counts] : packets_up(run, 1, 2)) {
      REQUIRE(counts.size() == 4);
      largest = std::max(largest, spread(counts));
    }
    return largest;
  };
  CHECK(largest_spread(LoadBalancing::kRoundRobin) <= 2);
  CHECK(largest_spread(LoadBalancing::kEcmp) >= 300);  // 4 flows that hash onto 4 links
}

TEST_CASE("round robin: data and acknowledgements do not step each other's turn",
          "[load_balancer]") {
  LoadBalancer b = balancer(params_of(LoadBalancing::kRoundRobin));
  std::set<std::uint32_t> data;
  for (int i = 0; i < 4; ++i) {
    data.insert(b.choose(0, packet_of(0), kHops, {}));
    b.choose(0, packet_of(0, 6), kHops, {});
  }
  CHECK(data.size() == 4);
}

TEST_CASE("round robin: rounds start anywhere, so that senders in step use all paths",
          "[load_balancer]") {
  // Four senders whose packets always come in the same order, at a switch with four hops.
  LoadBalancer b = balancer(params_of(LoadBalancing::kRoundRobin));
  std::vector<int> first_sender(4);
  for (int round = 0; round < 4000; ++round)
    for (std::uint32_t sender = 0; sender < 4; ++sender) {
      const std::uint32_t hop = b.choose(0, packet_of(sender), kHops, {});
      if (sender == 0) ++first_sender[hop];
    }
  for (const int times : first_sender) CHECK(std::abs(times - 1000) < 137);  // as above
}

TEST_CASE("random: evenly, and not alike in two switches", "[load_balancer]") {
  LoadBalancingParams params = params_of(LoadBalancing::kRandom);
  params.hash_seed = HashSeed::kShared;  // concerns hashes of flows only
  LoadBalancer b(params, 1, 2, 8), other(params, 1, 3, 8);
  std::vector<int> count(4);
  bool differs = false;
  for (int i = 0; i < 4000; ++i) {
    const std::uint32_t hop = b.choose(0, packet_of(0), kHops, {});
    ++count[hop];
    differs |= other.choose(0, packet_of(0), kHops, {}) != hop;
  }
  CHECK(differs);
  for (const int times : count) CHECK(std::abs(times - 1000) < 137);  // as above
}

TEST_CASE("adaptive: the least loaded port, ties at random, held-back ports last",
          "[load_balancer]") {
  LoadBalancer b = balancer(params_of(LoadBalancing::kAdaptive));
  std::map<std::uint32_t, std::int64_t> load{{4, 30}, {5, 20}, {6, 10}, {7, 20}};
  const auto choose = [&] {
    return b.choose_by_load(0, packet_of(0), kHops, [&](std::uint32_t port) { return load[port]; });
  };
  for (int i = 0; i < 8; ++i) CHECK(choose() == 2);
  load = {{4, 20}, {5, 20}, {6, 10 + LoadBalancer::kHeldBack}, {7, 30}};
  std::vector<int> count(4);
  for (int i = 0; i < 4000; ++i) ++count[choose()];
  // The scan meets hop 1 before hop 0 only if it starts there: 1000 times, standard deviation 27.4.
  CHECK(count[0] + count[1] == 4000);
  CHECK(std::abs(count[1] - 1000) < 137);
  for (auto& [port, ps] : load)
    if (port != 6) ps += LoadBalancer::kHeldBack;
  CHECK(choose() == 2);
}

TEST_CASE("adaptive: loads within a quantum are alike; samples limit what is seen",
          "[load_balancer]") {
  LoadBalancingParams params = params_of(LoadBalancing::kAdaptive);
  params.load_quantum = Duration::ps(10);
  LoadBalancer coarse = balancer(params);
  const auto load_of = [](std::uint32_t port) { return std::int64_t{port}; };  // 4, 5, 6, 7
  std::set<std::uint32_t> used;
  for (int i = 0; i < 64; ++i) used.insert(coarse.choose_by_load(0, packet_of(0), kHops, load_of));
  CHECK(used.size() == 4);

  params.load_quantum = Duration();
  params.samples = 2;
  LoadBalancer sampled = balancer(params);
  std::vector<int> count(4);
  for (int i = 0; i < 4000; ++i) ++count[sampled.choose_by_load(0, packet_of(0), kHops, load_of)];
  // Two draws with repetition: hop i is the lesser one with probability (7 - 2 i) / 16: 1750, 1250,
  // 750, 250, standard deviation at most 31.4; 5 of them.
  for (int i = 0; i < 4; ++i)
    CHECK(std::abs(count[static_cast<std::size_t>(i)] - 250 * (7 - 2 * i)) < 157);

  // Both: 4 and 5 are alike, the first drawn of them wins, and so are 6 and 7. A pair is chosen by
  // the lesser quantum: hops 0 and 1 unless both draws are above, 3 of 4 times, 1500 each; 500 each
  // of the others. Standard deviation at most 30.6.
  params.load_quantum = Duration::ps(2);
  LoadBalancer both = balancer(params);
  count.assign(4, 0);
  for (int i = 0; i < 4000; ++i) ++count[both.choose_by_load(0, packet_of(0), kHops, load_of)];
  for (int i = 0; i < 4; ++i)
    CHECK(std::abs(count[static_cast<std::size_t>(i)] - (i < 2 ? 1500 : 500)) < 153);
}

TEST_CASE("adaptive flowlet: the port is chosen at the start of a flowlet only",
          "[load_balancer]") {
  LoadBalancingParams params = params_of(LoadBalancing::kAdaptiveFlowlet);
  params.flowlet_gap = Duration::ps(100);
  LoadBalancer b = balancer(params);
  std::uint32_t idle = 6;
  int asked = 0;
  const auto load_of = [&](std::uint32_t port) {
    ++asked;
    return std::int64_t{port == idle ? 0 : 1};
  };
  CHECK(b.choose_by_load(0, packet_of(0), kHops, load_of) == 2);
  idle = 5;
  CHECK(b.choose_by_load(99, packet_of(0), kHops, load_of) == 2);
  CHECK(asked == 4);
  CHECK(b.choose_by_load(199, packet_of(0), kHops, load_of) == 1);
}

TEST_CASE("adaptive: a leaf fills a fast and a slow uplink in proportion", "[load_balancer]") {
  // 4 hosts of 100G into uplinks of 100G and 25G, which are always busy: packets go out 4 to 1.
  std::istringstream in(
      "host a\nhost b\nhost c\nhost d\nhost e\nswitch l\nswitch m\nswitch s tier=2\n"
      "switch t tier=2\nlink a l 100Gbps 1us\nlink b l 100Gbps 1us\nlink c l 100Gbps 1us\n"
      "link d l 100Gbps 1us\nlink e m 400Gbps 1us\nlink l s 100Gbps 1us\nlink l t 25Gbps 1us\n"
      "link s m 100Gbps 1us\nlink t m 25Gbps 1us\n");
  const FabricGraph graph = read_edge_list(in, "net.txt", 1);
  FabricRun run(graph, network(LoadBalancing::kAdaptive));
  const Bytes size(1'000'000);
  REQUIRE(run.run({{0, 4, size}, {1, 4, size}, {2, 4, size}, {3, 4, size}}) == RunEnd::kFinished);
  const auto up = packets_up(run, 1, 2).at("l");
  const double share = static_cast<double>(up[0]) / static_cast<double>(up[0] + up[1]);
  CHECK(share == Approx(0.8).margin(0.02));
}

TEST_CASE("receivers that keep packets in any order: spraying gives a permutation full speed",
          "[load_balancer]") {
  // Each of 16 hosts sends 1 MB to the next leaf; 4 uplinks for 4 hosts. Packet by packet no link
  // gets more than its rate, and ACKs of 50 bytes share it with data of 1050: 1.048 times the ideal
  // time. Draws are uneven for a while; sets of 64 values are uneven for good, which REPS mends.
  // ECMP puts two flows on some link: twice the ideal time.
  std::vector<FlowSpec> flows;
  for (std::uint32_t h = 0; h < 16; ++h) flows.push_back({h, (h + 4) % 16, Bytes(1'000'000)});
  const auto slowest = [&](LoadBalancing kind, EntropyKind entropy) {
    NetworkParams params = network(kind);
    params.transport.reliability = Reliability::kSelectiveRepeat;
    params.transport.entropy.kind = entropy;
    params.transport.cnp_mode = CnpMode::kAckEcho;
    params.switches.ecn.enabled = true;
    FabricRun run(leaves(16, 4, 4), params);
    REQUIRE(run.run(flows) == RunEnd::kFinished);
    CHECK(run.records().totals.retransmitted == 0);
    double most = 0;
    for (const MessageRecord& m : run.records().messages)
      most = std::max(most, (m.delivered - m.posted).to_us() / m.ideal.to_us());
    return most;
  };
  CHECK(slowest(LoadBalancing::kEcmp, EntropyKind::kFixed) > 1.9);
  CHECK(slowest(LoadBalancing::kRoundRobin, EntropyKind::kFixed) < 1.05);
  CHECK(slowest(LoadBalancing::kAdaptive, EntropyKind::kFixed) < 1.05);
  CHECK(slowest(LoadBalancing::kRandom, EntropyKind::kFixed) < 1.2);
  const double oblivious = slowest(LoadBalancing::kEcmp, EntropyKind::kRandom);
  CHECK(oblivious < 1.3);
  CHECK(slowest(LoadBalancing::kEcmp, EntropyKind::kRoundRobin) < 1.3);
  CHECK(slowest(LoadBalancing::kEcmp, EntropyKind::kReps) < 0.95 * oblivious);
}

TEST_CASE("one hash seed everywhere leaves half of a fat tree's core links unused",
          "[load_balancer]") {
  // k = 4: the flows that an edge switch sends to aggregation switch j have a hash in the j-th
  // half, and there the j-th half means core link j again. 16 links from aggregation to core.
  FatTreeParams shape;
  shape.k = 4;
  FabricParts parts;
  parts.host = {1, 1};
  const auto links_used = [&](HashSeed seed) {
    NetworkParams params = network(LoadBalancing::kEcmp);
    params.switches.load_balancing.hash_seed = seed;
    FabricRun run(build(shape, parts), params);
    REQUIRE(run.run(all_to_all(16, Bytes(1000))) == RunEnd::kFinished);
    std::size_t used = 0;
    for (const auto& [name, counts] : packets_up(run, 2, 3))
      for (const std::uint64_t packets : counts) used += packets != 0;
    return used;
  };
  CHECK(links_used(HashSeed::kPerSwitch) == 16);
  CHECK(links_used(HashSeed::kShared) == 8);
}

TEST_CASE("a pinned path wins over any load balancing", "[load_balancer]") {
  for (const LoadBalancing kind :
       {LoadBalancing::kWeightedEcmp, LoadBalancing::kFlowlet, LoadBalancing::kRoundRobin,
        LoadBalancing::kRandom, LoadBalancing::kAdaptive, LoadBalancing::kAdaptiveFlowlet}) {
    FabricRun run(leaves(2, 1, 4), network(kind));
    const FabricGraph& graph = run.graph();
    const NodeId leaf0 = graph.find("leaf0"), leaf1 = graph.find("leaf1"),
                 spine = graph.find("spine2");
    run.simulation().pin_paths({{EndpointId(0),
                                 EndpointId(1),
                                 false,
                                 {graph.hosts()[0], leaf0, spine, leaf1, graph.hosts()[1]}}});
    REQUIRE(run.run({{0, 1, Bytes(100'000)}}) == RunEnd::kFinished);
    CHECK(packets_up(run, 1, 2).at("leaf0") == std::vector<std::uint64_t>{0, 0, 100, 0});
  }
}

}  // namespace plait
