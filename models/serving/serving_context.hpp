// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file serving_context.hpp
/// What all processes of a serving job know: replicas, their ranks, which replica gets which
/// request, who sends KV caches to whom. Nobody changes it but for the logs, whose rules are in
/// models/message_log.hpp.

#include <cstdint>
#include <memory>
#include <vector>

#include "models/job_context.hpp"
#include "models/message_log.hpp"
#include "models/op_plan.hpp"
#include "models/serving/batch_scheduler.hpp"
#include "workloads/op_graph.hpp"
#include "workloads/serving/serving.hpp"
#include "workloads/serving/step_graph.hpp"

namespace plait {

/// The job's requests and who serves them; ranks in the order prefill replicas, decode replicas.
class ServingPlan {
 public:
  struct Replica {
    PoolRole role = PoolRole::kBoth;
    const PoolParams* pool = nullptr;
    std::uint32_t first_rank = 0, ranks = 0;
    std::uint32_t first_group = 0;        ///< Of attention, numbered over the replicas of its role.
    std::vector<std::uint32_t> requests;  ///< That it serves, by arrival.
  };

  /// @throws UserError on impossible parameters, and requests that no replica can hold.
  ServingPlan(const ServingParams& params, std::vector<InferenceRequest> requests);
  ServingPlan(const ServingPlan&) = delete;
  ServingPlan& operator=(const ServingPlan&) = delete;

  const ServingParams& params() const { return params_; }
  const std::vector<InferenceRequest>& requests() const { return requests_; }
  const std::vector<Replica>& replicas() const { return replicas_; }
  const Replica& replica_of(RankId rank) const { return replicas_[replica_of_[rank.index()]]; }
  /// Where the prompt of a request runs, and where its other tokens are made.
  const Replica& first_replica(std::uint32_t request) const { return replicas_[first_[request]]; }
  const Replica& last_replica(std::uint32_t request) const { return replicas_[last_[request]]; }

  /// Attention groups, between which KV caches move. @pre the request goes to decode.
  std::uint32_t prefill_group(std::uint32_t request) const;
  std::uint32_t decode_group(std::uint32_t request) const;
  std::uint32_t prefill_groups() const { return prefill_groups_; }
  std::uint32_t decode_groups() const { return decode_groups_; }

  /// Ranks, groups and one step that stands for all: what a job is checked and placed by.
  Workload workload() const;

 private:
  void add_pool(PoolRole role, const PoolParams& pool);
  void assign_requests();
  std::uint32_t choose(PoolRole role, std::uint32_t request,
                       const std::vector<std::int64_t>& load) const;
  void check_cache() const;

  ServingParams params_;
  std::vector<InferenceRequest> requests_;
  std::vector<Replica> replicas_;
  std::vector<std::uint32_t> replica_of_;    // by rank
  std::vector<std::uint32_t> first_, last_;  // replicas, by request
  std::uint32_t prefill_groups_ = 0, decode_groups_ = 0;
};

/// Requests whose KV caches go from one attention group to another in the same messages.
using Handover = std::vector<std::uint32_t>;

/// What a leader tells the other ranks of its replica.
struct ServingStep {
  std::shared_ptr<const OpPlan> plan;
  std::vector<Handover> handovers;
  bool last = false;
};

struct ServingContext {
  ServingContext(std::shared_ptr<const ServingPlan> serving,
                 std::shared_ptr<const JobContext> placed, SimTime job_start);

  const std::shared_ptr<const ServingPlan> plan;
  const std::shared_ptr<const JobContext> job;
  const SimTime start;
  const std::vector<KvTransfer> transfers;
  std::vector<MessageLog<ServingStep>> steps;  ///< By replica; its leader appends.
  /// By route(); the prefill replica's leader appends, the decode replica's leader reads.
  std::vector<MessageLog<Handover>> handovers;

  std::size_t route(std::uint32_t prefill_group, std::uint32_t decode_group) const {
    return std::size_t{prefill_group} * plan->decode_groups() + decode_group;
  }
};

}  // namespace plait
