// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file custom_cost.hpp
/// Closed-form time of a collective whose algorithm the user supplies: from its steps. Equation:
/// docs/models/analytic.md.

#include "models/analytic/collective_cost.hpp"
#include "models/job_context.hpp"

namespace plait {

/// @param choice  of `op`, of algorithm kCustom.
/// @throws UserError if the time exceeds the range of Duration.
Duration custom_cost(const JobContext& job, const JobGroup& group, const Op& op,
                     const CollectiveChoice& choice, const GroupFlights& flights);

}  // namespace plait
