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

/// Marks with a probability between 0 and 1 are drawn: DCQCN, unless a single flow never queues.
bool is_random(const Ns3Case& one);

/// @param most  flows in the detail of a case that is not equal.
CaseResult compare(const Ns3Case& one, const std::string& name, const Settings& settings,
                   std::size_t most = 16);

/// Hosts, bytes, theirs, ours and difference of the flows that differ most, as a Markdown table in
/// the order of the flows.
std::string flow_lines(const Ns3Case& one, const FlowComparison& flows, std::size_t most);

}  // namespace plait::validation
