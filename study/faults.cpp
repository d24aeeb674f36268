// SPDX-License-Identifier: Apache-2.0
#include "study/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "sim/error.hpp"
#include "study/scenario.hpp"
#include "study/text_table.hpp"

namespace plait {

namespace {

std::string path_of(std::size_t index, std::string_view key = "") {
  return key.empty() ? fmt::format("faults.{}", index) : fmt::format("faults.{}.{}", index, key);
}

[[noreturn]] void refuse(const Scenario& scenario, std::size_t index, std::string_view key,
                         const std::string& text) {
  const std::string path = path_of(index, key);
  throw UserError(scenario.where(path), fmt::format("{}: {}", path, text));
}

/// A key that applies to some actions only: there it is needed (or may be absent), elsewhere it
/// must have its default.
struct Key {
  std::string_view name;
  bool given;
  std::vector<FaultAction> needed_by;
  std::vector<FaultAction> allowed_by = {};
};

bool contains(const std::vector<FaultAction>& actions, FaultAction action) {
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

void check_keys(const Scenario& scenario, std::size_t index) {
  using A = FaultAction;
  const FaultSpec& spec = scenario.faults[index];
  const std::vector<A> of_cables = {A::kDown, A::kUp, A::kFlap, A::kDegrade, A::kBitErrors};
  std::vector<A> of_hosts = of_cables;
  of_hosts.push_back(A::kSlow);
  const std::vector<Key> keys = {
      {"link", !spec.link.empty(), {}, of_cables},
      {"switch", !spec.switch_name.empty(), {A::kReboot}},
      {"host", !spec.host.empty(), {A::kSlow}, of_hosts},
      {"nic", spec.nic != -1, {}, of_cables},
      {"for",
       spec.length != FaultSpec::kForEver,
       {},
       {A::kDown, A::kDegrade, A::kBitErrors, A::kReboot, A::kSlow}},
      {"down_for", spec.down_for != Duration(), {A::kFlap}},
      {"up_for", spec.up_for != Duration(), {A::kFlap}},
      {"count", spec.count != 1, {}, {A::kFlap}},
      {"rate", spec.rate != BitRate(), {A::kDegrade}},
      {"bit_error_rate", spec.bit_error_rate != 0, {A::kBitErrors}},
      {"factor", spec.factor != 1, {A::kSlow}},
  };
  if (spec.length == Duration())
    refuse(scenario, index, "for", "lasts no time; leave `for` out for ever");
  if (spec.action == A::kDown && !spec.switch_name.empty())
    refuse(scenario, index, "switch",
           "does not apply to this action; a switch that goes down is `action: reboot`, without "
           "`for` for ever");
  for (const Key& key : keys) {
    if (!key.given && contains(key.needed_by, spec.action))
      refuse(scenario, index, "", fmt::format("this action needs the key '{}'", key.name));
    if (key.given && !contains(key.needed_by, spec.action) &&
        !contains(key.allowed_by, spec.action))
      refuse(scenario, index, key.name, "does not apply to this action; remove it");
  }
  if (spec.action != A::kReboot && spec.link.empty() == spec.host.empty())
    refuse(scenario, index, "", "give exactly one of link and host");
  if (spec.nic != -1 && spec.host.empty())
    refuse(scenario, index, "nic", "applies to a host only; remove it");
}

NodeId find_node(const Scenario& scenario, std::size_t index, std::string_view key,
                 const FabricGraph& graph, const std::string& name, std::optional<NodeKind> kind) {
  const NodeId node = graph.find(name);
  if (node != NodeId() && (!kind || graph.node(node).kind == *kind)) return node;
  std::vector<std::string> names;
  for (std::size_t n = 0; n < graph.node_count(); ++n)
    if (!kind || graph.node(NodeId(n)).kind == *kind) names.push_back(graph.node(NodeId(n)).name);
  const char* what = !kind ? "node" : *kind == NodeKind::kHost ? "host" : "switch";
  refuse(scenario, index, key,
         fmt::format("the fabric has no {} '{}'{}", what, name, did_you_mean(name, names)));
}

/// Ports of `a` whose cables lead to `b`, in the order of their numbers.
std::vector<PortId> cables_between(const FabricGraph& graph, NodeId a, NodeId b) {
  std::vector<PortId> ports;
  for (std::uint32_t p = 0; p < graph.node(a).ports; ++p)
    if (graph.port_node(graph.peer(graph.port(a, p))) == b) ports.push_back(graph.port(a, p));
  return ports;
}

std::vector<PortId> find_link(const Scenario& scenario, std::size_t index,
                              const FabricGraph& graph) {
  const std::string& text = scenario.faults[index].link;
  const std::size_t colon = text.find(':');
  const std::size_t hash = text.find('#');
  if (colon == std::string::npos || (hash != std::string::npos && hash < colon))
    refuse(scenario, index, "link",
           fmt::format("'{}' is not a link: write the names of its two ends as A:B, or A:B#k for "
                       "one of several cables",
                       text));
  const auto end = [&](const std::string& name) {
    return find_node(scenario, index, "link", graph, name, std::nullopt);
  };
  const NodeId a = end(text.substr(0, colon));
  const NodeId b =
      end(text.substr(colon + 1, hash == std::string::npos ? std::string::npos : hash - colon - 1));
  std::vector<PortId> ports = cables_between(graph, a, b);
  if (ports.empty())
    refuse(scenario, index, "link",
           fmt::format("no cable joins {} and {}", graph.node(a).name, graph.node(b).name));
  if (hash == std::string::npos) return ports;
  std::size_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + hash + 1, last, number);
  if (error != std::errc() || rest != last || number >= ports.size())
    refuse(scenario, index, "link",
           fmt::format("'{}' must be a number from 0 to {} after the '#'", text.substr(hash + 1),
                       ports.size() - 1));
  return {ports[number]};
}

std::vector<PortId> find_nics(const Scenario& scenario, std::size_t index, const FabricGraph& graph,
                              NodeId host) {
  const FaultSpec& spec = scenario.faults[index];
  const std::uint32_t count = graph.node(host).ports;
  if (spec.nic >= static_cast<std::int64_t>(count))
    refuse(scenario, index, "nic",
           fmt::format("host {} has {} NIC ports, numbered from 0", spec.host, count));
  if (spec.nic >= 0) return {graph.port(host, static_cast<std::uint32_t>(spec.nic))};
  std::vector<PortId> ports;
  for (std::uint32_t p = 0; p < count; ++p) ports.push_back(graph.port(host, p));
  return ports;
}

std::string target_name(const FaultSpec& spec) {
  if (!spec.link.empty()) return spec.link;
  if (!spec.switch_name.empty()) return spec.switch_name;
  return spec.nic < 0 ? spec.host : fmt::format("{} NIC {}", spec.host, spec.nic);
}

std::string effect_name(const FaultSpec& spec, Duration length) {
  const std::string span = length == Duration() ? "" : " for " + human(length);
  switch (spec.action) {
    case FaultAction::kUp:
      return "up";
    case FaultAction::kDown:
      return "down" + span;
    case FaultAction::kFlap:
      return fmt::format("flaps {} times, {} down and {} up", spec.count, human(spec.down_for),
                         human(spec.up_for));
    case FaultAction::kDegrade:
      return fmt::format("degraded to {}{}", human_rate(static_cast<double>(spec.rate.bps())),
                         span);
    case FaultAction::kBitErrors:
      return fmt::format("bit error rate {}{}", spec.bit_error_rate, span);
    case FaultAction::kReboot:
      return length == Duration() ? "fails" : "reboots" + span;
    case FaultAction::kSlow:
      return fmt::format("computes {} times as slowly{}", spec.factor, span);
  }
  return "";
}

FaultKind kind_of(FaultAction action) {
  switch (action) {
    case FaultAction::kFlap:
      return FaultKind::kFlap;
    case FaultAction::kDegrade:
      return FaultKind::kDegrade;
    case FaultAction::kBitErrors:
      return FaultKind::kBitErrors;
    case FaultAction::kReboot:
      return FaultKind::kReboot;
    case FaultAction::kSlow:
      return FaultKind::kSlow;
    case FaultAction::kDown:
    case FaultAction::kUp:
      break;
  }
  return FaultKind::kDown;
}

void check_rate(const Scenario& scenario, std::size_t index, const FabricGraph& graph,
                const std::vector<PortId>& ports) {
  for (const PortId port : ports)
    if (scenario.faults[index].rate >= graph.egress(port).rate)
      refuse(
          scenario, index, "rate",
          fmt::format("{} is not below the {} of link {}", to_string(scenario.faults[index].rate),
                      to_string(graph.egress(port).rate), graph.link_name(port)));
}

FaultEvent resolve(const Scenario& scenario, std::size_t index, const FabricGraph& graph) {
  const FaultSpec& spec = scenario.faults[index];
  FaultEvent event;
  event.kind = kind_of(spec.action);
  event.at = SimTime::at(spec.at);
  if (spec.length != FaultSpec::kForEver) event.length = spec.length;
  event.down_for = spec.down_for;
  event.up_for = spec.up_for;
  event.count = spec.count;
  event.rate = spec.rate;
  event.bit_error_rate = spec.bit_error_rate;
  event.factor = spec.factor;
  if (!spec.switch_name.empty())
    event.node = find_node(scenario, index, "switch", graph, spec.switch_name, NodeKind::kSwitch);
  if (!spec.host.empty())
    event.node = find_node(scenario, index, "host", graph, spec.host, NodeKind::kHost);
  if (!spec.link.empty()) event.ports = find_link(scenario, index, graph);
  if (!spec.host.empty() && spec.action != FaultAction::kSlow)
    event.ports = find_nics(scenario, index, graph, event.node);
  if (event.kind == FaultKind::kDegrade) check_rate(scenario, index, graph, event.ports);
  return event;
}

/// The cables of an event, each by its lower port.
std::vector<PortId> cables_of(const FabricGraph& graph, const FaultEvent& event) {
  std::vector<PortId> cables;
  for (const PortId port : event.ports) cables.push_back(std::min(port, graph.peer(port)));
  std::sort(cables.begin(), cables.end());
  return cables;
}

}  // namespace

void check_faults(const Scenario& scenario) {
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) check_keys(scenario, i);
}

