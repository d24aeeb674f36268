// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file flow_slowdown.hpp
/// How much longer flows of traffic jobs took than on an empty network, by size: the figure by
/// which the field compares transports (HPCC, SIGCOMM 2019, figure 11; pFabric, SIGCOMM 2013).
/// Bins end at powers of ten, as those of pFabric and of most papers since.

#include <cstddef>
#include <string>
#include <vector>

#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

struct Results;

/// Slowdown = completion time / ideal, as for all messages. Quantiles are nearest ranks.
struct FlowSlowdown {
  JobId job;
  Bytes above{}, up_to{};      ///< Sizes in (above, up_to]; the first bin also has size 0.
  bool all = false;            ///< The line of all sizes together.
  std::size_t flows = 0;       ///< That ended.
  std::size_t unfinished = 0;  ///< Cut by the end of the run; not in the rest.
  double mean = 0, p50 = 0, p95 = 0, p99 = 0, p999 = 0;
};

/// By traffic job, then size; bins without flows are left out, all sizes together come last.
/// Empty where messages are not recorded.
std::vector<FlowSlowdown> summarise_flow_slowdowns(const Results& results);

/// "up to 10 KB", "10 KB to 100 KB", "above 10 MB", "all".
std::string bin_name(const FlowSlowdown& line);

std::string flow_slowdown_section(const Results& results);

}  // namespace plait
