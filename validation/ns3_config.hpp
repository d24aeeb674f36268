// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file ns3_config.hpp
/// The configuration file of the ns-3 RDMA simulators (the HPCC artefact and its descendants):
/// lines of a key and its values. Keys that change nothing in a result are skipped; a value that
/// asks for what Plait does not compute is refused by name.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/units.hpp"

namespace plait::validation {

enum class Ns3Cc : std::uint8_t { kDcqcn = 1, kHpcc = 3, kTimely = 7, kDctcp = 8 };

/// Value by link rate.
struct Ns3RateMap {
  struct Entry {
    BitRate rate;
    double value = 0;
  };
  std::vector<Entry> entries;
  /// @throws UserError naming `key` if there is none for `rate`.
  double at(BitRate rate, const std::string& key) const;
};

struct Ns3Config {
  std::string file;  ///< Where it came from.
  std::string topology_file;
  Ns3Cc cc = Ns3Cc::kDcqcn;
  Bytes payload{};
  Duration alpha_timer{}, decrease_timer{}, increase_timer{};
  bool clamp_target = false, has_window = false, global_rtt = false, variable_window = false;
  bool fast_react = false;
  double gain = 0, target_utilisation = 0;
  std::int64_t recovery_rounds = 0, max_stage = 0, int_multiplier = 0;
  BitRate rate_ai, rate_hai, min_rate, dctcp_rate_ai;
  bool acks_obey_pause = false;
  Ns3RateMap k_min, k_max, p_max;  ///< Thresholds in units of 1000 bytes.
  Bytes buffer{};
};

/// @throws UserError naming file and line.
Ns3Config read_ns3_config(const std::string& file);

}  // namespace plait::validation
