// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file int_list.hpp
/// Lists of whole numbers written as text, as PyTorch does with ranks and split sizes.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace plait {

/// "[1, 2, 3]" or "1,2,3" as numbers; nothing if it is anything else, such as a list that its
/// writer cut short with "...".
inline std::optional<std::vector<std::int64_t>> parse_int_list(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty()) break;
    if (!text.starts_with(',')) return std::nullopt;
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
  }
  return numbers;
}

}  // namespace plait
