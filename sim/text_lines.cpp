// SPDX-License-Identifier: Apache-2.0
#include "sim/text_lines.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace plait {

namespace {

// Bytes of the well-formed sequence that begins at `at`, 0 if there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<std::uint8_t>(text[at + i]) : std::uint8_t{0};
  };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || first > 0xf4) return 0;
  std::uint8_t least = 0x80, most = 0xbf;  // of the second byte: no overlong forms, no surrogates
  if (first == 0xe0) least = 0xa0;
  if (first == 0xed) most = 0x9f;
  if (first == 0xf0) least = 0x90;
  if (first == 0xf4) most = 0x8f;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  return length;
}

}  // namespace

bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const bool control = byte < 0x20 || byte == 0x7f;
    if (control && (byte < '\t' || byte > '\r')) return false;
    const std::size_t length = sequence_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

TextLines::TextLines(const std::filesystem::path& file) : where_{file.string(), 0, 0} {
  std::error_code status;
  if (std::filesystem::is_directory(file, status))
    throw UserError(where_, "is a folder where a file is due");
  in_.open(file, std::ios::binary);
  if (in_) return;
  throw UserError(where_, std::filesystem::exists(file, status)
                              ? "cannot be opened"
                              : "cannot be opened: there is no such file");
}

bool TextLines::next() {
  text_.clear();
  std::streambuf& bytes = *in_.rdbuf();
  const auto end = std::streambuf::traits_type::eof();
  int byte = bytes.sbumpc();
  if (byte == end) return false;
  ++where_.line;
  for (; byte != end && byte != '\n'; byte = bytes.sbumpc()) {
    if (text_.size() == kLongest)
      throw UserError(where_,
                      fmt::format("the line is longer than {} bytes; is this text?", kLongest));
    text_ += static_cast<char>(byte);
  }
  if (!is_plain_text(text_)) throw UserError(where_, "is not UTF-8 text");
  return true;
}

}  // namespace plait
