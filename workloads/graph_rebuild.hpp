// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file graph_rebuild.hpp
/// Changed copies of op graphs, which are immutable.

#include <cstdint>
#include <functional>
#include <span>

#include "workloads/op_graph.hpp"

namespace plait {

/// The same ops and dependencies in another order, each op passed through `change`.
/// @param order positions in `graph`, each once, an op after its dependencies.
OpGraph rebuild(const OpGraph& graph, std::span<const std::uint32_t> order,
                const std::function<void(Op&)>& change);

}  // namespace plait
