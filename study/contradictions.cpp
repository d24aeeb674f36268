// SPDX-License-Identifier: Apache-2.0
#include "study/contradictions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/ecn_rules.hpp"
#include "models/egress_port.hpp"
#include "sim/error.hpp"
#include "study/custom_algorithms.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

namespace {

const std::string kCc = "transport.congestion_control.";
const std::string kSwitch = "fabric.switch.";

std::string to_string(double value) { return fmt::format("{}", value); }

template <class T>
void refuse_above(const Scenario& scenario, const std::string& path, T low, const char* high_key,
                  T high) {
  if (!(low > high)) return;
  throw UserError(scenario.where(path), fmt::format("{}: {} is above {} {}", path, to_string(low),
                                                    high_key, to_string(high)));
}

// Puts the place of the value at `path` before what `read` says is wrong with it.
template <class Read>
void readable(const Scenario& scenario, const std::string& path, Read&& read) {
  try {
    read();
  } catch (const UserError& error) {
    throw UserError(scenario.where(path), fmt::format("{}: {}", path, error.what()));
  }
}

void check_switches(const Scenario& scenario) {
  const SwitchParams& switches = scenario.fabric.switches;
  const EcnParams& ecn = switches.ecn;
  const PfcParams& pfc = switches.pfc;
  refuse_above(scenario, kSwitch + "ecn.k_min", ecn.k_min, "k_max", ecn.k_max);
  if (pfc.threshold == PfcThreshold::kStatic)
    refuse_above(scenario, kSwitch + "pfc.xon", pfc.xon, "xoff", pfc.xoff);
  readable(scenario, kSwitch + "pfc.priorities", [&] { parse_priority_set(pfc.priorities); });
  readable(scenario, kSwitch + "ecn.priorities", [&] {
    if (ecn.priorities != "all") parse_priority_set(ecn.priorities);
  });
  readable(scenario, kSwitch + "ecn.by_priority", [&] { ecn_rules(ecn); });
  readable(scenario, kSwitch + "dwrr_weights", [&] { EgressScheduler{switches}; });
  const TrimmingParams& trimming = switches.trimming;
  const std::string priority = kSwitch + "trimming.priority";
  if (trimming.enabled && trimming.priority == scenario.transport.data_priority)
    throw UserError(scenario.where(priority),
                    fmt::format("{}: {} is also transport.data_priority, so what is left of a "
                                "packet would wait in the queue that was full; choose another one",
                                priority, trimming.priority));
}

void check_collectives(const Scenario& scenario) {
  const std::vector<CollectiveOverride>& overrides = scenario.collectives.overrides;
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const CollectiveOverride& one = overrides[i];
    const std::string path = fmt::format("collectives.overrides.{}.", i);
    if (one.from >= one.to)
      throw UserError(scenario.where(path + "from"),
                      fmt::format("{}from: {} is not below `to`, {}", path, to_string(one.from),
                                  to_string(one.to)));
    check_custom_keys(scenario, i);
    if (one.kind == CollectiveFilter::kAny || one.algorithm == CollectiveAlgorithm::kCustom)
      continue;
    const auto kind = static_cast<CollectiveKind>(static_cast<int>(one.kind) - 1);
    readable(scenario, path + "algorithm",
             [&] { algorithm_named(to_string(one.algorithm), kind); });
  }
}

void check_congestion_control(const Scenario& scenario) {
  const CcParams& cc = scenario.transport.congestion_control;
  if (cc.kind == CcKind::kSwift)
    refuse_above(scenario, kCc + "min_window", cc.swift.min_window, "max_window",
                 cc.swift.max_window);
  if (cc.kind == CcKind::kTimely)
    refuse_above(scenario, kCc + "t_low", cc.timely.t_low, "t_high", cc.timely.t_high);
}

/// The rate below which no flow falls; 0: the algorithm has no such parameter.
BitRate least_rate(const CcParams& cc) {
  switch (cc.kind) {
    case CcKind::kDcqcn:
      return cc.dcqcn.min_rate;
    case CcKind::kDctcp:
      return cc.dctcp.min_rate;
    case CcKind::kHpcc:
      return cc.hpcc.min_rate;
    case CcKind::kTimely:
      return cc.timely.min_rate;
    case CcKind::kNone:
    case CcKind::kSwift:
      break;
  }
  return {};
}

BitRate slowest_nic(const FabricGraph& graph) {
  BitRate slowest = graph.egress(graph.endpoint_port(EndpointId(0))).rate;
  for (std::size_t e = 1; e < graph.endpoint_count(); ++e)
    slowest = std::min(slowest, graph.egress(graph.endpoint_port(EndpointId(e))).rate);
  return slowest;
}

BitRate fastest_switch_port(const FabricGraph& graph) {
  BitRate fastest{};
  for (const NodeId node : graph.switches())
    for (std::uint32_t p = 0; p < graph.node(node).ports; ++p)
      fastest = std::max(fastest, graph.egress(graph.port(node, p)).rate);
  return fastest;
}

