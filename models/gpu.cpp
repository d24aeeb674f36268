// SPDX-License-Identifier: Apache-2.0
#include "models/gpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

// Peak: dense bf16. Efficiency of the A100, H100, H200 (as GH200) and MI300X: best measured bf16
// matrix product over the peak, table "MAMF" of github.com/stas00/ml-engineering,
// compute/accelerator (2025). B200 and TPU v5p are not in that table and take the H100's.
// Attention, forward and backward together, heads of 128 values, causal, sequences of 8192:
// FlashAttention-2 (Dao, arXiv 2307.08691) Fig. 4 on the A100, about 190 of 312; FlashAttention-3
// (Shah et al., arXiv 2407.08608) Fig. 5 and 6 on the H100, about 580 of 989.
constexpr double kFlash2A100 = 0.6;
constexpr double kFlash3H100 = 0.58;

constexpr std::array<GpuPreset, 6> kPresets{{
    {"a100", "NVIDIA A100 SXM 80 GB",
     "NVIDIA A100 data sheet (312 TFLOPS, 2039 GB/s); MAMF table 86.9 %", 312, 2'039, 80, 0.869,
     kFlash2A100, 1, "nvlink3"},
    {"h100", "NVIDIA H100 SXM 80 GB",
     "NVIDIA H100 data sheet (989.4 TFLOPS dense, 3.35 TB/s); MAMF table 80.3 %", 989.4, 3'350, 80,
     0.803, kFlash3H100, 2, "nvlink4"},
    {"h200", "NVIDIA H200 SXM 141 GB",
     "NVIDIA H200 data sheet (989.4 TFLOPS dense, 4.8 TB/s); MAMF table 83.6 % (GH200)", 989.4,
     4'800, 141, 0.836, kFlash3H100, 2, "nvlink4"},
    {"b200", "NVIDIA B200 SXM (HGX, 1000 W)",
     "NVIDIA Blackwell architecture brief (2.25 PFLOPS dense, 8 TB/s); efficiency as H100", 2'250,
     8'000, 180, 0.803, kFlash3H100, 2, "nvlink5"},
    {"mi300x", "AMD Instinct MI300X",
     "AMD MI300X data sheet (1307.4 TFLOPS, 5.3 TB/s); MAMF table 51.4 %", 1'307.4, 5'300, 192,
     0.514, 0.4, 2, "xgmi_mi300x"},
    {"tpu_v5p", "Google TPU v5p chip",
     "Google Cloud TPU v5p page (459 TFLOPS, 2765 GB/s); efficiency as H100", 459, 2'765, 95, 0.803,
     kFlash2A100, 1, "ici_v5p"},
}};

// Whose constants NCCL's cost model takes. RCCL's are not modelled; the nearest stand in.
GpuGeneration generation_of(std::string_view preset) {
  if (preset == "b200") return GpuGeneration::kBlackwell;
  if (preset == "a100" || preset == "tpu_v5p") return GpuGeneration::kAmpere;
  return GpuGeneration::kHopper;
}

GpuParams from(const GpuPreset& preset) {
  GpuParams params;
  params.generation = generation_of(preset.name);
  params.peak_tflops = preset.peak_tflops;
  params.memory_rate = BitRate::gigabytes_per_s(preset.memory_gigabytes_per_s);
  params.memory = Bytes::mega(preset.memory_gigabytes * 1'000);
  params.flops_efficiency = preset.flops_efficiency;
  params.attention_efficiency = preset.attention_efficiency;
  params.fp8_factor = preset.fp8_factor;
  return params;
}

// Seconds of one roofline term; what is not a positive amount of work takes no time.
double term(double amount, double per_second) { return amount > 0 ? amount / per_second : 0; }

double flops_per_s(KernelClass kind, const GpuParams& params) {
  const double peak = params.peak_tflops * 1e12;
  if (kind == KernelClass::kAttention) return peak * params.attention_efficiency;
  if (kind == KernelClass::kMatrixFp8) return peak * params.flops_efficiency * params.fp8_factor;
  return peak * params.flops_efficiency;
}

double seconds(const Kernel& kernel, const GpuParams& params) {
  const double bytes_per_s =
      static_cast<double>(params.memory_rate.bps()) / 8 * params.memory_efficiency;
  return std::max(term(kernel.flops, flops_per_s(kernel.kind, params)),
                  term(kernel.memory_bytes, bytes_per_s));
}

double seconds(const Op& op, const GpuParams& params, std::span<const Kernel> kernels) {
  const double recorded = op.duration > Duration{} ? op.duration.to_s() : 0;
  if (op.device == Device::kCpu) return recorded;
  if (recorded > 0) return recorded * params.compute_scale;
  const Kernel alone{KernelClass::kMatrix, op.flops, op.memory_bytes};
  if (kernels.empty()) kernels = {&alone, 1};
  double sum = 0;
  for (const Kernel& kernel : kernels) sum += seconds(kernel, params);
  return sum * params.compute_scale;
}

}  // namespace

std::span<const GpuPreset> gpu_presets() { return kPresets; }

GpuParams gpu_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const GpuPreset& preset : kPresets) {
    if (preset.name == name) return from(preset);
    names.emplace_back(preset.name);
  }
  throw UserError(fmt::format("unknown GPU preset '{}'{}; known: {}", name,
                              did_you_mean(name, names), fmt::join(names, " ")));
}

