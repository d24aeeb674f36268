// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file expand.hpp
/// Collectives as the sends and receives of their schedules, for models that know only those.

#include <memory>
#include <vector>

#include "models/job_context.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

struct ExpandedWorkload {
  Workload workload;  ///< Without collectives and bindings.
  /// By rank and op of `workload`: the op of the original that it belongs to.
  std::vector<SpillVector<OpId>> origin;
};

/// Every collective of `original` becomes a compute of no time that begins it and one that ends it,
/// both in its stream, and between them the messages of the schedule that `job` chooses, sends of a
/// channel in order, each after the receives that its step waits for. Software costs of NCCL are
/// left out: the model has its own. Calls of a group stay one after another.
/// @pre `job` is made of `original`.
ExpandedWorkload expand_collectives(const JobContext& job, const Workload& original);

}  // namespace plait
