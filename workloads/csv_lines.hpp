// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file csv_lines.hpp
/// Lists of users: one item a line, its fields between commas. Empty lines and lines that begin
/// with # are comments; the first other line names the columns.

#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace plait {

using CsvFields = std::vector<std::string_view>;

/// Calls `visit` for each item with its fields, without the space around them.
/// @param header the columns, as "src,dst,bytes,start".
/// @throws UserError naming file and line, also where `visit` throws one.
void for_each_csv_line(const std::filesystem::path& file, std::string_view header,
                       const std::function<void(const CsvFields& fields)>& visit);

}  // namespace plait
