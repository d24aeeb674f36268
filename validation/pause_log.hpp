// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file pause_log.hpp
/// PFC frames that one of the ns-3 RDMA simulators logged, against those of a run here.

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "models/records.hpp"

namespace plait::validation {

/// A frame as its receiver saw it.
struct PauseEvent {
  std::int64_t ns = 0;
  std::uint32_t node = 0;
  std::uint32_t port = 0;  ///< From 0; that simulator counts from 1.
  bool pause = true;       ///< False: resume.
  friend auto operator<=>(const PauseEvent&, const PauseEvent&) = default;
};

/// Lines `time_ns node node_type port type`; times start at 2,000,000,000 ns.
/// @throws UserError naming file and line.
std::vector<PauseEvent> read_pause_log(const std::string& file);

std::vector<PauseEvent> pause_events(const std::vector<PauseRecord>& records);

struct PauseComparison {
  std::size_t theirs = 0, ours = 0, equal = 0;  ///< Frames.
  std::string first_difference;                 ///< Empty if there is none.
  bool exact() const { return theirs == equal && ours == equal; }
};

/// In any order within one nanosecond.
PauseComparison compare_pauses(std::vector<PauseEvent> theirs, std::vector<PauseEvent> ours);

}  // namespace plait::validation
