// SPDX-License-Identifier: Apache-2.0
#include "validation/flow_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "sim/error.hpp"

namespace plait::validation {

namespace {

using Cells = std::vector<std::string>;

Cells split(const std::string& line) {
  Cells cells;
  std::istringstream in(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

struct Column {
  std::size_t index = 0;
  std::string unit;  // ns or us, for times
};

// The first of `names` that the header has.
Column column(const Cells& header, const std::vector<std::string>& names,
              const SourceLocation& where) {
  for (const std::string& name : names) {
    const auto it = std::find(header.begin(), header.end(), name);
    if (it == header.end()) continue;
    return {static_cast<std::size_t>(it - header.begin()), name.substr(name.size() - 2)};
  }
  std::string choice;
  for (const std::string& name : names) choice += (choice.empty() ? "" : " or ") + name;
  throw UserError(where, "the first line has no column " + choice);
}

template <class Number>
Number number(const std::string& text, const SourceLocation& where) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || rest != end || value < 0)
    throw UserError(where, "'" + text + "' is not a number from 0 on");
  return value;
}

Duration time(const Cells& cells, const Column& column, const SourceLocation& where) {
  const std::string& text = cells[column.index];
  number<double>(text, where);
  return parse_duration(text + column.unit);  // digit by digit: no rounding through a double
}

}  // namespace

FlowTable read_flow_table(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw UserError({file}, "cannot be read");
  SourceLocation where{file, 1};
  std::string line;
  std::getline(in, line);
  const Cells header = split(line);
  const Column from = column(header, {"src"}, where), to = column(header, {"dst"}, where);
  const Column size = column(header, {"bytes", "size_bytes"}, where);
  const Column start = column(header, {"start_ns", "start_us"}, where);
  const Column completion = column(header, {"fct_ns", "fct_us"}, where);
  FlowTable table;
  table.has_paths = std::count(header.begin(), header.end(), "data_path") != 0 &&
                    std::count(header.begin(), header.end(), "ack_path") != 0;
  while (std::getline(in, line)) {
    ++where.line;
    const Cells cells = split(line);
    if (cells.empty()) continue;
    if (cells.size() != header.size())
      throw UserError(
          where, fmt::format("has {} columns, the first line has {}", cells.size(), header.size()));
    table.flows.push_back({number<std::uint32_t>(cells[from.index], where),
                           number<std::uint32_t>(cells[to.index], where),
                           Bytes(number<std::int64_t>(cells[size.index], where)),
                           SimTime::at(time(cells, start, where))});
    table.completion.push_back(time(cells, completion, where));
  }
  if (table.flows.empty()) throw UserError({file}, "has no flows");
  return table;
}

}  // namespace plait::validation
