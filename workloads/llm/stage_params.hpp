// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file stage_params.hpp
/// How many parameters one rank holds, and the memory that they and the activations take.

#include "workloads/llm/pipeline.hpp"

namespace plait {

/// Parameters of one rank, before ZeRO splits them.
struct RankParams {
  double dense = 0;    ///< Copied over data and context parallelism.
  double experts = 0;  ///< Copied over what expert parallelism leaves of these.
  RankParams& operator+=(const RankParams& other) {
    dense += other.dense;
    experts += other.experts;
    return *this;
  }
};

RankParams unit_params(const TrainingParams& params, const ModelUnit& unit);
RankParams stage_params(const TrainingParams& params, std::int64_t stage);
/// What is left of them on one rank if each copy holds an equal share.
double split_over_copies(const TrainingParams& params, const RankParams& held);

/// Bytes on one GPU of `stage`. Activations: Korthikanti et al., arXiv 2205.05198, equations 1-5,
/// for any card; of the micro-batches that the schedule keeps open at once.
struct MemoryEstimate {
  double parameters = 0;
  double gradients = 0;
  double optimizer = 0;  ///< Adam in fp32: master copy and two moments, 12 bytes each.
  double activations = 0;
  double total() const { return parameters + gradients + optimizer + activations; }
};
MemoryEstimate memory_estimate(const TrainingParams& params, std::int64_t stage);

}  // namespace plait
