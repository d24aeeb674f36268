// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file case_table.hpp
/// Tables of recorded or published figures: one line a row, a first line with titles.

#include <string>
#include <vector>

namespace plait::validation {

/// Fields of every line but the first. @throws UserError naming file and line if it cannot be read
/// or a line does not have `columns` fields.
std::vector<std::vector<std::string>> read_cells(const std::string& file, char separator,
                                                 std::size_t columns);

/// @throws UserError naming the file if `text` is no number.
double number_in(const std::string& file, const std::string& text);

}  // namespace plait::validation
