// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "models/scale_up.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

struct Preset {
  std::string_view name, help, source;
  std::int64_t gigabytes_per_s;
  double efficiency;
  double in_switch = 0;  ///< In-switch efficiency; 0: the switch does not reduce.
};

// Line rates: vendors' data sheets, per direction. Efficiencies: bandwidth per link that the
// vendor's own collective library assumes, over the line rate of the link.
constexpr std::array<Preset, 5> kPresets{{
    {"nvlink3", "A100: 12 links of 25 GB/s through NVSwitch",
     "NVIDIA A100 data sheet (600 GB/s both ways); NCCL topo.h: 20.0 of 25 GB/s a link", 300, 0.8},
    {"nvlink4", "H100, H200: 18 links of 25 GB/s through NVSwitch",
     "NVIDIA H100 data sheet (900 GB/s both ways); NCCL topo.h: 20.6 of 25 GB/s a link; "
     "NVLS: tuning.cc, 0.85 on Hopper",
     450, 0.824, 0.85},
    {"nvlink5", "B200: 18 links of 50 GB/s through NVSwitch",
     "NVIDIA DGX B200 data sheet (1800 GB/s both ways); NCCL topo.h: 40.1 of 50 GB/s a link; "
     "NVLS: tuning.cc, 0.74 on Blackwell",
     900, 0.802, 0.74},
    {"xgmi_mi300x", "MI300X: 7 links of 64 GB/s; the mesh is approximated by a switch",
     "AMD MI300X data sheet (448 GB/s); RCCL topo.h: 48 of 64 GB/s a link", 448, 0.75},
    {"ici_v5p", "TPU v5p: 6 links of 100 GB/s; the torus is approximated by a switch",
     "Google Cloud TPU v5p page (1200 GB/s both ways); 'How to scale your model': 90 of 100 GB/s",
     600, 0.9},
}};

void apply(const Preset& preset, ScaleUpParams& params) {
  params.rate = BitRate::gigabytes_per_s(preset.gigabytes_per_s);
  params.efficiency = preset.efficiency;
  params.in_switch_reduction = preset.in_switch > 0;
  if (params.in_switch_reduction) params.in_switch_efficiency = preset.in_switch;
}

}  // namespace

ScaleUpParams scale_up_preset(std::string_view name) {
  ScaleUpParams params;
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) {
    if (preset.name == name) {
      apply(preset, params);
      return params;
    }
    names.emplace_back(preset.name);
  }
  throw UserError(fmt::format("unknown scale-up preset '{}'{}; known: {}", name,
                              did_you_mean(name, names), fmt::join(names, " ")));
}

void describe(ParamVisitor& visitor, ScaleUpParams& params) {
  std::vector<Choice> choices;
  choices.reserve(std::size(kPresets));
  for (const Preset& preset : kPresets)
    choices.push_back({preset.name, preset.help, preset.source});
  const int chosen = visitor.preset(choices);
  if (chosen >= 0) apply(kPresets[static_cast<std::size_t>(chosen)], params);
  visitor.choice({"kind", "network between the GPUs of one host", "Plait's choice"}, params.kind,
                 {{"nvswitch", "every GPU on one non-blocking switch"},
                  {"none", "no scale-up network: all messages leave through the NICs"}});
  visitor.field({"rate", "line rate of one GPU in one direction, all its links together",
                 "NVIDIA A100 data sheet: 12 links of 25 GB/s"},
                params.rate, {BitRate::mbps(1), BitRate::gigabytes_per_s(100'000)});
  visitor.field({"efficiency", "share of the rate that payload gets",
                 "NCCL src/graph/topo.h: 20.0 of 25 GB/s a link (SM80)"},
                params.efficiency, {1e-3, 1});
  visitor.field({"latency", "time of the first byte from GPU through the switch to GPU",
                 "NCCL src/graph/tuning.cc: one NVLink ring step of protocol LL, 0.6 us"},
                params.latency, {Duration{}, Duration::ms(10)});
  visitor.field({"unit", "amount moved as one piece", "Plait's choice: 0.27 us on an A100"},
                params.unit, {Bytes(256), Bytes::gibi(1)});
  visitor.field({"window", "amount in flight from one GPU to another, 0 = enough for the full rate",
                 "Plait's choice"},
                params.window, {Bytes{}, Bytes::gibi(64)});
  visitor.field(
      {"in_switch_reduction", "the switch adds up and copies (algorithms nvls, nvls_tree)",
       "NVIDIA: NVLink SHARP, third-generation NVSwitch (H100) and later"},
      params.in_switch_reduction);
  visitor.field({"in_switch_efficiency", "share of the payload's rate that such transfers get",
                 "NCCL src/graph/tuning.cc, nvlsEfficiency: Hopper 0.85, Blackwell 0.74"},
                params.in_switch_efficiency, {1e-3, 1});
}

}  // namespace plait
