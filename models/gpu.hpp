// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file gpu.hpp
/// Duration of a compute op: the recorded one where the trace has it, else the roofline
/// (Williams, Waterman, Patterson, CACM 2009). Equations, sources and limits: docs/models/gpu.md.

#include <span>
#include <string_view>

#include "sim/params.hpp"
#include "sim/units.hpp"
#include "workloads/collectives/collective_facts.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

/// One GPU (or TPU chip). Defaults are the A100's.
struct GpuParams {
  double peak_tflops = 312;                               ///< Dense bf16, 10^12 per second, > 0.
  BitRate memory_rate = BitRate::gigabytes_per_s(2'039);  ///< Device memory, > 0.
  Bytes memory = Bytes::mega(80'000);                     ///< Size of the device memory, > 0.
  double flops_efficiency = 0.869;                        ///< Reached share of the peak, (0, 1].
  double attention_efficiency = 0.6;                      ///< The same in fused attention, (0, 1].
  double fp8_factor = 1;                                  ///< Peak in fp8 over peak_tflops, >= 1.
  double memory_efficiency = 0.9;                         ///< Reached share of the rate, (0, 1].
  double compute_scale = 1;                               ///< Factor on GPU durations, >= 0.
  GpuGeneration generation = GpuGeneration::kAmpere;      ///< For NCCL's constants.
};

void describe(ParamVisitor& visitor, GpuParams& params);

/// A named GPU. `scale_up` is the preset of ScaleUpParams (scale_up.hpp) that belongs to it.
struct GpuPreset {
  std::string_view name, help, source;
  double peak_tflops = 0;
  std::int64_t memory_gigabytes_per_s = 0;
  std::int64_t memory_gigabytes = 0;
  double flops_efficiency = 0;
  double attention_efficiency = 0;
  double fp8_factor = 1;
  std::string_view scale_up;
};

/// a100, h100, h200, b200, mi300x, tpu_v5p.
std::span<const GpuPreset> gpu_presets();

/// @throws UserError naming the nearest preset.
GpuParams gpu_preset(std::string_view name);

/// Time that `op` keeps its stream busy, rounded to the nearest picosecond. Recorded duration if
/// > 0; else, for GPU ops, the sum over `kernels`, or for none the op itself, of the longer of the
/// two roofline terms, where a term that is not > 0 counts as 0; else 0. `compute_scale` multiplies
/// ops of the GPU, never those of the CPU.
/// @throws UserError if the result exceeds the range of Duration.
Duration compute_time(const Op& op, const GpuParams& params, std::span<const Kernel> kernels = {});

/// `duration` times `factor`, rounded to the nearest picosecond. @pre factor >= 1.
/// @throws UserError as above.
Duration slowed(Duration duration, double factor);

}  // namespace plait
