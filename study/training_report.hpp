// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file training_report.hpp
/// `plait trace generate`: a training job from settings, and what it will ask of GPUs and fabric.

#include <string>
#include <vector>

#include "models/gpu.hpp"
#include "study/param_list.hpp"
#include "workloads/llm/training.hpp"

namespace plait {

/// Every setting, for a command line.
std::vector<ListedParam> training_params();

/// @param settings "path=value" each, as under `generate:` of a scenario, applied in order.
/// @throws UserError as load_scenario().
TrainingParams parse_training(const std::vector<std::string>& settings);

/// The same with the time of every compute op as recorded on `gpu`: trace formats have no kernels.
Workload with_durations(const Workload& workload, const GpuParams& gpu);

/// A warning where the estimated memory of a stage exceeds the GPU's, or nothing.
std::string memory_warning(const TrainingParams& params, const GpuParams& gpu);

/// Ranks, ops, bytes by collective and group, operations and memory per GPU, by pipeline stage.
std::string training_report(const TrainingParams& params, const Workload& workload,
                            const GpuParams& gpu);

}  // namespace plait
