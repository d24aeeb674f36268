// SPDX-License-Identifier: Apache-2.0
#include "workloads/csv_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/error.hpp"
#include "sim/text_lines.hpp"

namespace plait {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

CsvFields fields_of(std::string_view line) {
  CsvFields fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    fields.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return fields;
}

}  // namespace

void for_each_csv_line(const std::filesystem::path& file, std::string_view header,
                       const std::function<void(const CsvFields& fields)>& visit) {
  const std::size_t columns = fields_of(header).size();
  TextLines lines(file);
  bool has_header = false;
  while (lines.next()) {
    const std::string_view text = trimmed(lines.text());
    if (text.empty() || text.front() == '#') continue;
    if (!has_header) {
      if (text != header)
        throw UserError(lines.where(), fmt::format("the first line must be '{}'", header));
      has_header = true;
      continue;
    }
    const CsvFields fields = fields_of(text);
    if (fields.size() != columns)
      throw UserError(lines.where(),
                      fmt::format("expected {}, got {} fields", header, fields.size()));
    try {
      visit(fields);
    } catch (const UserError& error) {
      throw UserError(lines.where(), error.what());
    }
  }
}

}  // namespace plait
