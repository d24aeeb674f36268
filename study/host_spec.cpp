// SPDX-License-Identifier: Apache-2.0
#include "study/host_spec.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "models/packet.hpp"
#include "topologies/file_graph.hpp"

namespace plait {

namespace {

static_assert(kMaxHostGpus == kMaxGpusPerHost, "topology files have the same limit");

struct Preset {
  std::string_view name, help, source;
  std::int64_t gpus, nics;
  CpuVendor cpu;
  std::string_view gpu;  // of gpu_presets(), which names the scale-up network
};

constexpr std::array<Preset, 6> kPresets{{
    {"dgx_a100", "8 A100, NVLink 3, 8 NICs", "NVIDIA DGX A100 user guide", 8, 8, CpuVendor::kAmd,
     "a100"},
    {"dgx_h100", "8 H100, NVLink 4, 8 NICs", "NVIDIA DGX H100 user guide", 8, 8, CpuVendor::kIntel,
     "h100"},
    {"dgx_h200", "8 H200, NVLink 4, 8 NICs", "NVIDIA DGX H200 user guide", 8, 8, CpuVendor::kIntel,
     "h200"},
    {"dgx_b200", "8 B200, NVLink 5, 8 NICs", "NVIDIA DGX B200 user guide", 8, 8, CpuVendor::kIntel,
     "b200"},
    {"mi300x_platform", "8 MI300X, Infinity Fabric, 8 NICs",
     "AMD Instinct MI300X platform data sheet; NICs: one per GPU by common practice", 8, 8,
     CpuVendor::kAmd, "mi300x"},
    {"tpu_v5p_host", "4 TPU v5p chips, ICI, 1 NIC", "Google Cloud TPU v5p page", 4, 1,
     CpuVendor::kOther, "tpu_v5p"},
}};

void apply(const Preset& preset, HostSpec& spec) {
  spec.gpus = preset.gpus;
  spec.nics = preset.nics;
  spec.cpu = preset.cpu;
  for (const GpuPreset& gpu : gpu_presets()) {
    if (gpu.name != preset.gpu) continue;
    spec.gpu = gpu_preset(gpu.name);
    spec.scale_up = scale_up_preset(gpu.scale_up);
  }
}

}  // namespace

void describe(ParamVisitor& visitor, HostSpec& spec) {
  std::vector<Choice> choices;
  for (const Preset& preset : kPresets)
    choices.push_back({preset.name, preset.help, preset.source});
  const int chosen = visitor.preset(choices);
  if (chosen >= 0) apply(kPresets[static_cast<std::size_t>(chosen)], spec);
  visitor.field({"gpus", "GPUs of every host; each can run one rank", "NVIDIA DGX A100 user guide"},
                spec.gpus, {0, kMaxGpusPerHost});
  visitor.field(
      {"nics", "NICs of every host on this fabric, one port each", "NVIDIA DGX A100 user guide"},
      spec.nics, {1, 256});
  visitor.choice({"cpu", "who made the CPU: AMD's post to a NIC in 2 us and not in 1",
                  "NVIDIA DGX A100 user guide; NCCL src/graph/tuning.cc"},
                 spec.cpu, {{"intel", ""}, {"amd", ""}, {"other", "as intel"}});
  nested(visitor, {"gpu", "the GPU, for compute ops", ""}, spec.gpu);
  nested(visitor, {"scale_up", "the network between the GPUs of one host", ""}, spec.scale_up);
}

}  // namespace plait
