// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ecn_rules.hpp
/// Which priorities a switch marks and with which thresholds, from fabric.switch.ecn.

#include <array>
#include <cstdint>
#include <vector>

#include "models/link.hpp"
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

/// The rule of one priority at the rate of one port.
struct MarkThresholds {
  std::uint32_t k_min = UINT32_MAX, k_max = UINT32_MAX;  ///< Never.
  double p_max = 0;
};

/// By link class and priority.
/// @throws UserError as ecn_rules().
std::vector<MarkThresholds> mark_thresholds(const EcnParams& params,
                                            const std::vector<LinkClass>& links);

}  // namespace plait
