// SPDX-License-Identifier: Apache-2.0
#include "validation/case_table.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "sim/error.hpp"

namespace plait::validation {

namespace {

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields{""};
  for (const char c : line) {
    if (c == separator)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

}  // namespace

std::vector<std::vector<std::string>> read_cells(const std::string& file, char separator,
                                                 std::size_t columns) {
  std::ifstream in(file);
  if (!in) throw UserError({file}, "cannot be read");
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(in, line);  // titles
  for (int number = 2; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    rows.push_back(split(line, separator));
    if (rows.back().size() != columns)
      throw UserError({file, number},
                      fmt::format("{} fields, expected {}", rows.back().size(), columns));
  }
  return rows;
}

double number_in(const std::string& file, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') throw UserError({file}, "'" + text + "' is no number");
  return value;
}

}  // namespace plait::validation
