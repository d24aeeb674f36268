// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file faults.hpp
/// The list `faults` of a scenario: timed events named by their place in the fabric
/// (docs/models/faults.md), turned into what the models understand.

#include <cstdint>
#include <string>
#include <vector>

#include "models/faults.hpp"
#include "study/config_visitor.hpp"
#include "topologies/fabric_graph.hpp"

namespace plait {

struct Scenario;

enum class FaultAction : std::uint8_t {
  kDown,
  kUp,
  kFlap,
  kDegrade,
  kBitErrors,
  kReboot,
  kSlow,
};

struct FaultSpec {
  /// The longest that can be written.
  static constexpr Duration kForEver = Duration::s(86'400 * 100);

  Duration at{};
  FaultAction action = FaultAction::kDown;
  std::string link;            ///< "A:B" or "A:B#k", node names; or empty.
  std::string switch_name;     ///< Or empty.
  std::string host;            ///< Or empty.
  std::int64_t nic = -1;       ///< With `host`: -1 all of them.
  Duration length = kForEver;  ///< Key `for`.
  Duration down_for{}, up_for{};
  std::int64_t count = 1;
  BitRate rate;
  double bit_error_rate = 0;
  double factor = 1;
};
void describe(ConfigVisitor& visitor, FaultSpec& spec);

struct ResolvedFaults {
  std::vector<FaultEvent> events;
  std::vector<std::size_t> places;  ///< By event: its number in the list.
  std::vector<std::string> names;   ///< By event: "leaf0:spine1 down for 20 ms".
};

/// What can be said without the fabric: keys that contradict the action. @throws UserError
void check_faults(const Scenario& scenario);

/// Finds nodes and cables; a `down` without `for` lasts until the `up` that follows.
/// @throws UserError with the nearest name, at its place in the scenario.
ResolvedFaults resolve_faults(const Scenario& scenario, const FabricGraph& graph);

}  // namespace plait
