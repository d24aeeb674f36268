// SPDX-License-Identifier: Apache-2.0
#include "topologies/route_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "topologies/islands.hpp"

namespace plait {

namespace {
constexpr std::size_t kMaxCells = std::size_t{1} << 28;  // of 6 bytes each
constexpr std::uint16_t kFar = UINT16_MAX;               // no path
}  // namespace

/// Works on a compressed copy of the switch-to-switch links, rows = switches in node order.
class RouteTable::Builder {
 public:
  /// @param dead  null: all cables are there, and every host must reach every other.
  Builder(const FabricGraph& graph, const std::vector<bool>* dead, RouteTable& table)
      : graph_(graph), dead_(dead), table_(table) {}

  void run() {
    index_switches();
    index_endpoints();
    if (dead_ == nullptr) check_hosts_reach_each_other();
    const std::size_t cells = graph_.switches().size() * table_.edge_count_;
    if (cells > kMaxCells)
      throw UserError(
          fmt::format("routes from {} switches to {} switches with hosts are {} "
                      "entries; at most {} are supported",
                      graph_.switches().size(), table_.edge_count_, cells, kMaxCells));
    table_.set_index_.resize(cells);
    table_.distance_.resize(cells, kFar);
    last_set_.assign(graph_.switches().size(), 0);
    table_.port_sets_ = {PortSet()};  // set 0 is the empty one
    for (std::size_t edge = 0; edge < table_.edge_count_; ++edge) {
      if (table_.edge_row_[edge] == kNone) continue;
      search_from(table_.edge_row_[edge]);
      record(edge);
    }
    fill_blocks();
    table_.set_ports_.shrink_to_fit();
    table_.port_sets_.shrink_to_fit();
  }

 private:
  struct Neighbour {
    std::uint32_t row;
    std::uint16_t port;
  };

  std::span<const Neighbour> neighbours(std::size_t row) const {
    return {neighbours_.data() + begin_[row], begin_[row + 1] - begin_[row]};
  }

  bool is_dead(PortId port) const { return dead_ != nullptr && (*dead_)[port.index()]; }

  void index_switches() {
    table_.switch_row_.assign(graph_.node_count(), kNone);
    for (std::size_t row = 0; row < graph_.switches().size(); ++row)
      table_.switch_row_[graph_.switches()[row].index()] = static_cast<std::uint32_t>(row);
    for (const NodeId sw : graph_.switches()) {
      begin_.push_back(neighbours_.size());
      for (std::uint32_t n = 0; n < graph_.node(sw).ports; ++n) {
        const NodeId far = graph_.port_node(graph_.peer(graph_.port(sw, n)));
        const std::uint32_t row = table_.switch_row_[far.index()];
        if (row != kNone && !is_dead(graph_.port(sw, n)))
          neighbours_.push_back({row, static_cast<std::uint16_t>(n)});
      }
    }
    begin_.push_back(neighbours_.size());
  }

  /// Columns are the switches with hosts, numbered as their first endpoint comes; behind them, if
  /// any endpoint is cut off, an empty one for those.
  void index_endpoints() {
    std::vector<std::uint32_t>& column = table_.own_edge_;
    column.assign(graph_.switches().size(), kNone);
    std::vector<std::size_t> cut_off;
    for (std::size_t e = 0; e < graph_.endpoint_count(); ++e) {
      const PortId at_switch = graph_.peer(graph_.endpoint_port(EndpointId(e)));
      const NodeId sw = graph_.port_node(at_switch);
      const std::uint32_t row = table_.switch_row_[sw.index()];
      if (row == kNone) {
        const NodeId host = graph_.port_node(graph_.peer(at_switch));
        throw UserError(
            fmt::format("hosts {} and {} are cabled directly: put a switch between them",
                        graph_.node(host).name, graph_.node(sw).name));
      }
      if (is_dead(at_switch)) {
        cut_off.push_back(e);
        table_.endpoint_edge_.push_back(0);
        table_.endpoint_port_number_.push_back(0);
        continue;
      }
      if (column[row] == kNone) {
        column[row] = static_cast<std::uint32_t>(table_.edge_row_.size());
        table_.edge_row_.push_back(row);
      }
      table_.endpoint_edge_.push_back(column[row]);
      table_.endpoint_port_number_.push_back(
          static_cast<std::uint16_t>(graph_.port_number(at_switch)));
    }
    const auto columns = static_cast<std::uint32_t>(table_.edge_row_.size());
    for (const std::size_t e : cut_off) table_.endpoint_edge_[e] = columns;
    if (!cut_off.empty()) table_.edge_row_.push_back(kNone);
    table_.edge_count_ = table_.edge_row_.size();
  }

  void check_hosts_reach_each_other() const {
    if (const auto pair = unreachable_pair(graph_))
      throw UserError(fmt::format("the fabric is not connected: no path from {} to {}",
                                  graph_.node(pair->first).name, graph_.node(pair->second).name));
  }

  void search_from(std::uint32_t start) {
    distance_.assign(graph_.switches().size(), kFar);
    order_.assign(1, start);
    distance_[start] = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const auto next = static_cast<std::uint16_t>(distance_[order_[i]] + 1);
      for (const auto& [row, port] : neighbours(order_[i])) {
        if (distance_[row] != kFar) continue;
        PLAIT_CHECK_LT(next, kFar);
        distance_[row] = next;
        order_.push_back(row);
      }
    }
  }

