// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace_finish.hpp
/// What every trace goes through after it is read.

#include <string>

#include "workloads/op_graph.hpp"

namespace plait {

/// Checks (workload_check.hpp), compact tags (message_tags.hpp), an order in which all ranks can go
/// (op_order.hpp).
/// @throws UserError as check_workload().
Workload finish_trace(Workload workload, const std::string& where);

}  // namespace plait
