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
constexpr std::array<GpuPreset, 6> kPresets{{
    {"a100", "NVIDIA A100 SXM 80 GB",
     "NVIDIA A100 data sheet (312 TFLOPS, 2039 GB/s); MAMF table 86.9 %", 312, 2'039, 0.869,
     "nvlink3"},
    {"h100", "NVIDIA H100 SXM 80 GB",
     "NVIDIA H100 data sheet (989.4 TFLOPS dense, 3.35 TB/s); MAMF table 80.3 %", 989.4, 3'350,
     0.803, "nvlink4"},
    {"h200", "NVIDIA H200 SXM 141 GB",
     "NVIDIA H200 data sheet (989.4 TFLOPS dense, 4.8 TB/s); MAMF table 83.6 % (GH200)", 989.4,
     4'800, 0.836, "nvlink4"},
    {"b200", "NVIDIA B200 SXM (HGX, 1000 W)",
     "NVIDIA Blackwell architecture brief (2.25 PFLOPS dense, 8 TB/s); efficiency as H100", 2'250,
     8'000, 0.803, "nvlink5"},
    {"mi300x", "AMD Instinct MI300X",
     "AMD MI300X data sheet (1307.4 TFLOPS, 5.3 TB/s); MAMF table 51.4 %", 1'307.4, 5'300, 0.514,
     "xgmi_mi300x"},
    {"tpu_v5p", "Google TPU v5p chip",
     "Google Cloud TPU v5p page (459 TFLOPS, 2765 GB/s); efficiency as H100", 459, 2'765, 0.803,
     "ici_v5p"},
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
  params.flops_efficiency = preset.flops_efficiency;
  return params;
}

// Seconds of one roofline term; what is not a positive amount of work takes no time.
double term(double amount, double per_second) { return amount > 0 ? amount / per_second : 0; }

double seconds(const Op& op, const GpuParams& params) {
  const double recorded = op.duration > Duration{} ? op.duration.to_s() : 0;
  if (op.device == Device::kCpu) return recorded;
  if (recorded > 0) return recorded * params.compute_scale;
  const double flops_per_s = params.peak_tflops * 1e12 * params.flops_efficiency;
  const double bytes_per_s =
      static_cast<double>(params.memory_rate.bps()) / 8 * params.memory_efficiency;
  return std::max(term(op.flops, flops_per_s), term(op.memory_bytes, bytes_per_s)) *
         params.compute_scale;
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
  visitor.field({"flops_efficiency", "share of peak_tflops that a roofline op reaches",
                 "MAMF table, github.com/stas00/ml-engineering"},
                params.flops_efficiency, {1e-6, 1});
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

Duration compute_time(const Op& op, const GpuParams& params) {
  if (op.duration > Duration{} && (op.device == Device::kCpu || params.compute_scale == 1))
    return op.duration;  // exact: no way through double
  const double ps = seconds(op, params) * 1e12;
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
