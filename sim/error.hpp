// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file error.hpp
/// The two kinds of failure. A user's mistake is a `UserError`: its text is what the user reads. A
/// fault of ours is an `InternalFault`, thrown by the checks of check.hpp, which stay on in release
/// builds. The library never prints and never exits; the program or the Python module decides.

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace plait {

/// Where in the user's input a mistake stands. Line and column count from 1; 0 = not known.
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;

  /// "file:line:column", without the parts that are not known; empty if nothing is known.
  std::string to_string() const;
};

/// A user's mistake: wrong scenario, unreadable trace, impossible combination.
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& message) : std::runtime_error(message) {}
  UserError(SourceLocation where, const std::string& message);

  const SourceLocation& where() const { return where_; }

 private:
  SourceLocation where_;
};

/// The traffic or the workload can never finish: the message says who waits for what.
class DeadlockError : public UserError {
 public:
  using UserError::UserError;
};

/// A fault of Plait itself: a broken invariant. Please report.
class InternalFault : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The candidate nearest to `word` by edit distance, capitals ignored first, or an empty string
/// when none is close (distance above a third of the word's length, at least 2).
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" or an empty string.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace plait
