// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file flow_table.hpp
/// Flow completion times that another simulator measured, from a CSV file with a header line.

#include <string>
#include <vector>

#include "validation/flow_run.hpp"

namespace plait::validation {

struct FlowTable {
  std::vector<Flow> flows;
  std::vector<Duration> completion;  ///< Theirs, by flow.
  bool has_paths = false;            ///< Columns data_path and ack_path are there.
};

/// Columns src, dst, bytes or size_bytes, start_ns or start_us, fct_ns or fct_us, in any order;
/// others are ignored. @throws UserError naming file and line.
FlowTable read_flow_table(const std::string& file);

}  // namespace plait::validation
