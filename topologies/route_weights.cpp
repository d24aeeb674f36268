// SPDX-License-Identifier: Apache-2.0
#include "topologies/route_weights.hpp"

#include <algorithm>
#include <map>

namespace plait {

namespace {
__extension__ typedef unsigned __int128 Wide;
constexpr std::int64_t kUnbounded = INT64_MAX;
}  // namespace

class RouteWeights::Builder {
 public:
  Builder(const FabricGraph& graph, const RouteTable& routes, std::span<const BitRate> rates,
          RouteWeights& result)
      : graph_(graph),
        routes_(routes),
        rates_(rates),
        result_(result),
        capacity_(graph.node_count()),
        rate_to_(graph.node_count()) {}

  void run() {
    result_.set_of_cell_.assign(routes_.cells(), 0);
    result_.begin_ = {0, 0};
    std::vector<bool> seen(routes_.edge_count());
    for (std::size_t e = 0; e < graph_.endpoint_count(); ++e) {
      const EndpointId endpoint(e);
      if (seen[routes_.edge_of(endpoint)]) continue;
      seen[routes_.edge_of(endpoint)] = true;
      towards(endpoint);
    }
  }

 private:
  // The edge switch of `to` stands for all its hosts. Nearer switches first: C(s) needs C(p).
  void towards(EndpointId to) {
    order_.assign(graph_.switches().begin(), graph_.switches().end());
    std::stable_sort(order_.begin(), order_.end(), [&](NodeId a, NodeId b) {
      return routes_.distance(a, to) < routes_.distance(b, to);
    });
    for (const NodeId sw : order_) {
      if (routes_.distance(sw, to) == 0) {
        capacity_[sw.index()] = kUnbounded;
        continue;
      }
      const std::span<const std::uint16_t> hops = routes_.next_hops(sw, to);
      capacity_[sw.index()] = weigh(sw, hops);
      if (hops.size() > 1) result_.set_of_cell_[routes_.cell(sw, to)] = intern();
    }
  }

  std::int64_t rate(PortId port) const {
    return (rates_.empty() ? graph_.egress(port).rate : rates_[port.index()]).bps();
  }

  // Fills weights_. @return their sum.
  std::int64_t weigh(NodeId sw, std::span<const std::uint16_t> hops) {
    const auto next = [&](std::uint16_t hop) {
      return graph_.port_node(graph_.peer(graph_.port(sw, hop))).index();
    };
    for (const std::uint16_t hop : hops) rate_to_[next(hop)] += rate(graph_.port(sw, hop));
    weights_.clear();
    std::int64_t sum = 0;
    for (const std::uint16_t hop : hops) {
      const std::int64_t own = rate(graph_.port(sw, hop));
      const std::int64_t all = rate_to_[next(hop)], behind = capacity_[next(hop)];
      const std::int64_t weight =
          behind >= all
              ? own
              : static_cast<std::int64_t>(static_cast<Wide>(own) * static_cast<Wide>(behind) /
                                          static_cast<Wide>(all));
      weights_.push_back(weight);
      sum += weight;
    }
    for (const std::uint16_t hop : hops) rate_to_[next(hop)] = 0;
    return sum;
  }

  // Rounded up, so that equal weights would divide the numbers exactly as an unweighted choice
  // does.
  std::uint32_t intern() {
    std::int64_t sum = 0;
    for (const std::int64_t weight : weights_) sum += weight;
    if (sum == 0 ||
        std::ranges::adjacent_find(weights_, std::ranges::not_equal_to()) == weights_.end())
      return 0;
    std::vector<std::uint64_t> values;
    std::int64_t up_to = 0;
    for (std::size_t i = 0; i + 1 < weights_.size(); ++i) {
      up_to += weights_[i];
      values.push_back(static_cast<std::uint64_t>(
          ((static_cast<Wide>(up_to) << 32) + static_cast<Wide>(sum) - 1) /
          static_cast<Wide>(sum)));
    }
    const auto next = static_cast<std::uint32_t>(result_.begin_.size() - 1);
    const auto [found, is_new] = known_.try_emplace(values, next);
    if (is_new) {
      result_.values_.insert(result_.values_.end(), values.begin(), values.end());
      result_.begin_.push_back(result_.values_.size());
    }
    return found->second;
  }

  const FabricGraph& graph_;
  const RouteTable& routes_;
  std::span<const BitRate> rates_;
  RouteWeights& result_;
  std::vector<std::int64_t> capacity_;  // C, by node
  std::vector<std::int64_t> rate_to_;   // R, by node; zero between calls
  std::vector<std::int64_t> weights_;   // of the hops at hand
  std::vector<NodeId> order_;
  std::map<std::vector<std::uint64_t>, std::uint32_t> known_;
};

RouteWeights::RouteWeights(const FabricGraph& graph, const RouteTable& routes,
                           std::span<const BitRate> rates)
    : routes_(routes) {
  Builder(graph, routes, rates, *this).run();
}

std::size_t RouteWeights::memory_bytes() const {
  return set_of_cell_.size() * sizeof(set_of_cell_[0]) + begin_.size() * sizeof(begin_[0]) +
         values_.size() * sizeof(values_[0]);
}

}  // namespace plait
