// SPDX-License-Identifier: Apache-2.0
#include "topologies/fabric_graph.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "sim/params.hpp"

namespace plait {

namespace {

/// Names stand in edge lists, in `leaf0:spine1` of a fault and in reports, so they hold no spaces,
/// colons or comment signs.
void check_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.-/").find(c) != std::string_view::npos;
  };
  if (name.empty() || !std::ranges::all_of(name, legal))
    throw UserError(
        fmt::format("'{}' is not a name: use letters, digits and any of _ . - /", name));
}

void check_cable(const FabricNode& a, const FabricNode& b, const LinkSpec& spec) {
  const auto fail = [&](const std::string& what) {
    throw UserError(fmt::format("link {} - {}: {}", a.name, b.name, what));
  };
  if (spec.rate.bps() <= 0) fail(fmt::format("rate is {}, must be > 0", to_string(spec.rate)));
  if (spec.delay < Duration())
    fail(fmt::format("delay is {}, must be >= 0", to_string(spec.delay)));
  if (spec.lanes == 0) fail("lanes is 0, must be >= 1");
  if (&a == &b) fail("both ends are the same node");
  for (const FabricNode* node : {&a, &b})
    if (node->ports == FabricGraph::kMaxPorts)
      fail(fmt::format("{} already has {} ports, the most a node may have", node->name,
                       FabricGraph::kMaxPorts));
}

}  // namespace

void describe(ParamVisitor& v, LinkSpec& p) {
  v.field({"rate", "line rate of one direction, all lanes together", "100G Ethernet"}, p.rate,
          {BitRate::mbps(1), BitRate::gbps(100'000)});
  v.field({"delay", "propagation delay of one direction; with the switch latency at most 1 ms",
           "1 us, the usual value of published RDMA simulations (HPCC, SIGCOMM 2019)"},
          p.delay, {Duration::ps(1), Duration::ms(1)});
  std::int64_t lanes = p.lanes;
  v.field({"lanes", "electrical lanes, for reports only", "Plait's choice"}, lanes, {1, 64});
  p.lanes = static_cast<std::uint32_t>(lanes);
}

NodeId FabricGraph::add_host(std::string name, std::uint32_t gpus) {
  PLAIT_CHECK(!finalized_, name);
  check_name(name);
  const NodeId id(nodes_.size());
  nodes_.push_back({.kind = NodeKind::kHost, .name = std::move(name), .tier = 0, .gpus = gpus});
  hosts_.push_back(id);
  return id;
}

NodeId FabricGraph::add_switch(std::string name, std::uint32_t tier) {
  PLAIT_CHECK(!finalized_, name);
  check_name(name);
  const NodeId id(nodes_.size());
  nodes_.push_back({.kind = NodeKind::kSwitch, .name = std::move(name), .tier = tier});
  switches_.push_back(id);
  return id;
}

void FabricGraph::connect(NodeId a, NodeId b, const LinkSpec& spec) {
  PLAIT_CHECK(!finalized_, "connect() after finalize()");
  PLAIT_CHECK_LT(a.index(), nodes_.size());
  PLAIT_CHECK_LT(b.index(), nodes_.size());
  check_cable(nodes_[a.index()], nodes_[b.index()], spec);
  ++nodes_[a.index()].ports;
  ++nodes_[b.index()].ports;
  cables_.push_back({a, b, spec});
}

void FabricGraph::finalize() {
  PLAIT_CHECK(!finalized_, "finalize() twice");
  finalized_ = true;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].first_port = static_cast<std::uint32_t>(port_node_.size());
    port_node_.insert(port_node_.end(), nodes_[i].ports, NodeId(i));
  }

  links_.resize(port_node_.size());
  std::vector<std::uint32_t> used(nodes_.size());
  for (const auto& [a, b, spec] : cables_) {
    const PortId at_a = port(a, used[a.index()]++);
    const PortId at_b = port(b, used[b.index()]++);
    links_[at_a.index()] = {at_a, at_b, spec.rate, spec.delay, spec.lanes};
    links_[at_b.index()] = {at_b, at_a, spec.rate, spec.delay, spec.lanes};
    cable_port_.push_back(at_a);
  }
  cables_ = {};

  port_endpoint_.resize(port_node_.size());
  first_gpu_.resize(nodes_.size());
  for (const NodeId host : hosts_) {
    for (std::uint32_t n = 0; n < node(host).ports; ++n) {
      port_endpoint_[port(host, n).index()] = EndpointId(endpoint_port_.size());
      endpoint_port_.push_back(port(host, n));
    }
    first_gpu_[host.index()] = GpuId(gpu_host_.size());
    gpu_host_.insert(gpu_host_.end(), node(host).gpus, host);
  }

  for (std::size_t i = 0; i < nodes_.size(); ++i) by_name_.emplace_back(i);
  const auto name_of = [this](NodeId id) -> const std::string& { return node(id).name; };
  std::ranges::stable_sort(by_name_, {}, name_of);
  const auto twin = std::ranges::adjacent_find(by_name_, {}, name_of);
  if (twin != by_name_.end())
    throw UserError(fmt::format("two nodes have the name '{}'", name_of(*twin)));
}

NodeId FabricGraph::find(std::string_view name) const {
  const auto name_of = [this](NodeId id) { return std::string_view(node(id).name); };
  const auto place = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return place != by_name_.end() && name_of(*place) == name ? *place : NodeId::none();
}

std::string FabricGraph::link_name(PortId egress_port) const {
  const PortId far = peer(egress_port);
  return fmt::format("{}:{} -> {}:{}", node(port_node(egress_port)).name, port_number(egress_port),
                     node(port_node(far)).name, port_number(far));
}

}  // namespace plait
