// SPDX-License-Identifier: Apache-2.0
#include "models/fault_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "models/transport_params.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::int64_t kNever = INT64_MAX;
// Of all route tables together: beyond this a run would rather be told.
constexpr std::size_t kMaxRouteBytes = std::size_t{8} << 30;

std::int64_t later(std::int64_t at_ps, Duration by) {
  return at_ps == kNever || by.ps() > kNever - at_ps ? kNever : at_ps + by.ps();
}

std::int64_t end_of(const FaultEvent& event) {
  return event.length == Duration() ? kNever : later(event.at.ps(), event.length);
}

/// A stretch of one event on one thing, and how bad it is.
struct Stretch {
  std::int64_t begin_ps, end_ps;
  double badness;
  std::uint32_t event;
};

/// Calls `change(time, stretch or null)` whenever the worst of the stretches in force changes. Of
/// equally bad ones the event that comes first in the scenario counts.
template <class Change>
void sweep(const std::vector<Stretch>& stretches, Change&& change) {
  std::set<std::int64_t> times;
  for (const Stretch& s : stretches) {
    times.insert(s.begin_ps);
    times.insert(s.end_ps);
  }
  times.erase(kNever);
  const Stretch* in_force = nullptr;
  for (const std::int64_t at : times) {
    const Stretch* worst = nullptr;
    for (const Stretch& s : stretches)
      if (s.begin_ps <= at && at < s.end_ps && (worst == nullptr || s.badness > worst->badness))
        worst = &s;
    if (worst != in_force) change(at, worst);
    in_force = worst;
  }
}

}  // namespace

FaultPlan::FaultPlan(const FabricGraph& graph, const RouteTable& routes, const WireParams& wire,
                     const std::vector<FaultEvent>& events, const RoutingParams& routing,
                     const std::vector<std::uint16_t>& normal_class, const ClassAt& class_at)
    : graph_(graph), routes_(routes), event_count_(events.size()) {
  losses_.emplace_back(wire.loss, wire.bit_error_rate);
  if (events.empty()) return;
  steps_.resize(graph.node_count());
  downs_.resize(graph.port_count());
  slowdowns_.resize(graph.node_count());
  add_downs(events);
  add_link_steps(routing);
  add_reboots(events);
  add_rates(events, class_at, normal_class);
  add_bit_errors(events, wire);
  add_slowdowns(events);
  settle();
}

// Down spans per cable, cut so that they do not overlap: the one that began first keeps the common
// part.
void FaultPlan::add_downs(const std::vector<FaultEvent>& events) {
  for (std::uint32_t e = 0; e < events.size(); ++e) {
    const FaultEvent& event = events[e];
    std::vector<DownSpan> spans;
    if (event.kind == FaultKind::kDown || event.kind == FaultKind::kReboot) {
      spans.push_back({event.at.ps(), end_of(event), e});
    } else if (event.kind == FaultKind::kFlap) {
      std::int64_t begin = event.at.ps();
      for (std::int64_t i = 0; i < event.count && begin != kNever; ++i) {
        spans.push_back({begin, later(begin, event.down_for), e});
        begin = later(begin, event.down_for + event.up_for);
      }
    }
    std::vector<PortId> ports = event.ports;
    if (event.kind == FaultKind::kReboot)
      for (std::uint32_t p = 0; p < graph_.node(event.node).ports; ++p)
        ports.push_back(graph_.port(event.node, p));
    for (const PortId port : ports)
      downs_[cable(port)].insert(downs_[cable(port)].end(), spans.begin(), spans.end());
  }
  for (std::vector<DownSpan>& spans : downs_) {
    std::stable_sort(spans.begin(), spans.end(),
                     [](const DownSpan& a, const DownSpan& b) { return a.begin_ps < b.begin_ps; });
    std::int64_t end = 0;
    for (DownSpan& span : spans) {
      span.begin_ps = std::max(span.begin_ps, end);
      end = std::max(end, span.end_ps);
    }
    std::erase_if(spans, [](const DownSpan& span) { return span.begin_ps >= span.end_ps; });
  }
}

