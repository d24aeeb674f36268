// SPDX-License-Identifier: Apache-2.0
// Switch chips by name. Port numbers and capacities are the vendors'; buffers and latencies are
// often not published: docs/models/switch.md, section 9, says which are confirmed.
#include <array>
#include <string_view>
#include <vector>

#include "models/switch_params.hpp"

namespace plait {

namespace {

struct Preset {
  std::string_view name, help, source;
  Bytes buffer;
  Duration latency;
  std::int64_t max_ports;
  BitRate capacity;
};

constexpr std::array<Preset, 4> kPresets{{
    {"tomahawk5", "Broadcom BCM78900: 64 x 800G, 512 lanes of 100G, shared on-chip buffer",
     "Broadcom product brief (ports); buffer and latency from switch vendors, unconfirmed",
     Bytes::kilo(165'200), Duration::ns(700), 512, BitRate::gbps(51'200)},
    {"tomahawk6", "Broadcom BCM78910: 64 x 1.6T, 1024 lanes of 100G or 512 of 200G",
     "Broadcom press release, June 2025 (ports); buffer and latency not published: twice and as "
     "Tomahawk 5",
     Bytes::kilo(330'400), Duration::ns(700), 1024, BitRate::gbps(102'400)},
    {"spectrum4", "NVIDIA Spectrum-4 (SN5600): 64 x 800G, up to 256 ports, shared on-chip buffer",
     "NVIDIA SN5000 data sheet (ports); 160 MB and latency unconfirmed", Bytes::mega(160),
     Duration::ns(600), 256, BitRate::gbps(51'200)},
    {"jericho3", "Broadcom BCM88890 (Jericho3-AI): 18 x 800G to hosts, deep buffer in HBM",
     "Broadcom announcement, April 2023 (ports); buffer: third party, latency: Jericho 2 routers, "
     "unconfirmed",
     Bytes::mega(32'000), Duration::ns(3800), 144, BitRate::gbps(14'400)},
}};

}  // namespace

void visit_switch_presets(ParamVisitor& visitor, SwitchParams& params) {
  std::vector<Choice> choices;
  choices.reserve(std::size(kPresets));
  for (const Preset& preset : kPresets)
    choices.push_back({preset.name, preset.help, preset.source});
  const int chosen = visitor.preset(choices);
  if (chosen < 0) return;
  const Preset& preset = kPresets[static_cast<std::size_t>(chosen)];
  params.buffer = preset.buffer;
  params.latency = preset.latency;
  params.max_ports = preset.max_ports;
  params.capacity = preset.capacity;
}

}  // namespace plait