ResolvedFaults resolve_faults(const Scenario& scenario, const FabricGraph& graph) {
  const std::size_t count = scenario.faults.size();
  std::vector<FaultEvent> events;
  for (std::size_t i = 0; i < count; ++i) events.push_back(resolve(scenario, i, graph));
  for (std::size_t up = 0; up < count; ++up) {
    if (scenario.faults[up].action != FaultAction::kUp) continue;
    bool found = false;
    for (std::size_t down = 0; down < count; ++down) {
      if (scenario.faults[down].action != FaultAction::kDown ||
          scenario.faults[down].length != FaultSpec::kForEver || events[down].at >= events[up].at ||
          cables_of(graph, events[down]) != cables_of(graph, events[up]))
        continue;
      found = true;
      const Duration length = events[up].at - events[down].at;
      const bool first = events[down].length == Duration() || length < events[down].length;
      if (first) events[down].length = length;
    }
    if (!found)
      refuse(scenario, up, "action",
             "nothing to bring up: no 'down' without 'for' of the same cables comes before");
  }
  ResolvedFaults resolved;
  for (std::size_t i = 0; i < count; ++i) {
    const FaultSpec& spec = scenario.faults[i];
    if (spec.action == FaultAction::kUp) continue;
    resolved.places.push_back(i);
    resolved.names.push_back(target_name(spec) + " " + effect_name(spec, events[i].length));
    resolved.events.push_back(std::move(events[i]));
  }
  return resolved;
}

}  // namespace plait
