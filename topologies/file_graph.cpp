// SPDX-License-Identifier: Apache-2.0
#include "topologies/file_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace plait {

namespace {

/// Runs `action` and adds the place to a UserError that does not know it.
template <class Action>
auto located(const SourceLocation& where, Action&& action) {
  try {
    return action();
  } catch (const UserError& error) {
    throw UserError(where, error.what());
  }
}

}  // namespace

void FileGraph::add_host(const SourceLocation& where, const std::string& name, std::uint32_t gpus) {
  add({where, name, true, gpus, std::nullopt});
}

void FileGraph::add_switch(const SourceLocation& where, const std::string& name,
                           std::optional<std::uint32_t> tier) {
  add({where, name, false, 0, tier});
}

void FileGraph::add(Node node) {
  const auto [place, is_new] = index_.try_emplace(node.name, nodes_.size());
  if (!is_new) {
    const std::string before = nodes_[place->second].where.to_string();
    throw UserError(node.where,
                    fmt::format("a node '{}' was there before, at {}", node.name, before));
  }
  nodes_.push_back(std::move(node));
}

std::size_t FileGraph::index_of(const SourceLocation& where, const std::string& name) const {
  const auto place = index_.find(name);
  if (place != index_.end()) return place->second;
  std::vector<std::string> names;
  for (const Node& node : nodes_) names.push_back(node.name);
  throw UserError(where, fmt::format("there is no node '{}' above this line{}", name,
                                     did_you_mean(name, names)));
}

void FileGraph::connect(const SourceLocation& where, std::size_t a, std::size_t b,
                        const LinkSpec& spec) {
  cables_.push_back({where, a, b, spec});
}

/// Breadth-first from all hosts at once; 1 where no host is near.
std::vector<std::uint32_t> FileGraph::distances_to_hosts() const {
  std::vector<std::vector<std::size_t>> neighbours(nodes_.size());
  for (const Cable& cable : cables_) {
    neighbours[cable.a].push_back(cable.b);
    neighbours[cable.b].push_back(cable.a);
  }
  constexpr std::uint32_t kUnknown = UINT32_MAX;
  std::vector<std::uint32_t> distance(nodes_.size(), kUnknown);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].is_host) continue;
    distance[i] = 0;
    order.push_back(i);
  }
  for (std::size_t next = 0; next < order.size(); ++next) {
    for (const std::size_t far : neighbours[order[next]]) {
      if (distance[far] != kUnknown) continue;
      distance[far] = distance[order[next]] + 1;
      order.push_back(far);
    }
  }
  std::ranges::replace(distance, kUnknown, 1U);
  return distance;
}

FabricGraph FileGraph::build() const {
  const std::vector<std::uint32_t> distance = distances_to_hosts();
  FabricGraph graph;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    located(node.where, [&] {
      return node.is_host ? graph.add_host(node.name, node.gpus)
                          : graph.add_switch(node.name, node.tier.value_or(distance[i]));
    });
  }
  for (const Cable& cable : cables_)
    located(cable.where, [&] { graph.connect(NodeId(cable.a), NodeId(cable.b), cable.spec); });
  graph.finalize();
  return graph;
}

std::uint32_t parse_count(const SourceLocation& where, std::string_view what, std::string_view text,
                          std::uint32_t min, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || rest != text.data() + text.size() || value < min || value > max)
    throw UserError(where, fmt::format("{} is '{}', must be a whole number from {} to {}", what,
                                       text, min, max));
  return value;
}

LinkSpec parse_link(const SourceLocation& where, const std::string& rate,
                    const std::string& delay) {
  return located(
      where, [&] { return LinkSpec{.rate = parse_rate(rate), .delay = parse_duration(delay)}; });
}

}  // namespace plait
