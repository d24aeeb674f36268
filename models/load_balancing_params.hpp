// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file load_balancing_params.hpp
/// How a switch chooses among equal-cost next hops (models/load_balancer.hpp);
/// docs/models/load_balancing.md has sources and equations.

#include <cstdint>

#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

enum class LoadBalancing : std::uint8_t {
  kEcmp,
  kWeightedEcmp,
  kFlowlet,
  kRoundRobin,
  kRandom,
  kAdaptive,
  kAdaptiveFlowlet,
};

/// What of a packet the hash of its flow reads.
enum class HashFields : std::uint8_t { kQueuePair, kFiveTuple, kAddresses };

enum class HashSeed : std::uint8_t { kPerSwitch, kShared };

struct LoadBalancingParams {
  LoadBalancing kind = LoadBalancing::kEcmp;
  HashFields hash_fields = HashFields::kQueuePair;
  HashSeed hash_seed = HashSeed::kPerSwitch;
  Duration flowlet_gap = Duration::us(50);  ///< Silence after which a flow may change its path.
  std::int64_t flowlet_entries = 4096;      ///< Of the flowlet table of one switch.
  std::int64_t samples = 0;                 ///< Ports an adaptive choice looks at; 0 = all.
  Duration load_quantum{};                  ///< Loads within one quantum are alike; 0 = exact.
};

void describe(ParamVisitor& visitor, LoadBalancingParams& params);

/// Silent flows change their hop.
bool has_flowlets(const LoadBalancingParams& params);

/// Packets of one flow may overtake each other even on an idle fabric.
bool sprays_packets(const LoadBalancingParams& params);

}  // namespace plait
