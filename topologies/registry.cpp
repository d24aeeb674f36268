// SPDX-License-Identifier: Apache-2.0
#include "topologies/registry.hpp"

#include <utility>

#include "sim/check.hpp"
#include "topologies/validate.hpp"

namespace plait {

namespace {

constexpr std::size_t kKinds = std::variant_size_v<TopologyShape>;

template <std::size_t... I>
std::vector<TopologyShape> all_defaults(std::index_sequence<I...>) {
  return {TopologyShape(std::in_place_index<I>)...};
}

}  // namespace

std::vector<Choice> topology_kinds() {
  std::vector<Choice> kinds;
  for (std::size_t i = 0; i < kKinds; ++i)
    std::visit([&](const auto& p) { kinds.push_back({p.kKind, p.kHelp}); }, default_topology(i));
  return kinds;
}

TopologyShape default_topology(std::size_t kind) {
  PLAIT_CHECK_LT(kind, kKinds);
  return all_defaults(std::make_index_sequence<kKinds>())[kind];
}

std::string_view kind_name(const TopologyParams& params) {
  return std::visit([](const auto& p) { return p.kKind; }, params.shape);
}

void describe(ParamVisitor& v, TopologyParams& p) {
  auto kind = static_cast<int>(p.shape.index());
  v.choice({"kind", "shape of the fabric", "Plait's choice"}, kind, topology_kinds());
  const auto chosen = static_cast<std::size_t>(kind);
  if (chosen != p.shape.index()) p.shape = default_topology(chosen);
  std::visit([&](auto& shape) { describe(v, shape); }, p.shape);
}

FabricGraph build_topology(const TopologyParams& params, const FabricParts& parts) {
  FabricGraph graph = std::visit([&](const auto& p) { return build(p, parts); }, params.shape);
  validate(graph);
  return graph;
}

}  // namespace plait