// Both ends see a cable fail and come back; spans that touch are one failure.
void FaultPlan::add_link_steps(const RoutingParams& routing) {
  std::vector<Transition> transitions;
  for (std::size_t c = 0; c < downs_.size(); ++c) {
    const std::vector<DownSpan>& spans = downs_[c];
    for (std::size_t i = 0; i < spans.size(); ++i) {
      if (i == 0 || spans[i - 1].end_ps != spans[i].begin_ps)
        transitions.push_back({spans[i].begin_ps, c, false});
      const bool last = i + 1 == spans.size() || spans[i].end_ps != spans[i + 1].begin_ps;
      if (last && spans[i].end_ps != kNever) transitions.push_back({spans[i].end_ps, c, true});
    }
  }
  std::stable_sort(transitions.begin(), transitions.end(),
                   [](const Transition& a, const Transition& b) { return a.at_ps < b.at_ps; });
  for (const Transition& t : transitions) {
    const PortId port(t.cable);
    for (const PortId end : {port, graph_.peer(port)}) {
      add_step(end, t.at_ps, FaultStep::Kind::kLink, t.up, kNoEvent);
      const std::int64_t seen = later(t.at_ps, routing.detection);
      if (seen == kNever || graph_.node(graph_.port_node(end)).kind != NodeKind::kSwitch) continue;
      add_step(end, seen, t.up ? FaultStep::Kind::kUse : FaultStep::Kind::kAvoid, 0, kNoEvent);
    }
  }
  add_epochs(transitions, routing.convergence);
}

// The routes that hold at t are those of the fabric as it was at t - convergence.
void FaultPlan::add_epochs(const std::vector<Transition>& transitions, Duration convergence) {
  std::vector<bool> dead(graph_.port_count());
  std::map<std::vector<bool>, std::uint32_t> known{{dead, 0}};
  std::uint32_t current = 0;
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    const Transition& t = transitions[i];
    dead[t.cable] = !t.up;
    dead[graph_.peer(PortId(t.cable)).index()] = !t.up;
    if (i + 1 < transitions.size() && transitions[i + 1].at_ps == t.at_ps) continue;
    const std::int64_t at = later(t.at_ps, convergence);
    if (at == kNever) return;
    const auto [place, is_new] =
        known.try_emplace(dead, static_cast<std::uint32_t>(tables_.size() + 1));
    if (is_new) {
      if ((tables_.size() + 2) * routes_.memory_bytes() > kMaxRouteBytes)
        throw UserError("the fault events lead to more than " + std::to_string(tables_.size() + 1) +
                        " different sets of failed cables; the routes of all of them would need "
                        "more than 8 GiB");
      tables_.push_back(std::make_unique<const RouteTable>(graph_, dead));
    }
    if (place->second != current) epochs_.push_back({at, place->second});
    current = place->second;
  }
}

void FaultPlan::add_reboots(const std::vector<FaultEvent>& events) {
  std::vector<std::vector<Stretch>> of_node(graph_.node_count());
  for (std::uint32_t e = 0; e < events.size(); ++e)
    if (events[e].kind == FaultKind::kReboot)
      of_node[events[e].node.index()].push_back({events[e].at.ps(), end_of(events[e]), 1, e});
  for (std::size_t n = 0; n < of_node.size(); ++n)
    sweep(of_node[n], [&](std::int64_t at, const Stretch* stretch) {
      const auto kind = stretch != nullptr ? FaultStep::Kind::kReboot : FaultStep::Kind::kBack;
      steps_[n].push_back({at, kind, 0, 0, stretch != nullptr ? stretch->event : kNoEvent});
    });
}

