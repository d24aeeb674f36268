// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file text_lines.hpp
/// Lines of a text file that the user named: lists of flows, hosts, requests and the like.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "sim/error.hpp"

namespace plait {

/// Reads a file, or a pipe, line by line. What is no text is refused before any of it can come into
/// a message.
class TextLines {
 public:
  static constexpr std::size_t kLongest = 1 << 20;  ///< Bytes of a line.

  /// @throws UserError if there is no such file, it is a folder or cannot be opened.
  explicit TextLines(const std::filesystem::path& file);

  /// Goes to the next line; false at the end.
  /// @throws UserError naming file and line, if it is longer than kLongest, is not UTF-8 or has
  /// control characters other than tabs and a carriage return.
  bool next();
  const std::string& text() const { return text_; }  ///< Without the end of line.
  const SourceLocation& where() const { return where_; }

 private:
  std::ifstream in_;
  std::string text_;
  SourceLocation where_;
};

/// Whether `text` is UTF-8 without control characters other than white space. Source of the ranges:
/// The Unicode Standard 15.0, table 3-7, "Well-Formed UTF-8 Byte Sequences".
bool is_plain_text(std::string_view text);

}  // namespace plait
