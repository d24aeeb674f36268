// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file request_jobs.hpp
/// Jobs that serve requests instead of walking op graphs: loaded, placed, collected.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/job_context.hpp"
#include "models/network_simulation.hpp"
#include "models/request_process.hpp"
#include "models/serving/serving_context.hpp"
#include "study/request_results.hpp"
#include "study/scenario.hpp"
#include "workloads/op_graph.hpp"
#include "workloads/requests/rpc.hpp"

namespace plait {

/// A loaded job of requests, or nothing.
struct RequestJob {
  std::shared_ptr<const RpcPlan> rpc;  // at most one of the two
  std::shared_ptr<const ServingPlan> serving;
  Workload workload;               ///< Ranks and groups; no rank walks its graphs as they are.
  std::vector<std::string> hosts;  ///< That the user names, by rank; "" or nothing: any.
  RequestInfo info;
  std::uint64_t count = 0;  ///< Of requests.

  bool empty() const { return rpc == nullptr && serving == nullptr; }
};

/// Empty if job `index` does not serve requests. @throws UserError at its place in the scenario.
RequestJob load_request_job(const Scenario& scenario, std::size_t index);

/// Puts the processes of `job` on their GPUs, by rank. @pre not empty.
std::vector<const RequestProcess*> place_request_job(const RequestJob& job,
                                                     std::shared_ptr<const JobContext> context,
                                                     SimTime start, NetworkSimulation& simulation);

std::uint64_t requests_ended(std::span<const RequestProcess* const> processes);
/// Adds the requests of one job that arrived until `cut`, by id.
void collect_requests(std::span<const RequestProcess* const> processes, SimTime cut,
                      std::vector<RequestRecord>& requests);

}  // namespace plait
