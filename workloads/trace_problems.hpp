// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace_problems.hpp
/// What is wrong with a trace. A run stops at the first thing that cannot be repaired; `plait trace
/// check` collects all.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/error.hpp"

namespace plait {

enum class TraceProblem : std::uint8_t {
  kFile,        ///< Missing, unreadable, truncated.
  kOp,          ///< An op that cannot be simulated.
  kDependency,  ///< Of an op on itself, on a missing op, in a cycle.
  kGroup,       ///< A process group that is not known, or not all there.
  kMessage,     ///< Sends and recvs that do not match.
  kCollective,  ///< Members of a group that call different things.
  kStuck,       ///< Ops that can never start.
};
constexpr std::size_t kTraceProblems = 7;

std::string_view to_string(TraceProblem problem);

/// Problems found so far, the first of each class with their text.
class TraceProblems {
 public:
  static constexpr std::size_t kShown = 20;

  struct OfClass {
    std::uint64_t count = 0;
    std::vector<std::string> shown;
  };

  void add(TraceProblem problem, const std::string& text) {
    OfClass& all = classes_[static_cast<std::size_t>(problem)];
    ++all.count;
    if (all.shown.size() < kShown) all.shown.push_back(text);
  }
  const OfClass& of(TraceProblem problem) const {
    return classes_[static_cast<std::size_t>(problem)];
  }
  bool any() const {
    for (const OfClass& all : classes_)
      if (all.count > 0) return true;
    return false;
  }

 private:
  std::array<OfClass, kTraceProblems> classes_;
};

/// Where the readers' findings go.
struct TraceLog {
  bool strict = false;
  std::vector<std::string>* warnings = nullptr;
  TraceProblems* problems = nullptr;  ///< Null: the first problem is thrown.

  void warn(const std::string& text) const {
    if (warnings != nullptr) warnings->push_back(text);
  }
  void fail(TraceProblem problem, const std::string& text) const {
    if (problems == nullptr) throw UserError(text);
    problems->add(problem, text);
  }
  /// Runs `step`; whether it went well. When problems are collected, its UserError is one.
  template <class Step>
  bool attempt(TraceProblem problem, Step&& step) const {
    if (problems == nullptr) {
      step();
      return true;
    }
    try {
      step();
      return true;
    } catch (const UserError& error) {
      problems->add(problem, error.what());
      return false;
    }
  }
};

}  // namespace plait
