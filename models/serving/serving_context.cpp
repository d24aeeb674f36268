// SPDX-License-Identifier: Apache-2.0
#include "models/serving/serving_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sim/check.hpp"
#include "sim/error.hpp"

namespace plait {

ServingPlan::ServingPlan(const ServingParams& params, std::vector<InferenceRequest> requests)
    : params_(params), requests_(std::move(requests)) {
  check_serving(params_);
  if (params_.colocates()) {
    add_pool(PoolRole::kBoth, params_.colocated);
  } else {
    add_pool(PoolRole::kPrefill, params_.prefill);
    add_pool(PoolRole::kDecode, params_.decode);
  }
  assign_requests();
  check_cache();
}

void ServingPlan::add_pool(PoolRole role, const PoolParams& pool) {
  std::uint32_t& groups = role == PoolRole::kPrefill ? prefill_groups_ : decode_groups_;
  for (std::int64_t i = 0; i < pool.replicas; ++i) {
    Replica replica{
        role,   &pool, static_cast<std::uint32_t>(replica_of_.size()), pool.replica_ranks(),
        groups, {}};
    groups += pool.attention_groups();
    replica_of_.insert(replica_of_.end(), replica.ranks,
                       static_cast<std::uint32_t>(replicas_.size()));
    replicas_.push_back(std::move(replica));
  }
}

void ServingPlan::assign_requests() {
  std::vector<std::int64_t> load(replicas_.size());  // tokens given so far
  for (std::uint32_t request = 0; request < requests_.size(); ++request) {
    const InferenceRequest& facts = requests_[request];
    const bool both = params_.colocates();
    const std::uint32_t first = choose(both ? PoolRole::kBoth : PoolRole::kPrefill, request, load);
    load[first] += facts.prompt_tokens + (both ? facts.output_tokens : 0);
    replicas_[first].requests.push_back(request);
    first_.push_back(first);
    last_.push_back(first);
    if (both || facts.output_tokens == 1) continue;
    const std::uint32_t last = choose(PoolRole::kDecode, request, load);
    load[last] += facts.output_tokens;
    replicas_[last].requests.push_back(request);
    last_.back() = last;
  }
}

// Ties go to the first.
std::uint32_t ServingPlan::choose(PoolRole role, std::uint32_t request,
                                  const std::vector<std::int64_t>& load) const {
  std::vector<std::uint32_t> of_role;
  for (std::uint32_t r = 0; r < replicas_.size(); ++r)
    if (replicas_[r].role == role) of_role.push_back(r);
  if (params_.router == RequestRouting::kRoundRobin) return of_role[request % of_role.size()];
  return *std::min_element(of_role.begin(), of_role.end(),
                           [&](auto a, auto b) { return load[a] < load[b]; });
}

void ServingPlan::check_cache() const {
  const PoolParams& pool = params_.colocates() ? params_.colocated : params_.decode;
  if (pool.kv_tokens == 0) return;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const std::int64_t tokens = requests_[i].prompt_tokens + requests_[i].output_tokens;
    if (tokens > pool.kv_tokens)
      throw UserError(
          fmt::format("request {} has {} tokens of prompt and {} of output, but "
                      "{}.kv_tokens is {}: it could never run",
                      i, requests_[i].prompt_tokens, requests_[i].output_tokens,
                      params_.colocates() ? "colocated" : "decode", pool.kv_tokens));
  }
}

// Not by the request's number alone: with round robin that of a replica's requests is always the
// same modulo the number of replicas.
std::uint32_t ServingPlan::prefill_group(std::uint32_t request) const {
  const Replica& replica = first_replica(request);
  const auto replicas = static_cast<std::uint32_t>(params_.prefill.replicas);
  return replica.first_group + request / replicas % params_.prefill.attention_groups();
}

std::uint32_t ServingPlan::decode_group(std::uint32_t request) const {
  const Replica& replica = last_replica(request);
  const auto replicas = static_cast<std::uint32_t>(params_.decode.replicas);
  return replica.first_group + request / replicas % params_.decode.attention_groups();
}

Workload ServingPlan::workload() const {
  Workload workload;
  Group all{"all", {}};
  for (std::uint32_t rank = 0; rank < replica_of_.size(); ++rank) all.ranks.emplace_back(rank);
  workload.groups.push_back(std::move(all));
  std::map<const PoolParams*, std::shared_ptr<const OpGraph>> graphs;  // looked up only
  StepWork one;
  one.add_prompt(0, 1, true);
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const Replica& replica = replicas_[r];
    std::shared_ptr<const OpGraph>& graph = graphs[replica.pool];
    if (!graph) graph = StepGraphMaker(params_, *replica.pool).make(one);
    workload.graphs.insert(workload.graphs.end(), replica.ranks, graph);
    const GroupId whole(workload.groups.size());
    workload.groups.push_back({fmt::format("replica{}", r), {}});
    for (std::uint32_t i = 0; i < replica.ranks; ++i) {
      const RankId rank(replica.first_rank + i);
      workload.groups[whole.index()].ranks.push_back(rank);
      if (i % static_cast<std::uint32_t>(replica.pool->tensor_parallel) == 0)
        workload.groups.push_back(
            {fmt::format("replica{}_tp{}", r, i / replica.pool->tensor_parallel), {}});
      workload.groups.back().ranks.push_back(rank);
      workload.bindings.push_back({{GroupId(workload.groups.size() - 1), whole}, {}});
    }
  }
  return workload;
}

ServingContext::ServingContext(std::shared_ptr<const ServingPlan> serving,
                               std::shared_ptr<const JobContext> placed, SimTime job_start)
    : plan(std::move(serving)),
      job(std::move(placed)),
      start(job_start),
      transfers(plan->params().colocates() ? std::vector<KvTransfer>()
                                           : kv_transfers(plan->params())),
      steps(plan->replicas().size()),
      handovers(std::size_t{plan->prefill_groups()} * plan->decode_groups()) {}

}  // namespace plait