bool needs_marks(const TransportParams& transport) {
  const CcKind kind = transport.congestion_control.kind;
  return kind == CcKind::kDcqcn || kind == CcKind::kDctcp ||
         transport.entropy.kind == EntropyKind::kReps;
}

/// Why trimming never happens, cuts headers, or keeps switches from marking.
std::vector<std::string> trimming_warnings(const Scenario& scenario, const FabricGraph& graph,
                                           const NetworkParams& params) {
  const SwitchParams& switches = params.switches;
  const TrimmingParams& trimming = switches.trimming;
  const TransportParams& transport = params.transport;
  const std::string path = kSwitch + "trimming.";
  if (!trimming.enabled) return {};
  if (switches.pfc.enabled &&
      (parse_priority_set(switches.pfc.priorities) >> transport.data_priority & 1) != 0)
    return {scenario.at(path + "enabled",
                        fmt::format("no packet is ever trimmed: data travel on priority {}, which "
                                    "is lossless",
                                    transport.data_priority))};
  std::vector<std::string> warnings;
  const Bytes headers = transport.header + encapsulation_bytes(transport.encapsulation);
  if (trimming.size < headers)
    warnings.push_back(
        scenario.at(path + "size", fmt::format("{} do not hold the {} of headers that a receiver "
                                               "needs to ask for the packet again",
                                               to_string(trimming.size), to_string(headers))));
  const EcnRule rule = ecn_rules(switches.ecn)[static_cast<std::size_t>(transport.data_priority)];
  if (trimming.threshold == Bytes(0) || !rule.marks || !needs_marks(transport)) return warnings;
  const BitRate rate = fastest_switch_port(graph), reference = switches.ecn.reference_rate;
  const double scale = reference == BitRate() ? 1 : rate.to_gbps() / reference.to_gbps();
  const Bytes k_min(static_cast<std::int64_t>(static_cast<double>(rule.k_min.count()) * scale));
  if (trimming.threshold <= k_min)
    warnings.push_back(scenario.at(
        path + "threshold",
        fmt::format("queues are trimmed at {}, before they reach the {} from which ports of {} "
                    "mark (ecn.k_min), so marks never happen there",
                    to_string(trimming.threshold), to_string(k_min), to_string(rate))));
  return warnings;
}

}  // namespace

bool entropy_counts(const LoadBalancingParams& params) {
  switch (params.kind) {
    case LoadBalancing::kEcmp:
    case LoadBalancing::kWeightedEcmp:
    case LoadBalancing::kFlowlet:
    case LoadBalancing::kAdaptiveFlowlet:
      return params.hash_fields != HashFields::kAddresses;
    case LoadBalancing::kRoundRobin:
    case LoadBalancing::kRandom:
    case LoadBalancing::kAdaptive:
      break;
  }
  return false;
}

void check_contradictions(const Scenario& scenario) {
  check_switches(scenario);
  check_collectives(scenario);
  check_congestion_control(scenario);
  const TransportParams& transport = scenario.transport;
  if (transport.entropy.kind == EntropyKind::kReps && transport.cnp_mode != CnpMode::kAckEcho)
    throw UserError(scenario.where("transport.entropy.kind"),
                    "transport.entropy.kind: reps needs ACKs that tell whether their packet was "
                    "marked: set transport.cnp_mode to ack_echo");
}

std::vector<std::string> contradiction_warnings(const Scenario& scenario, const FabricGraph& graph,
                                                const NetworkParams& params) {
  std::vector<std::string> warnings = trimming_warnings(scenario, graph, params);
  const PfcParams& pfc = params.switches.pfc;
  if (pfc.watchdog.enabled && !pfc.enabled)
    warnings.push_back(scenario.at(kSwitch + "pfc.watchdog.enabled",
                                   "the watchdog has nothing to watch: PFC is off"));
  const BitRate least = least_rate(params.transport.congestion_control);
  const BitRate nic = slowest_nic(graph);
  if (least >= nic)
    warnings.push_back(scenario.at(
        kCc + "min_rate", fmt::format("{} is not below the {} of the slowest NIC, so congestion "
                                      "control is off there",
                                      to_string(least), to_string(nic))));
  if (params.transport.entropy.kind != EntropyKind::kFixed &&
      !entropy_counts(params.switches.load_balancing))
    warnings.push_back(scenario.at(
        "transport.entropy.kind",
        "no effect: switches do not read the UDP source port; see fabric.switch.load_balancing"));
  // Only asked about other fidelities.
  const auto loggops = scenario.locations.upper_bound("loggops.");
  if (loggops != scenario.locations.end() && loggops->first.starts_with("loggops."))
    warnings.push_back(scenario.at(loggops->first, fmt::format("no effect: run.fidelity is {}",
                                                               to_string(scenario.run.fidelity))));
  return warnings;
}

}  // namespace plait
