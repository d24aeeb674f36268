// SPDX-License-Identifier: Apache-2.0
#include "workloads/trace_problems.hpp"

namespace plait {

std::string_view to_string(TraceProblem problem) {
  switch (problem) {
    case TraceProblem::kFile:
      return "files";
    case TraceProblem::kOp:
      return "ops";
    case TraceProblem::kDependency:
      return "dependencies";
    case TraceProblem::kGroup:
      return "process groups";
    case TraceProblem::kMessage:
      return "messages";
    case TraceProblem::kCollective:
      return "collectives";
    case TraceProblem::kStuck:
      return "ops that can never start";
  }
  return "unknown";
}

}  // namespace plait
