// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file serving.hpp
/// An inference service as pure data: the model, the pools of replicas that serve it, and the
/// requests. Semantics, equations and sources: docs/models/serving.md.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/params.hpp"
#include "workloads/llm/model_card.hpp"
#include "workloads/requests/laws.hpp"
#include "workloads/requests/slo.hpp"

namespace plait {

/// Replicas of one kind. A replica has max(tensor_parallel, expert_parallel) ranks; with more of
/// them than tensor_parallel, attention is data-parallel between groups of tensor_parallel ranks.
struct PoolParams {
  std::int64_t replicas = 1;
  std::int64_t tensor_parallel = 1;
  std::int64_t expert_parallel = 1;  ///< 1: experts are cut like the other matrices.
  std::int64_t max_batch = 128;      ///< Sequences in one step.
  std::int64_t max_batch_tokens = 8'192;
  std::int64_t kv_tokens = 0;  ///< Tokens of KV cache that a replica can hold; 0: no limit.

  std::uint32_t replica_ranks() const {
    return static_cast<std::uint32_t>(std::max(tensor_parallel, expert_parallel));
  }
  /// Groups of a replica between which attention is data-parallel.
  std::uint32_t attention_groups() const {
    return replica_ranks() / static_cast<std::uint32_t>(tensor_parallel);
  }
};

enum class ServingMode : std::uint8_t { kDisaggregated, kColocated };
enum class KvTransferTime : std::uint8_t { kAfterPrefill, kLayerWise };
enum class RequestRouting : std::uint8_t { kRoundRobin, kLeastLoaded };

struct InferenceRequest {
  Duration arrival{};
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;  ///< The first, which prefill makes, included.
};

struct RequestStreamParams {
  std::string file;  ///< CSV; relative to the scenario file. Else:
  std::int64_t count = 100;
  double per_s = 1;  ///< Poisson.
  CountLaw prompt_tokens{Law::kFixed, 1'024};
  CountLaw output_tokens{Law::kFixed, 128};
};

struct ServingParams {
  ModelCard model = model_preset("llama3_70b");
  ServingMode mode = ServingMode::kDisaggregated;
  PoolParams prefill, decode, colocated;
  bool chunked_prefill = false;
  KvTransferTime kv_transfer = KvTransferTime::kAfterPrefill;
  RequestRouting router = RequestRouting::kRoundRobin;
  std::int64_t weight_bytes = 2, activation_bytes = 2, kv_bytes = 2;  ///< Of one number.
  std::int64_t layers_per_op = 1;
  Duration step_overhead{};
  Bytes control_message = Bytes::kilo(1);
  RequestStreamParams requests;
  RequestSlo slo;

  bool colocates() const { return mode == ServingMode::kColocated; }
  std::uint32_t ranks() const;
};

void describe(ParamVisitor& visitor, ServingParams& params);

/// @throws UserError on parallelism that does not divide the model, and on keys of the other mode.
void check_serving(const ServingParams& params);

/// By arrival. @throws UserError naming file and line.
std::vector<InferenceRequest> make_requests(const RequestStreamParams& params,
                                            const std::filesystem::path& file, std::uint64_t seed);
/// Lines `arrival,prompt_tokens,output_tokens`, for example `1.5s,800,120`, after that line as a
/// header; in any order.
std::vector<InferenceRequest> load_requests(const std::filesystem::path& file);

}  // namespace plait
