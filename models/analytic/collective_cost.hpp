// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_cost.hpp
/// Closed-form time of one collective call, from the moment when its last rank joins to its end.
/// Equations and sources: docs/models/analytic.md.

#include "models/job_context.hpp"
#include "sim/units.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// Time of an empty message between two members of a group.
struct GroupFlights {
  Duration intra{};  ///< On one host; 0 if no two members share one.
  Duration inter{};  ///< On two hosts; 0 if all share one.
};

/// @param op  a collective of `group`.
/// @throws UserError if the time exceeds the range of Duration.
Duration collective_cost(const JobContext& job, const JobGroup& group, const Op& op,
                         const GroupFlights& flights);

}  // namespace plait