void describe(ParamVisitor& visitor, GpuParams& params) {
  std::vector<Choice> choices;
  choices.reserve(std::size(kPresets));
  for (const GpuPreset& preset : kPresets)
    choices.push_back({preset.name, preset.help, preset.source});
  const int chosen = visitor.preset(choices);
  if (chosen >= 0) {
    const double scale = params.compute_scale;
    params = from(kPresets[static_cast<std::size_t>(chosen)]);
    params.compute_scale = scale;
  }
  visitor.field({"peak_tflops", "peak rate of dense bf16 matrix products, 10^12 per second",
                 "NVIDIA A100 data sheet"},
                params.peak_tflops, {1e-3, 1e6});
  visitor.field({"memory_rate", "peak rate of the device memory", "NVIDIA A100 80 GB data sheet"},
                params.memory_rate, {BitRate::mbps(1), BitRate::gigabytes_per_s(1'000'000)});
  visitor.field({"memory", "size of the device memory", "NVIDIA A100 80 GB data sheet"},
                params.memory, {Bytes::mebi(1), Bytes::gibi(1'000'000)});
  visitor.field({"flops_efficiency", "share of peak_tflops that a roofline op reaches",
                 "MAMF table, github.com/stas00/ml-engineering"},
                params.flops_efficiency, {1e-6, 1});
  visitor.field({"attention_efficiency", "share of peak_tflops that fused attention reaches",
                 "FlashAttention-2, arXiv 2307.08691, Fig. 4"},
                params.attention_efficiency, {1e-6, 1});
  visitor.field({"fp8_factor", "peak of fp8 matrix products over peak_tflops",
                 "the A100 has no fp8; data sheets of later GPUs"},
                params.fp8_factor, {1, 16});
  visitor.field(
      {"memory_efficiency", "share of memory_rate that a roofline op reaches", "Plait's choice"},
      params.memory_efficiency, {1e-6, 1});
  visitor.field(
      {"compute_scale", "factor on the duration of every GPU op (what-if)", "neutral value"},
      params.compute_scale, {0, 1e6});
  visitor.choice({"generation", "whose constants NCCL's cost model of collectives takes",
                  "NVIDIA A100 80 GB data sheet"},
                 params.generation,
                 {{"volta", ""}, {"ampere", ""}, {"hopper", ""}, {"blackwell", ""}});
}

Duration compute_time(const Op& op, const GpuParams& params, std::span<const Kernel> kernels) {
  if (op.duration > Duration{} && (op.device == Device::kCpu || params.compute_scale == 1))
    return op.duration;  // exact: no way through double
  const double ps = seconds(op, params, kernels) * 1e12;
  if (!(ps < 9.2e18))
    throw UserError(
        fmt::format("a compute op of {} FLOP and {} memory bytes takes longer than the "
                    "range of simulated time, 106 days",
                    op.flops, op.memory_bytes));
  return Duration::ps(std::llround(ps));
}

Duration slowed(Duration duration, double factor) {
  if (factor == 1) return duration;  // exact
  const double ps = static_cast<double>(duration.ps()) * factor;
  if (!(ps < 9.2e18))
    throw UserError(
        fmt::format("a compute op on a host that is {} times as slow takes longer than the range "
                    "of simulated time, 106 days",
                    factor));
  return Duration::ps(std::llround(ps));
}

}  // namespace plait
