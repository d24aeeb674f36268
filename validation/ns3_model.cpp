// SPDX-License-Identifier: Apache-2.0
#include "validation/ns3_model.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "sim/error.hpp"

namespace plait::validation {

namespace {

// More than any flow has in flight, with room for a multiplication by a rate.
constexpr Bytes kNoWindow = Bytes(std::int64_t{1} << 50);

/// The way from one host to a node.
struct Way {
  bool known = false;
  Duration delay{}, on_wire{};
  BitRate slowest;
};

// Breadth first over switches, neighbours in the order of their ids.
std::vector<Way> ways_from(const FabricGraph& graph, NodeId host, Bytes payload) {
  std::vector<Way> ways(graph.node_count());
  ways[host.index()] = {true, {}, {}, BitRate::bps(INT64_MAX)};
  std::vector<NodeId> queue{host};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Way here = ways[queue[i].index()];
    std::vector<std::pair<NodeId, PortId>> next;
    for (std::uint32_t p = 0; p < graph.node(queue[i]).ports; ++p) {
      const PortId port = graph.port(queue[i], p);
      next.emplace_back(graph.port_node(graph.peer(port)), port);
    }
    std::sort(next.begin(), next.end());
    for (const auto& [node, port] : next) {
      if (ways[node.index()].known) continue;
      const FabricLink& link = graph.egress(port);
      const std::int64_t ns = payload.count() * 8'000'000'000 / link.rate.bps();
      ways[node.index()] = {true, here.delay + link.delay, here.on_wire + Duration::ns(ns),
                            std::min(here.slowest, link.rate)};
      if (graph.node(node).kind == NodeKind::kSwitch) queue.push_back(node);
    }
  }
  return ways;
}

// One value for every rate that the topology has.
double same_for_all(const Ns3RateMap& map, const std::set<BitRate>& rates, const std::string& key) {
  const double value = map.at(*rates.begin(), key);
  for (const BitRate rate : rates)
    if (map.at(rate, key) != value)
      throw UserError(key + " differs between the link rates of the topology: not supported");
  return value;
}

bool proportional(const Ns3RateMap& map, const std::set<BitRate>& rates, const std::string& key) {
  const double share = map.at(*rates.begin(), key) / rates.begin()->to_gbps();
  return std::all_of(rates.begin(), rates.end(), [&](BitRate rate) {
    return std::abs(map.at(rate, key) - share * rate.to_gbps()) < 1e-6;
  });
}

void set_marking(const Ns3Config& config, const std::set<BitRate>& rates, EcnParams& ecn) {
  ecn.enabled = true;
  const BitRate least = *rates.begin();
  ecn.k_min = Bytes(static_cast<std::int64_t>(config.k_min.at(least, "KMIN_MAP") * 1000));
  ecn.k_max = Bytes(static_cast<std::int64_t>(config.k_max.at(least, "KMAX_MAP") * 1000));
  ecn.p_max = same_for_all(config.p_max, rates, "PMAX_MAP");
  if (proportional(config.k_min, rates, "KMIN_MAP") &&
      proportional(config.k_max, rates, "KMAX_MAP")) {
    ecn.reference_rate = least;
  } else {
    same_for_all(config.k_min, rates, "KMIN_MAP");
    same_for_all(config.k_max, rates, "KMAX_MAP");
    ecn.reference_rate = BitRate::bps(0);
  }
}

// PPP 2, IPv4 20, UDP 8, sequence number and priority 6; a time stamp for TIMELY, five records and
// a counter for HPCC. ACKs are padded to 48 bytes and carry the telemetry too: 76 with HPCC's.
void set_frames(const Ns3Config& config, TransportParams& transport) {
  transport.mtu = config.payload;
  transport.header = Bytes(config.cc == Ns3Cc::kTimely ? 44 : 36);
  transport.int_header = Bytes(42);
  transport.ack = Bytes(config.cc == Ns3Cc::kHpcc ? 76 - 42 : 48);
  transport.gap = Bytes(0);
}

DcqcnParams dcqcn(const Ns3Config& config, const Ns3Reach& reach) {
  DcqcnParams p = dcqcn_preset("ns3");
  p.gain = config.gain;
  p.alpha_timer = config.alpha_timer;
  p.decrease_timer = config.decrease_timer;
  p.increase_timer = config.increase_timer;
  p.fast_recovery_rounds = config.recovery_rounds;
  p.additive_step = config.rate_ai;
  p.hyper_step = config.rate_hai;
  p.min_rate = config.min_rate;
  p.clamp_target = config.clamp_target;
  if (config.has_window) p.window = reach.bdp;
  p.variable_window = config.variable_window;
  return p;
}

DctcpParams dctcp(const Ns3Config& config, const Ns3Reach& reach) {
  DctcpParams p = dctcp_preset("ns3");
  p.gain = config.gain;
  p.additive_step = config.dctcp_rate_ai;
  p.min_rate = config.min_rate;
  p.base_rtt = reach.base_rtt;
  p.window = config.has_window ? reach.bdp : kNoWindow;
  p.variable_window = config.has_window && config.variable_window;
  return p;
}

TimelyParams timely(const Ns3Config& config, const Ns3Reach& reach) {
  TimelyParams p = timely_preset("ns3");
  p.step = config.rate_ai;
  p.hyper_step = config.rate_hai;
  p.min_rate = config.min_rate;
  if (config.has_window) p.window = reach.bdp;
  p.variable_window = config.variable_window;
  return p;
}

HpccParams hpcc(const Ns3Config& config, const Ns3Reach& reach) {
  if (!config.has_window)
    throw UserError({config.file}, "HAS_WIN 0 with CC_MODE 3: HPCC divides by its window");
  HpccParams p = hpcc_preset("ns3");
  p.target_utilisation = config.target_utilisation;
  p.max_stages = config.max_stage;
  p.additive_step = config.rate_ai;
  p.min_rate = config.min_rate;
  p.fast_reaction = config.fast_react;
  p.base_rtt = reach.base_rtt;
  p.window = reach.bdp;
  p.variable_window = config.variable_window;
  return p;
}

CcParams congestion_control(const Ns3Config& config, const FabricGraph& graph) {
  const Ns3Reach reach = ns3_reach(graph, config.payload);
  if (config.has_window && !config.global_rtt && !reach.uniform)
    throw UserError({config.file},
                    "GLOBAL_T 0: a window and base round trip of its own for every pair of hosts "
                    "is not supported; GLOBAL_T 1 is");
  CcParams cc;
  switch (config.cc) {
    case Ns3Cc::kDcqcn:
      cc.kind = CcKind::kDcqcn;
      cc.dcqcn = dcqcn(config, reach);
      break;
    case Ns3Cc::kDctcp:
      cc.kind = CcKind::kDctcp;
      cc.dctcp = dctcp(config, reach);
      break;
    case Ns3Cc::kTimely:
      cc.kind = CcKind::kTimely;
      cc.timely = timely(config, reach);
      break;
    case Ns3Cc::kHpcc:
      cc.kind = CcKind::kHpcc;
      cc.hpcc = hpcc(config, reach);
  }
  return cc;
}

}  // namespace