  void record(std::size_t edge) {
    for (std::size_t row = 0; row < distance_.size(); ++row) {
      const std::size_t cell = row * table_.edge_count_ + edge;
      table_.distance_[cell] = distance_[row];
      ports_.clear();
      if (distance_[row] != kFar)
        for (const auto& [far, port] : neighbours(row))
          if (distance_[far] + 1 == distance_[row]) ports_.push_back(port);
      // Neighbouring destinations mostly share a set, so the last one is tried before hashing.
      if (!std::ranges::equal(ports_, set(last_set_[row]))) last_set_[row] = intern();
      table_.set_index_[cell] = last_set_[row];
    }
  }

  // A switch's own column is never looked up, so it fits every set.
  void fill_blocks() {
    for (std::size_t row = 0; row < table_.own_edge_.size(); ++row)
      for (std::size_t first = 0; first < table_.edge_count_; first += kBlock) {
        std::uint32_t common = kNone;
        bool mixed = false;
        for (std::size_t edge = first; edge < std::min(first + kBlock, table_.edge_count_);
             ++edge) {
          if (edge == table_.own_edge_[row]) continue;
          const std::uint32_t set = table_.set_index_[row * table_.edge_count_ + edge];
          mixed |= common != kNone && set != common;
          common = set;
        }
        table_.blocks_.push_back(mixed ? kMixed : pack(common == kNone ? 0 : common));
      }
  }

  std::uint32_t pack(std::uint32_t id) const {
    const PortSet& set = table_.port_sets_[id];
    const bool fits = set.begin < kMixed >> kSizeBits && set.size <= kSizeMask;
    return fits ? set.begin << kSizeBits | set.size : kMixed;
  }

  std::span<const std::uint16_t> set(std::uint32_t id) const {
    const PortSet& set = table_.port_sets_[id];
    return {table_.set_ports_.data() + set.begin, set.size};
  }

  /// Id of the set `ports_`, in order of first use. The hash map is only looked up, never walked.
  std::uint32_t intern() {
    if (ports_.empty()) return 0;
    const std::size_t hash = std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(ports_.data()), ports_.size() * sizeof(ports_[0])});
    auto [place, end] = known_.equal_range(hash);
    for (; place != end; ++place)
      if (std::ranges::equal(ports_, set(place->second))) return place->second;
    const auto id = static_cast<std::uint32_t>(table_.port_sets_.size());
    table_.port_sets_.push_back({static_cast<std::uint32_t>(table_.set_ports_.size()),
                                 static_cast<std::uint32_t>(ports_.size())});
    table_.set_ports_.insert(table_.set_ports_.end(), ports_.begin(), ports_.end());
    known_.emplace(hash, id);
    return id;
  }

  const FabricGraph& graph_;
  const std::vector<bool>* dead_;
  RouteTable& table_;
  std::vector<std::size_t> begin_;  // by row, into neighbours_
  std::vector<Neighbour> neighbours_;
  std::vector<std::uint16_t> distance_;  // of the current search, by row
  std::vector<std::uint32_t> order_;     // rows in order of discovery
  std::vector<std::uint32_t> last_set_;  // by row
  std::vector<std::uint16_t> ports_;
  std::unordered_multimap<std::size_t, std::uint32_t> known_;
};

RouteTable::RouteTable(const FabricGraph& graph) { Builder(graph, nullptr, *this).run(); }

RouteTable::RouteTable(const FabricGraph& graph, const std::vector<bool>& dead) {
  PLAIT_CHECK_EQ(dead.size(), graph.port_count());
  Builder(graph, &dead, *this).run();
}

std::uint32_t RouteTable::hop_count(EndpointId from, EndpointId to) const {
  if (from == to) return 0;
  const std::uint32_t row = edge_row_[edge_of(from)];
  if (row == kNone) return kUnreachable;
  const std::uint16_t between =
      distance_[static_cast<std::size_t>(row) * edge_count_ + edge_of(to)];
  return between == kFar ? kUnreachable : between + 2U;
}

bool RouteTable::offers_choice() const {
  for (const PortSet& set : port_sets_)
    if (set.size > 1) return true;
  return false;
}

bool RouteTable::choices_stand_apart(NodeId sw) const {
  std::vector<std::uint8_t> uses;  // by port; bit 0: the only next hop, bit 1: one of several
  const std::size_t row = std::size_t{switch_row_[sw.index()]} * edge_count_;
  for (std::size_t edge = 0; edge < edge_count_; ++edge) {
    // Neighbours mostly have one set.
    if (edge != 0 && set_index_[row + edge] == set_index_[row + edge - 1]) continue;
    const PortSet set = port_sets_[set_index_[row + edge]];
    for (std::uint32_t i = 0; i < set.size; ++i) {
      const std::uint16_t port = set_ports_[set.begin + i];
      if (port >= uses.size()) uses.resize(std::size_t{port} + 1);
      std::uint8_t& use = uses[port];
      use |= set.size == 1 ? 1 : 2;
      if (use == 3) return false;
    }
  }
  return true;
}

std::size_t RouteTable::memory_bytes() const {
  const auto bytes = [](const auto& v) { return v.capacity() * sizeof(v[0]); };
  return bytes(endpoint_edge_) + bytes(endpoint_port_number_) + bytes(switch_row_) +
         bytes(own_edge_) + bytes(edge_row_) + bytes(blocks_) + bytes(set_index_) +
         bytes(port_sets_) + bytes(set_ports_) + bytes(distance_);
}

}  // namespace plait
