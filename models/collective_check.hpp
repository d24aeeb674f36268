// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_check.hpp
/// Whether the ranks of each group agree on the collectives that they call.

#include <memory>
#include <vector>

#include "models/op_plan.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// The k-th call of a group must have the same kind, size and root on all its ranks, as far as each
/// rank makes that many (missing calls show as a deadlock in the run). `plans` are by rank.
/// @throws UserError naming group, call, both ranks, ops, kinds and sizes.
void check_collectives(const Workload& workload,
                       const std::vector<std::shared_ptr<const OpPlan>>& plans);
void check_collectives(const Workload& workload);

}  // namespace plait
