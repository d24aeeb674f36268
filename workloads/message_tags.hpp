// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file message_tags.hpp
/// Traces use any number as a tag; each tag in use costs a message stream of the job.

#include "workloads/op_graph.hpp"

namespace plait {

/// Renumbers tags so that those of each (source, destination) count from 0, in ascending order of
/// the old ones.
/// @pre check_workload() passes.
Workload compact_tags(Workload workload);

}  // namespace plait
