// SPDX-License-Identifier: Apache-2.0
#include "workloads/trace.hpp"

#include "sim/error.hpp"
#include "workloads/chakra/reader.hpp"
#include "workloads/goal/reader.hpp"
#include "workloads/simai/layers.hpp"
#include "workloads/simai/reader.hpp"

namespace plait {

std::string_view to_string(TraceFormat format) {
  switch (format) {
    case TraceFormat::kAuto:
      return "auto";
    case TraceFormat::kChakra:
      return "chakra";
    case TraceFormat::kGoal:
      return "goal";
    case TraceFormat::kSimai:
      return "simai";
    case TraceFormat::kPytorch:
      return "pytorch";
  }
  return "unknown";
}

bool is_one_file_trace(const std::string& file) { return is_goal(file) || is_simai(file); }

Workload load_trace(const std::string& pattern, const TraceOptions& options,
                    std::vector<std::string>* warnings) {
  if (options.format == TraceFormat::kGoal ||
      (options.format == TraceFormat::kAuto && is_goal(pattern)))
    return load_goal_workload(pattern);
  if (options.format == TraceFormat::kSimai ||
      (options.format == TraceFormat::kAuto && is_simai(pattern)))
    return load_simai_workload(pattern, options.ranks, warnings);
  return load_chakra_workload(pattern, options, warnings);
}

}  // namespace plait
