// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file host_spec.hpp
/// What every host of a fabric is: how many GPUs and NICs, which GPU, which scale-up network.

#include <cstdint>

#include "models/gpu.hpp"
#include "models/scale_up.hpp"
#include "sim/params.hpp"
#include "workloads/collectives/collective_facts.hpp"

namespace plait {

/// Defaults are those of preset dgx_a100.
struct HostSpec {
  std::int64_t gpus = 8;
  std::int64_t nics = 8;  ///< On the fabric, one port each.
  CpuVendor cpu = CpuVendor::kAmd;
  GpuParams gpu;
  ScaleUpParams scale_up;
};

void describe(ParamVisitor& visitor, HostSpec& spec);

}  // namespace plait
