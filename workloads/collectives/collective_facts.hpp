// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective_facts.hpp
/// What a cost model of collectives has to know of the machines they run on.

#include <cstdint>

#include "sim/units.hpp"

namespace plait {

/// Generations that NCCL's constants tell apart.
enum class GpuGeneration : std::uint8_t { kVolta, kAmpere, kHopper, kBlackwell };
enum class CpuVendor : std::uint8_t { kIntel, kAmd, kOther };

struct CollectiveFacts {
  GpuGeneration generation = GpuGeneration::kAmpere;
  CpuVendor cpu = CpuVendor::kIntel;
  BitRate scale_up;  ///< Payload of one GPU and direction; 0: GPUs of a host are not joined.
  bool in_switch_reduction = false;  ///< The scale-up network's switch adds up and copies.
  BitRate nic;                       ///< Payload of one NIC and direction; 0: hosts are not joined.
};

}  // namespace plait
