// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file scanner.hpp
/// Words, numbers and punctuation of a GOAL text, read through a small window however long the file
/// is (plain or gzip). Comments (`//` to the end of the line, `/* */`) and white space separate.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sim/error.hpp"

namespace plait {

struct GoalToken {
  enum class Kind : std::uint8_t { kEnd, kWord, kNumber, kPunctuation };
  Kind kind = Kind::kEnd;
  std::string text;  ///< As it stands in the file.
  int line = 0, column = 0;

  bool is(std::string_view wanted) const { return kind != Kind::kEnd && text == wanted; }
};

class GoalScanner {
 public:
  /// @throws UserError if the file cannot be opened.
  explicit GoalScanner(const std::string& file);

  const GoalToken& peek() const { return token_; }
  /// Returns the current token and moves on. @throws UserError for characters that GOAL has not.
  GoalToken take();
  [[noreturn]] void fail(const GoalToken& at, const std::string& message) const;

 private:
  static constexpr int kEndOfFile = -1;
  struct Close {
    void operator()(void* file) const;
  };

  int look();  // the next character, not taken
  int next();
  void skip_space();
  void skip_block_comment(const GoalToken& start);
  void scan();

  std::string file_;
  std::unique_ptr<void, Close> handle_;  // zlib's gzFile, which reads plain files as well
  std::array<char, 1 << 16> window_{};
  std::size_t at_ = 0, filled_ = 0;
  int line_ = 1, column_ = 1;
  GoalToken token_;
};

}  // namespace plait