void FaultPlan::add_rates(const std::vector<FaultEvent>& events, const ClassAt& class_at,
                          const std::vector<std::uint16_t>& normal_class) {
  std::map<std::size_t, std::vector<Stretch>> of_cable;
  for (std::uint32_t e = 0; e < events.size(); ++e) {
    if (events[e].kind != FaultKind::kDegrade) continue;
    const auto badness = -static_cast<double>(events[e].rate.bps());
    for (const PortId port : events[e].ports)
      of_cable[cable(port)].push_back({events[e].at.ps(), end_of(events[e]), badness, e});
  }
  for (const auto& [c, stretches] : of_cable)
    for (const PortId end : {PortId(c), graph_.peer(PortId(c))})
      sweep(stretches, [&](std::int64_t at, const Stretch* stretch) {
        const std::uint16_t link_class = stretch == nullptr
                                             ? normal_class[end.index()]
                                             : class_at(end, events[stretch->event].rate);
        add_step(end, at, FaultStep::Kind::kRate, link_class,
                 stretch == nullptr ? kNoEvent : stretch->event);
      });
}

void FaultPlan::add_bit_errors(const std::vector<FaultEvent>& events, const WireParams& wire) {
  std::map<std::size_t, std::vector<Stretch>> of_cable;
  std::map<double, std::uint32_t> known{{wire.bit_error_rate, 0}};
  for (std::uint32_t e = 0; e < events.size(); ++e) {
    if (events[e].kind != FaultKind::kBitErrors) continue;
    const double rate = std::max(events[e].bit_error_rate, wire.bit_error_rate);
    for (const PortId port : events[e].ports)
      of_cable[cable(port)].push_back({events[e].at.ps(), end_of(events[e]), rate, e});
    if (known.try_emplace(rate, static_cast<std::uint32_t>(losses_.size())).second)
      losses_.emplace_back(wire.loss, rate);
  }
  for (const auto& [c, stretches] : of_cable)
    for (const PortId end : {PortId(c), graph_.peer(PortId(c))})
      sweep(stretches, [&](std::int64_t at, const Stretch* stretch) {
        add_step(end, at, FaultStep::Kind::kBitErrors,
                 stretch == nullptr ? 0 : known.at(stretch->badness),
                 stretch == nullptr ? kNoEvent : stretch->event);
      });
}

void FaultPlan::add_slowdowns(const std::vector<FaultEvent>& events) {
  for (const FaultEvent& event : events)
    if (event.kind == FaultKind::kSlow)
      slowdowns_[event.node.index()].push_back({event.at.ps(), end_of(event), event.factor});
}

double FaultPlan::slowdown(NodeId host, std::int64_t now_ps) const {
  double factor = 1;
  if (slowdowns_.empty()) return factor;
  for (const Slowdown& slow : slowdowns_[host.index()])
    if (slow.begin_ps <= now_ps && now_ps < slow.end_ps) factor = std::max(factor, slow.factor);
  return factor;
}

bool FaultPlan::cut_off_for_ever(std::int64_t now_ps, EndpointId from, EndpointId to) const {
  if (epochs_.empty() || now_ps < settled_ps_) return false;
  const RouteTable& last = table(epochs_.back().table);
  return last.hop_count(from, to) == RouteTable::kUnreachable ||
         last.hop_count(to, from) == RouteTable::kUnreachable;
}

void FaultPlan::add_step(PortId port, std::int64_t at_ps, FaultStep::Kind kind, std::uint32_t value,
                         std::uint32_t event) {
  steps_[graph_.port_node(port).index()].push_back(
      {at_ps, kind, graph_.port_number(port), value, event});
}

void FaultPlan::settle() {
  for (std::vector<FaultStep>& steps : steps_) {
    std::stable_sort(steps.begin(), steps.end(), [](const FaultStep& a, const FaultStep& b) {
      return a.at_ps != b.at_ps ? a.at_ps < b.at_ps : a.kind < b.kind;
    });
    if (!steps.empty()) settled_ps_ = std::max(settled_ps_, steps.back().at_ps);
  }
  if (!epochs_.empty()) settled_ps_ = std::max(settled_ps_, epochs_.back().at_ps);
}

}  // namespace plait
