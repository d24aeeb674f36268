// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "models/gpu.hpp"
#include "models/scale_up.hpp"
#include "sim/error.hpp"

using namespace plait;

namespace {
Op op(Duration duration, double flops, double bytes, Device device = Device::kGpu) {
  Op result;
  result.duration = duration;
  result.flops = flops;
  result.memory_bytes = bytes;
  result.device = device;
  return result;
}
}  // namespace

TEST_CASE("a recorded duration wins over the roofline", "[gpu]") {
  CHECK(compute_time(op(Duration::ps(1'234'567), 1e15, 1e12), {}) == Duration::ps(1'234'567));
}

TEST_CASE("roofline: the slower of arithmetic and memory", "[gpu]") {
  GpuParams gpu;
  gpu.peak_tflops = 100;
  gpu.flops_efficiency = 0.5;  // 50e12 per second
  gpu.memory_rate = BitRate::gigabytes_per_s(1'000);
  gpu.memory_efficiency = 0.8;  // 800e9 bytes per second
  // 1e12 / 50e12 = 20 ms; 8e9 / 800e9 = 10 ms.
  CHECK(compute_time(op({}, 1e12, 8e9), gpu) == Duration::ms(20));
  // 1e11 / 50e12 = 2 ms; still 10 ms of memory.
  CHECK(compute_time(op({}, 1e11, 8e9), gpu) == Duration::ms(10));
  // 1 FLOP = 0.02 ps rounds to 0, 40 FLOP = 0.8 ps to 1.
  CHECK(compute_time(op({}, 1, 0), gpu) == Duration{});
  CHECK(compute_time(op({}, 40, 0), gpu) == Duration::ps(1));
}

TEST_CASE("what is not a positive amount of work takes no time", "[gpu]") {
  CHECK(compute_time(op({}, 0, 0), {}) == Duration{});
  CHECK(compute_time(op(Duration::ps(-5), -1e12, -1), {}) == Duration{});
  CHECK(compute_time(op({}, std::nan(""), 0), {}) == Duration{});
  CHECK(compute_time(op({}, 1e12, 1e9, Device::kCpu), {}) == Duration{});
}

TEST_CASE("compute_scale stretches ops of the GPU only", "[gpu]") {
  GpuParams gpu;
  gpu.compute_scale = 0.5;
  CHECK(compute_time(op(Duration::us(10), 0, 0), gpu) == Duration::us(5));
  CHECK(compute_time(op(Duration::us(10), 0, 0, Device::kCpu), gpu) == Duration::us(10));
  gpu.compute_scale = 0;
  CHECK(compute_time(op(Duration::us(10), 0, 0), gpu) == Duration{});
}

TEST_CASE("an op longer than simulated time is refused", "[gpu]") {
  CHECK_THROWS_AS(compute_time(op({}, 1e30, 0), {}), UserError);
  CHECK_THROWS_AS(compute_time(op({}, INFINITY, 0), {}), UserError);
}

TEST_CASE("presets: known names, sane numbers, a scale-up network each", "[gpu]") {
  for (const GpuPreset& preset : gpu_presets()) {
    CAPTURE(std::string(preset.name));
    CHECK(preset.peak_tflops >= 312);  // the oldest, A100
    CHECK(preset.memory_gigabytes_per_s >= 2'039);
    CHECK(preset.flops_efficiency > 0.5);
    CHECK(preset.flops_efficiency <= 1);
    CHECK_NOTHROW(scale_up_preset(preset.scale_up));
  }
  // H100: 989.4 TFLOPS x 0.803 = 794.5e12 (MAMF table): 7.945e14 FLOP take 1 s.
  CHECK(compute_time(op({}, 794.4882e12, 0), gpu_preset("h100")).to_s() == Approx(1));
  CHECK_THROWS_WITH(gpu_preset("h10"), Catch::Contains("did you mean 'h100'"));
  CHECK_THROWS_WITH(scale_up_preset("nvlink9"), Catch::Contains("nvlink"));
}
