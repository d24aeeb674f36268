// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file memory.hpp
/// The least device memory of a serving rank: its share of the weights, and a KV cache for the
/// longest request that it will meet, or for kv_tokens if those are more. Activations and what the
/// engine keeps for itself are not counted. Equations: docs/models/serving.md.

#include <cstdint>
#include <vector>

#include "sim/units.hpp"
#include "workloads/serving/serving.hpp"

namespace plait {

/// Bytes of weights on one rank of `pool`.
double weights_per_rank(const ServingParams& params, const PoolParams& pool);
/// Bytes of the KV cache of `tokens` tokens on one rank of their attention group.
double cache_per_rank(const ServingParams& params, const PoolParams& pool, std::int64_t tokens);

/// @throws UserError if a pool's ranks need more than `memory`, the size of a GPU's.
void check_serving_memory(const ServingParams& params,
                          const std::vector<InferenceRequest>& requests, Bytes memory);

}  // namespace plait
