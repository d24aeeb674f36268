// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fabric_graph.hpp
/// The fabric as a graph: hosts and switches (nodes) with numbered ports, joined by cables. A cable
/// is two links, one per direction. Ids are dense: nodes in order of creation; ports contiguous per
/// node; an endpoint is a port of a host, numbered in (host, port) order; GPUs in host order.
/// Build with add_host / add_switch / connect, then finalize(); queries are valid only after that.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

class ParamVisitor;

enum class NodeKind : std::uint8_t { kHost, kSwitch };

/// Properties of a cable; both directions are alike.
struct LinkSpec {
  BitRate rate = BitRate::gbps(100);  ///< Line rate of one direction, all lanes together.
  Duration delay = Duration::us(1);   ///< Propagation delay.
  std::uint32_t lanes = 1;            ///< Electrical lanes, for reports only.
};

struct FabricNode {
  NodeKind kind = NodeKind::kSwitch;
  std::string name;
  std::uint32_t tier = 0;        ///< 0 host, 1 edge (leaf), 2 aggregation or spine, 3 core.
  std::uint32_t gpus = 0;        ///< GPUs of a host.
  std::uint32_t first_port = 0;  ///< PortId of port 0; valid after finalize().
  std::uint32_t ports = 0;
};

struct FabricLink {
  PortId from;  ///< Egress port; link id == egress port id.
  PortId to;
  BitRate rate;
  Duration delay;
  std::uint32_t lanes = 1;
};

/// Key `link` of a scenario: rate, delay, lanes.
void describe(ParamVisitor& v, LinkSpec& p);

class FabricGraph {
 public:
  /// Port numbers fit 16 bits in the route table.
  static constexpr std::uint32_t kMaxPorts = 65'535;

  /// Names are made of letters, digits and any of _ . - / . @throws UserError on another name.
  NodeId add_host(std::string name, std::uint32_t gpus);
  NodeId add_switch(std::string name, std::uint32_t tier);
  /// Adds one cable; the next free port number of each node is used.
  /// @throws UserError if rate <= 0, delay < 0, lanes == 0, both ends are the same node, or a node
  /// would have more than kMaxPorts ports.
  void connect(NodeId a, NodeId b, const LinkSpec& spec);
  /// Numbers ports, endpoints and GPUs. @pre called once, after the last connect.
  /// @throws UserError if two nodes have the same name.
  void finalize();

  std::size_t node_count() const { return nodes_.size(); }
  std::size_t port_count() const { return port_node_.size(); }
  std::size_t endpoint_count() const { return endpoint_port_.size(); }
  std::size_t gpu_count() const { return gpu_host_.size(); }
  std::span<const NodeId> hosts() const { return hosts_; }
  std::span<const NodeId> switches() const { return switches_; }

  const FabricNode& node(NodeId id) const { return nodes_[id.index()]; }
  /// The node called `name`, or none.
  NodeId find(std::string_view name) const;

  PortId port(NodeId node, std::uint32_t number) const {
    return PortId(nodes_[node.index()].first_port + number);
  }
  NodeId port_node(PortId port) const { return port_node_[port.index()]; }
  std::uint32_t port_number(PortId p) const {
    return p.value() - nodes_[port_node(p).index()].first_port;
  }
  /// The port at the other end of the cable.
  PortId peer(PortId p) const { return links_[p.index()].to; }
  /// The link that leaves `port`; its id equals the port's.
  const FabricLink& egress(PortId p) const { return links_[p.index()]; }
  std::span<const FabricLink> links() const { return links_; }
  /// One port of each cable, that of its first-named end, in order of connect().
  std::span<const PortId> cables() const { return cable_port_; }

  PortId endpoint_port(EndpointId e) const { return endpoint_port_[e.index()]; }
  /// Endpoint of a host's port. @pre the port belongs to a host.
  EndpointId endpoint(PortId p) const { return port_endpoint_[p.index()]; }
  NodeId gpu_host(GpuId g) const { return gpu_host_[g.index()]; }
  GpuId first_gpu(NodeId host) const { return first_gpu_[host.index()]; }

  /// "leaf0:3 -> spine1:0", for reports.
  std::string link_name(PortId egress_port) const;

 private:
  struct Cable {
    NodeId a, b;
    LinkSpec spec;
  };
  std::vector<FabricNode> nodes_;
  std::vector<Cable> cables_;      // emptied by finalize()
  std::vector<FabricLink> links_;  // by egress port
  std::vector<NodeId> port_node_, hosts_, switches_, gpu_host_;
  std::vector<PortId> endpoint_port_, cable_port_;
  std::vector<EndpointId> port_endpoint_;
  std::vector<GpuId> first_gpu_;
  std::vector<NodeId> by_name_;  // sorted by name
  bool finalized_ = false;
};

}  // namespace plait