Ns3Reach ns3_reach(const FabricGraph& graph, Bytes payload) {
  Ns3Reach reach;
  bool first = true;
  for (const NodeId from : graph.hosts()) {
    const std::vector<Way> ways = ways_from(graph, from, payload);
    for (const NodeId to : graph.hosts()) {
      const Way& way = ways[to.index()];
      if (to == from || !way.known) continue;
      const Duration rtt = 2 * way.delay + way.on_wire;
      const Bytes bdp(rtt.ps() / 1000 * (way.slowest.bps() / 1'000'000) / 8000);
      reach.uniform = reach.uniform && (first || (rtt == reach.base_rtt && bdp == reach.bdp));
      reach.base_rtt = std::max(reach.base_rtt, rtt);
      reach.bdp = std::max(reach.bdp, bdp);
      first = false;
    }
  }
  return reach;
}

BitRate nic_rate(const FabricGraph& graph) {
  return graph.egress(graph.endpoint_port(EndpointId(0))).rate;
}

NetworkParams ns3_network(const Ns3Config& config, const FabricGraph& graph, std::uint64_t seed) {
  std::set<BitRate> rates;
  for (const FabricLink& link : graph.links()) rates.insert(link.rate);
  NetworkParams p;
  p.seed = seed;
  p.wire.clock = Duration::ns(1);
  p.wire.tie_order = TieOrder::kPosting;
  p.switches.latency = Duration();
  p.switches.buffer = config.buffer;
  p.switches.int_multiplier = config.int_multiplier;
  p.switches.pfc.headroom_rule = HeadroomRule::kThreeDelays;
  p.switches.pfc.alpha_reference_rate = nic_rate(graph);
  p.switches.pfc.frame = Bytes(31);
  set_marking(config, rates, p.switches.ecn);
  set_frames(config, p.transport);
  p.transport.control_priority = 3;
  p.transport.control_obeys_pause = config.acks_obey_pause;
  p.transport.cnp_mode = CnpMode::kAckEcho;
  p.transport.rto = Duration::s(100);  // that simulator has no timeout
  p.transport.congestion_control = congestion_control(config, graph);
  return p;
}

}  // namespace plait::validation
