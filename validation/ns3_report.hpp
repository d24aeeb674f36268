// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ns3_report.hpp
/// Runs a case of the ns-3 RDMA simulators and judges it. The target is every flow to the
/// nanosecond. Where packets of two flows meet in one nanosecond, only the sorted completion times
/// within 0.1 %. With random marking the mean over seeds within 3 %.

#include <string>

#include "validation/cases.hpp"
#include "validation/ns3_case.hpp"

namespace plait::validation {

/// Flow by flow, below the row.
struct Detail {
  std::size_t most = 16;  ///< The flows that differ most.
  bool always = false;    ///< Also where nothing differs.
};

CaseResult compare(const Ns3Case& one, const std::string& name, const Settings& settings,
                   const Detail& detail = {});

/// Hosts, bytes, theirs, ours and difference of the flows that differ most, as a Markdown table in
/// the order of the flows.
std::string flow_lines(const Ns3Case& one, const FlowComparison& flows, std::size_t most);

}  // namespace plait::validation
