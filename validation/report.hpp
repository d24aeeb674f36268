// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file report.hpp
/// docs/validation.md: the tables of all cases in the text of a template.

#include <string>
#include <vector>

#include "validation/cases.hpp"

namespace plait::validation {

struct Outcome {
  std::string name;
  CaseResult result;
};

/// Runs every case, `workers` at a time. The order of the outcomes is that of the cases.
/// @param finished  called after each, one at a time.
std::vector<Outcome> run_cases(const std::vector<Case>& cases, const Settings& settings,
                               unsigned workers,
                               const std::function<void(const Outcome&)>& finished = {});

/// Rows of one kind as a Markdown table; empty without rows.
std::string table(const std::vector<Outcome>& outcomes, TableId id);

/// All tables that have rows, and what hides behind the rows.
std::string tables(const std::vector<Outcome>& outcomes);

/// The template with its lines <!-- NAME --> filled in: one for each table, details, summary and
/// worst, the rows that are furthest off. @throws UserError if one is missing.
std::string fill_template(const std::string& text, const std::vector<Outcome>& outcomes,
                          const Settings& settings);

}  // namespace plait::validation
