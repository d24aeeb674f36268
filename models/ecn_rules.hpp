// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ecn_rules.hpp
/// Which priorities a switch marks and with which thresholds, from fabric.switch.ecn.

#include <array>

#include "models/switch_params.hpp"

namespace plait {

/// Of one priority, at EcnParams::reference_rate.
struct EcnRule {
  bool marks = false;
  Bytes k_min{}, k_max{};
  double p_max = 0;
};

/// By priority. `by_priority` overrides k_min, k_max and p_max of the priorities it names; whether
/// they mark at all is up to `priorities`.
/// @throws UserError if `priorities` or `by_priority` cannot be read.
std::array<EcnRule, kPriorities> ecn_rules(const EcnParams& params);

}  // namespace plait
