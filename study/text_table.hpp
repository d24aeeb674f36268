// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file text_table.hpp
/// Columns of text for a terminal, and numbers written for people.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/units.hpp"

namespace plait {

/// Rows under a title. The first `left_columns` columns are aligned left and the others right.
class TextTable {
 public:
  TextTable(std::string title, std::vector<std::string> header, std::size_t left_columns);

  /// @pre as many cells as the header has.
  void add(std::vector<std::string> cells);
  std::size_t size() const { return rows_.size() - 1; }
  /// Title, header and rows, indented by two, then an empty line. Left-aligned cells are cut to
  /// keep lines within `width`. Nothing at all for a table without rows.
  std::string text(std::size_t width = 100) const;

 private:
  std::vector<std::size_t> column_widths(std::size_t width) const;

  std::string title_;
  std::size_t left_columns_;
  std::vector<std::vector<std::string>> rows_;  // row 0 is the header
};

/// A unit of time and how many picoseconds it has, for columns with one unit.
struct TimeUnit {
  std::string name;
  double picoseconds;
};
/// The unit in which `largest` has one to three digits before the point: ns, us, ms or s.
TimeUnit time_unit(Duration largest);

/// "12.3 us", with that many significant digits.
std::string human(Duration d, int digits = 4);
/// "1.5 MiB": powers of 1024, four digits.
std::string human(Bytes b);
/// "400 Gb/s", three digits.
std::string human_rate(double bits_per_s);
/// "12.3 M", for large counts; whole below 10,000.
std::string human_count(double count);
/// "1 host", "2 hosts".
std::string counted(std::size_t count, std::string_view noun, std::string_view plural = "s");
/// "12.3 %".
std::string percent(double share);

}  // namespace plait
