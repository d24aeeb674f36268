// SPDX-License-Identifier: Apache-2.0
#include "study/config_printer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace plait {

namespace {

// Columns of one level; an item's dash stands in the last level's indentation.
constexpr std::size_t kIndent = 2;
// Comments line up unless a value is longer than this.
constexpr std::size_t kMaxComment = 48;

bool starts_deeper(const std::vector<ResolvedLine>& lines, std::size_t i) {
  return i + 1 < lines.size() && lines[i + 1].depth > lines[i].depth;
}

}  // namespace

std::string print_resolved(const std::vector<ResolvedLine>& lines, bool origins) {
  std::vector<std::string> left;
  std::string dash;  // of an item whose first key is still to come
  std::size_t column = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const ResolvedLine& line = lines[i];
    if (line.kind == ResolvedLine::Kind::kItem) {
      const std::string own_dash = std::string(line.depth * kIndent, ' ') + "- ";
      const bool has_keys = starts_deeper(lines, i);
      left.push_back(has_keys ? "" : own_dash + "{}");
      dash = has_keys ? own_dash : "";
      continue;
    }
    std::string text = dash.empty() ? std::string(line.depth * kIndent, ' ') : dash;
    text += line.key + ":";
    if (line.kind == ResolvedLine::Kind::kTable && !starts_deeper(lines, i)) text += " {}";
    if (!line.value.empty()) text += " " + line.value;
    if (!line.origin.empty() && text.size() <= kMaxComment) column = std::max(column, text.size());
    left.push_back(text);
    dash.clear();
  }
  std::string result;
  std::size_t row = 0;
  for (const ResolvedLine& line : lines) {
    const std::string& text = left[row++];
    if (text.empty()) continue;
    result += text;
    if (origins && !line.origin.empty())
      result += fmt::format("{:{}}  # {}", "", column > text.size() ? column - text.size() : 0,
                            line.origin);
    result += "\n";
  }
  return result;
}

}  // namespace plait
