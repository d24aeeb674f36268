// SPDX-License-Identifier: Apache-2.0
#include "workloads/goal/scanner.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cctype>
#include <filesystem>
#include <utility>

namespace plait {

namespace {

template <class Handle>
gzFile stream(const Handle& handle) {
  return static_cast<gzFile>(handle.get());
}

bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(int c) { return c >= '0' && c <= '9'; }
bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(int c) { return is_letter(c) || is_digit(c) || c == '_'; }

constexpr std::size_t kLongestToken = 1024;

}  // namespace

void GoalScanner::Close::operator()(void* file) const { gzclose_r(static_cast<gzFile>(file)); }

GoalScanner::GoalScanner(const std::string& file) : file_(file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    throw UserError(fmt::format("{}: is a folder, not a GOAL file", file));
  handle_.reset(gzopen(file.c_str(), "rb"));
  if (!handle_) throw UserError(fmt::format("{}: cannot be opened", file));
  scan();
}

GoalToken GoalScanner::take() {
  GoalToken taken = std::move(token_);
  scan();
  return taken;
}

void GoalScanner::fail(const GoalToken& at, const std::string& message) const {
  throw UserError(SourceLocation{file_, at.line, at.column}, message);
}

int GoalScanner::look() {
  if (at_ < filled_) return static_cast<unsigned char>(window_[at_]);
  const int count = gzread(stream(handle_), window_.data(), static_cast<unsigned>(window_.size()));
  int error = Z_OK;
  const char* what = gzerror(stream(handle_), &error);
  if (count < 0 || error == Z_BUF_ERROR)
    throw UserError(SourceLocation{file_, line_, column_},
                    error == Z_BUF_ERROR ? "gzip data end here (truncated)"
                                         : fmt::format("cannot be read: {}", what));
  at_ = 0;
  filled_ = static_cast<std::size_t>(count);
  return filled_ == 0 ? kEndOfFile : static_cast<unsigned char>(window_[0]);
}

int GoalScanner::next() {
  const int c = look();
  if (c == kEndOfFile) return c;
  ++at_;
  if (c == '\n') {
    ++line_;
    column_ = 1;
  } else {
    ++column_;
  }
  return c;
}

void GoalScanner::skip_space() {
  while (true) {
    while (is_space(look())) next();
    if (look() != '/') return;
    const GoalToken start{GoalToken::Kind::kPunctuation, "/", line_, column_};
    next();
    if (look() == '/') {
      while (look() != '\n' && look() != kEndOfFile) next();
    } else if (look() == '*') {
      next();
      skip_block_comment(start);
    } else {
      fail(start, "unexpected '/'; comments begin with // or /*");
    }
  }
}

void GoalScanner::skip_block_comment(const GoalToken& start) {
  for (int before = 0, c = next();; before = c, c = next()) {
    if (c == kEndOfFile) fail(start, "the comment that begins here does not end");
    if (before == '*' && c == '/') return;
  }
}

void GoalScanner::scan() {
  skip_space();
  token_ = {GoalToken::Kind::kEnd, "", line_, column_};
  const int first = look();
  if (first == kEndOfFile) return;
  token_.text += static_cast<char>(next());
  const auto collect = [&](auto belongs) {
    while (belongs(look())) {
      if (token_.text.size() == kLongestToken)
        fail(token_,
             fmt::format("a word of more than {} characters; is this a GOAL text?", kLongestToken));
      token_.text += static_cast<char>(next());
    }
  };
  if (is_letter(first)) {
    token_.kind = GoalToken::Kind::kWord;
    collect(is_word);
  } else if (is_digit(first) || (first == '-' && is_digit(look()))) {
    token_.kind = GoalToken::Kind::kNumber;
    collect(is_digit);
  } else if (first == '{' || first == '}' || first == ':') {
    token_.kind = GoalToken::Kind::kPunctuation;
  } else {
    fail(token_, std::isprint(first) != 0
                     ? fmt::format("unexpected character '{}'", static_cast<char>(first))
                     : fmt::format("unexpected byte 0x{:02x}; is this a GOAL text?", first));
  }
}

}  // namespace plait
