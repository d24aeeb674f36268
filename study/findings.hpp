// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file findings.hpp
/// Pathologies of a run, derived from its records: what is wrong with the fabric, where, and how
/// much. Definitions, and what each cannot tell: docs/models/pathologies.md.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plait {

struct Results;

/// In the order of the report.
enum class FindingKind : std::uint8_t {
  kPfcDeadlock,       ///< value: when it began, us.
  kHeadroomOverflow,  ///< value: lossless packets dropped.
  kWatchdogDrops,     ///< value: packets dropped.
  kPfcStorm,          ///< value: links held back.
  kHeadOfLine,        ///< value: flows held back by a congestion that they have no part in.
  kUnfairness,        ///< value: Jain's index.
  kIncast,            ///< value: senders at a time.
  kPausedLinks,       ///< value: links held back, by their direct neighbour only.
};
std::string_view to_string(FindingKind kind);

enum class Severity : std::uint8_t {
  kError,    ///< The fabric does not do what it is for.
  kWarning,  ///< Somebody pays for what others do.
  kNote,     ///< Worth knowing; may be what the workload asks for.
};
std::string_view to_string(Severity severity);

struct Finding {
  FindingKind kind{};
  Severity severity{};
  std::string object;  ///< A link, host or cycle of ports.
  double value = 0;    ///< See FindingKind.
  std::string text;    ///< A sentence for people, names and units included.
};

/// When something counts as a finding.
struct FindingThresholds {
  static constexpr double kPausedShare = 0.10;   ///< Of the run: a link is held back.
  static constexpr std::size_t kStormHops = 2;   ///< From the root.
  static constexpr double kVictimPaused = 0.10;  ///< Of a flow's life: one link's pauses.
  static constexpr double kVictimSlowdown = 2.0;
  static constexpr double kCalmUse = 0.5;    ///< Of a flow's life, at most: a link has room.
  static constexpr double kCalmQueueUs = 5;  ///< Time to send its longest queue, at most.
  static constexpr std::size_t kIncastSenders = 8;
  static constexpr double kIncastSlowdown = 2.0;  ///< Median; for a warning, that times senders.
  static constexpr std::size_t kJainSenders = 4;  ///< Fewer say little.
  static constexpr double kJain = 0.8;
};

/// All findings, by kind, then value, most serious first. Takes records and context only.
std::vector<Finding> find_pathologies(const Results& results);

/// Findings of links that are held back and of flows that suffer from it; part of
/// find_pathologies().
void find_pauses(const Results& results, std::vector<Finding>& findings);

/// Findings of messages that meet at their destination; part of find_pathologies().
void find_incasts(const Results& results, std::vector<Finding>& findings);

/// (sum x)^2 / (n sum x^2), 1 for equal shares, 1/n if one takes all. Source: Jain, Chiu, Hawe, "A
/// Quantitative Measure of Fairness", DEC-TR-301, 1984. 1 for an empty list.
double jain_index(const std::vector<double>& shares);

/// "Pathologies": at most three lines of each kind. Empty if nothing was found.
std::string findings_section(const Results& results);

}  // namespace plait
