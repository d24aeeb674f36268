// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file route_table.hpp
/// Equal-cost next hops of every switch towards every endpoint, without O(hosts^2) tables: stored
/// per pair (switch, edge switch), where an edge switch is a switch with hosts on it, and shared
/// between equal sets. All shortest paths by hop count; hosts do not forward. Look-ups go through
/// blocks of eight neighbouring edge switches, towards which most switches have one set: the rows
/// of a large fabric do not fit the caches, its blocks do.

#include <cstdint>
#include <span>
#include <vector>

#include "sim/ids.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait {

class RouteTable {
 public:
  /// hop_count() of endpoints that have no path, such as two rails without spines.
  static constexpr std::uint32_t kUnreachable = UINT32_MAX;

  /// Runs one breadth-first search per edge switch. @throws UserError if some host has no pair of
  /// endpoints that reaches some other host, naming both, or if two hosts are cabled directly.
  explicit RouteTable(const FabricGraph& graph);

  /// The same without some cables, as routing sees the fabric after failures. Where no path is left
  /// next_hops() is empty; an endpoint whose own cable is gone has no routes anywhere.
  /// @param dead  by PortId; both ports of a dead cable.
  RouteTable(const FabricGraph& graph, const std::vector<bool>& dead);

  /// Port numbers (local to `sw`) on shortest paths to `to`, ascending; the single port to the host
  /// when `to` hangs on this switch. Empty only where no path exists. @pre `sw` is a switch.
  std::span<const std::uint16_t> next_hops(NodeId sw, EndpointId to) const {
    return row(sw).next_hops(to);
  }

  /// A set of next hops: a piece of set_ports_.
  struct PortSet {
    std::uint32_t begin = 0, size = 0;
  };

  /// next_hops() of one switch, for many look-ups in a row.
  class Row {
   public:
    std::span<const std::uint16_t> next_hops(EndpointId to) const {
      const std::uint32_t edge = edges_[to.index()];
      if (edge == own_edge_) return {ports_to_hosts_ + to.index(), 1};
      const std::uint32_t block = blocks_[edge / kBlock];
      if (block != kMixed) [[likely]]
        return {set_ports_ + (block >> kSizeBits), block & kSizeMask};
      const PortSet& set = port_sets_[sets_[edge]];
      return {set_ports_ + set.begin, set.size};
    }

   private:
    friend class RouteTable;
    Row(const RouteTable& table, NodeId sw)
        : own_edge_(table.own_edge_[table.switch_row_[sw.index()]]),
          edges_(table.endpoint_edge_.data()),
          ports_to_hosts_(table.endpoint_port_number_.data()),
          blocks_(table.blocks(sw).data()),
          sets_(table.set_index_.data() +
                static_cast<std::size_t>(table.switch_row_[sw.index()]) * table.edge_count_),
          port_sets_(table.port_sets_.data()),
          set_ports_(table.set_ports_.data()) {}

    std::uint32_t own_edge_;
    const std::uint32_t* edges_;
    const std::uint16_t* ports_to_hosts_;
    const std::uint32_t* blocks_;
    const std::uint32_t* sets_;
    const PortSet* port_sets_;
    const std::uint16_t* set_ports_;
  };
  /// Valid as long as the table. @pre `sw` is a switch.
  Row row(NodeId sw) const { return Row(*this, sw); }
  /// What most look-ups of a switch read, to be fetched ahead.
  std::span<const std::uint32_t> blocks(NodeId sw) const {
    return {blocks_.data() + switch_row_[sw.index()] * block_count(), block_count()};
  }

  /// Links on a shortest path from one endpoint to another, host links included; 0 to itself.
  std::uint32_t hop_count(EndpointId from, EndpointId to) const;

  /// Some switch has more than one next hop to some endpoint.
  bool offers_choice() const;

  /// No port of `sw` is the only next hop to one endpoint and one of several to another.
  bool choices_stand_apart(NodeId sw) const;

  /// For tables beside this one: a number below cells() for each switch and edge switch.
  std::size_t cell(NodeId sw, EndpointId to) const {
    return static_cast<std::size_t>(switch_row_[sw.index()]) * edge_count_ + edge_of(to);
  }
  std::size_t cells() const { return set_index_.size(); }
  std::size_t edge_count() const { return edge_count_; }
  /// Number of the edge switch that `to` hangs on, below edge_count().
  std::uint32_t edge_of(EndpointId to) const { return endpoint_edge_[to.index()]; }
  /// Links between `sw` and the edge switch of `to`; 65535: there is no path.
  std::uint32_t distance(NodeId sw, EndpointId to) const { return distance_[cell(sw, to)]; }

  std::size_t memory_bytes() const;

 private:
  class Builder;
  static constexpr std::uint32_t kBlock = 8;
  // A block of one set holds its begin and, in the lower bits, its size.
  static constexpr unsigned kSizeBits = 10;
  static constexpr std::uint32_t kSizeMask = (1U << kSizeBits) - 1;
  static constexpr std::uint32_t kMixed = UINT32_MAX;  // several sets, or one that does not fit
  static constexpr std::uint32_t kNone = UINT32_MAX;   // no switch, no column

  std::size_t block_count() const { return (edge_count_ + kBlock - 1) / kBlock; }

  std::size_t edge_count_ = 0;
  std::vector<std::uint32_t> endpoint_edge_;  // column of set_index_
  std::vector<std::uint16_t> endpoint_port_number_;
  std::vector<std::uint32_t> switch_row_;  // by node id
  std::vector<std::uint32_t> own_edge_;    // by switch row: its column, or kNone
  std::vector<std::uint32_t> edge_row_;    // by column: its row; kNone: of endpoints cut off
  std::vector<std::uint32_t> blocks_;      // switch row x block of columns; see kSizeBits
  std::vector<std::uint32_t> set_index_;   // switch row x edge column -> set
  std::vector<PortSet> port_sets_;
  std::vector<std::uint16_t> set_ports_;
  std::vector<std::uint16_t> distance_;  // switch row x edge column, links between switches
};

}  // namespace plait
