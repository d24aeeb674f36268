// SPDX-License-Identifier: Apache-2.0
#include "sim/error.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace plait {

std::string SourceLocation::to_string() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line);
  if (line > 0 && column > 0) text += ":" + std::to_string(column);
  return text;
}

namespace {
std::string prefixed(const SourceLocation& where, const std::string& message) {
  const std::string place = where.to_string();
  return place.empty() ? message : place + ": " + message;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}
}  // namespace

UserError::UserError(SourceLocation where, const std::string& message)
    : std::runtime_error(prefixed(where, message)), where_(std::move(where)) {}

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  // Capitals count only between candidates that are equally near without them.
  const std::size_t limit = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::tuple<std::size_t, std::size_t> best{limit, 0};
  std::string name;
  const std::string lower = lower_case(word);
  for (const std::string& candidate : candidates) {
    const std::tuple distance{edit_distance(lower, lower_case(candidate)),
                              edit_distance(word, candidate)};
    if (distance < best) {
      best = distance;
      name = candidate;
    }
  }
  return name;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string name = nearest_name(word, candidates);
  return name.empty() ? "" : "; did you mean '" + name + "'?";
}

}  // namespace plait
