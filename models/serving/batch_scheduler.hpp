// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file batch_scheduler.hpp
/// Continuous batching: decides at the start of each step of a replica what is in it, from the
/// requests that have come so far (Yu et al., Orca, OSDI 2022; policies after vLLM and Agrawal et
/// al., Sarathi-Serve, OSDI 2024). Policies and limits: docs/models/serving.md.

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "workloads/serving/serving.hpp"
#include "workloads/serving/step_graph.hpp"

namespace plait {

enum class PoolRole : std::uint8_t { kPrefill, kDecode, kBoth };

class BatchScheduler {
 public:
  /// @param requests  of the whole job, outlives this. @param expected  how many will arrive here.
  BatchScheduler(PoolRole role, const PoolParams& pool, bool chunked,
                 std::span<const InferenceRequest> requests, std::size_t expected);

  /// A prompt, or in a decode pool a request whose KV cache is here.
  void arrive(std::uint32_t request) { waiting_.push_back(request); }

  struct Batch {
    StepWork work;
    std::vector<std::uint32_t> first_tokens;  ///< Requests that get their first token.
    std::vector<std::uint32_t> ended;         ///< Requests that get their last.
    bool last = false;                        ///< Nothing is left to do for this replica.
  };
  /// What the step that starts now computes, or nothing to do. @pre the one before has ended.
  std::optional<Batch> next();

 private:
  struct Running {
    std::uint32_t request;
    std::int64_t generated;  // tokens
  };

  const InferenceRequest& facts(std::uint32_t request) const { return requests_[request]; }
  bool admits(std::uint32_t request, std::size_t in_batch) const;
  void add_chunks(Batch& batch);
  void add_prompts(Batch& batch);
  void add_decodes(Batch& batch);
  void complete_prompt(Batch& batch);
  void end(Batch& batch, std::uint32_t request);

  PoolRole role_;
  PoolParams pool_;
  bool chunked_;
  std::span<const InferenceRequest> requests_;
  std::size_t expected_, done_ = 0;
  std::deque<std::uint32_t> waiting_;
  std::int64_t front_done_ = 0;  // tokens of the first waiting prompt that are computed
  std::vector<Running> running_;
  std::int64_t kv_used_ = 0, kv_to_free_ = 0;  // reserved tokens
};

}  // namespace plait
