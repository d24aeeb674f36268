// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file comparison.hpp
/// What a case reports: rows of a table, and whether the target is met.

#include <string>
#include <string_view>
#include <vector>

namespace plait::validation {

/// Kinds of rows; each is one table of the report.
enum class TableId : std::uint8_t {
  kExact,     ///< Every flow of an ns-3 case against its own figure.
  kSeeds,     ///< The mean of an ns-3 case with random marking, over seeds.
  kClosed,    ///< A completion time that a formula gives.
  kSpread,    ///< A figure of a distribution of htsim.
  kTraining,  ///< A generated training job and the published one.
  kFidelity,  ///< A generated training job at two fidelities.
  kBus,       ///< A bus bandwidth that nccl-tests measured.
  kAstra,     ///< The end of a collective of ASTRA-sim.
};

struct Row {
  std::vector<std::string> cells;  ///< As many as the table has columns.
  bool met = true;                 ///< The target of the row.
  /// It is not met, but their one run lies within the spread of ours: no fault of the program.
  bool within_spread = false;
  /// Share, by which tables of published figures are in order: worst first.
  double error = 0;
};

struct CaseResult {
  TableId table = TableId::kExact;
  std::vector<Row> rows;
  /// Flow by flow where the row alone would hide something; lines of Markdown.
  std::string detail;
  /// No row is missed but those within the spread.
  bool met() const;
};

/// Titles of the columns, without the last, which says whether the target is met.
const std::vector<std::string>& columns(TableId table);
/// Whether the rows with the largest Row::error stand first, whatever the order of the cases.
bool is_worst_first(TableId table);

/// Sign, two significant digits: "-2.8 %"; "0" if there is no difference.
std::string signed_percent(double share);
/// Whole number with commas: "3,241,000".
std::string grouped(double value);

}  // namespace plait::validation
