// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file switch_params.hpp
/// Parameters of the shared-buffer switch (models/switch.hpp); docs/models/switch.md has equations.

#include <cstdint>
#include <string>

#include "models/load_balancing_params.hpp"
#include "sim/params.hpp"
#include "sim/units.hpp"

namespace plait {

constexpr unsigned kPriorities = 8;

/// RED-style marking of the egress queue length at dequeue: never below k_min, with a probability
/// rising linearly to p_max at k_max, always above k_max.
struct EcnParams {
  bool enabled = true;
  Bytes k_min = Bytes::kilo(400);
  Bytes k_max = Bytes::kilo(1600);
  double p_max = 0.2;
  /// Thresholds hold at this port rate and grow in proportion to the rate; 0 = fixed thresholds.
  BitRate reference_rate = BitRate::gbps(100);
};

/// Priority flow control (802.1Qbb) driven by ingress accounting.
struct PfcParams {
  bool enabled = true;
  std::string priorities = "3";       ///< Lossless priorities, for example "3" or "3 4".
  double alpha = 0.125;               ///< Dynamic threshold: xoff = alpha * free shared buffer.
  Bytes reserve = Bytes(4096);        ///< Guaranteed per (port, lossless priority).
  Bytes headroom{};                   ///< Per (port, lossless priority); 0 = from rate and delay.
  Bytes resume_offset = Bytes(3072);  ///< xon = xoff - resume_offset.
  Bytes frame = Bytes(64);            ///< Pause frame on the wire.
};

enum class Forwarding : std::uint8_t { kStoreAndForward, kCutThrough };

struct SwitchParams {
  Bytes buffer = Bytes::mebi(32);
  Duration latency = Duration::ns(400);  ///< Pipeline: last bit in to ready for the egress queue.
  Forwarding forwarding = Forwarding::kStoreAndForward;
  Bytes cut = Bytes(64);  ///< Cut-through: bytes that must be there before forwarding starts.
  std::int64_t int_multiplier = 0;  ///< Of the units of in-band telemetry; 0 = from the NIC rate.
  double lossy_alpha = 1.0;         ///< Dynamic threshold of a lossy egress queue.
  std::int64_t strict_from = 6;     ///< Priorities >= this are strict, higher number first.
  std::string dwrr_weights = "1 1 1 1 1 1 1 1";  ///< Of the priorities below strict_from.
  EcnParams ecn;
  PfcParams pfc;
  LoadBalancingParams load_balancing;
};

void describe(ParamVisitor& visitor, EcnParams& params);
void describe(ParamVisitor& visitor, PfcParams& params);
void describe(ParamVisitor& visitor, SwitchParams& params);

/// Bit set of the priorities named in `text` ("3", "3 4"); @throws UserError on anything else.
std::uint8_t parse_priority_set(const std::string& text);

}  // namespace plait
