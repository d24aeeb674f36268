// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file check.hpp
/// Checks of our own invariants, on in release builds. PLAIT_CHECK_xx prints both values.
/// PLAIT_DCHECK costs nothing in release builds and is for hot loops only.

#include <sstream>
#include <string>

namespace plait::detail {

[[noreturn]] void check_failed(const char* file, int line, const char* expression,
                               const std::string& values);

template <class A, class B>
[[noreturn]] void check_op_failed(const char* file, int line, const char* expression, const A& a,
                                  const B& b) {
  std::ostringstream text;
  text << "left = " << a << ", right = " << b;
  check_failed(file, line, expression, text.str());
}

}  // namespace plait::detail

#define PLAIT_CHECK(condition, values)                                       \
  do {                                                                       \
    if (!(condition)) [[unlikely]]                                           \
      ::plait::detail::check_failed(__FILE__, __LINE__, #condition, values); \
  } while (false)

#define PLAIT_CHECK_OP(a, op, b)                                                                 \
  do {                                                                                           \
    const auto& plait_a = (a);                                                                   \
    const auto& plait_b = (b);                                                                   \
    if (!(plait_a op plait_b)) [[unlikely]]                                                      \
      ::plait::detail::check_op_failed(__FILE__, __LINE__, #a " " #op " " #b, plait_a, plait_b); \
  } while (false)

#define PLAIT_CHECK_EQ(a, b) PLAIT_CHECK_OP(a, ==, b)
#define PLAIT_CHECK_LT(a, b) PLAIT_CHECK_OP(a, <, b)
#define PLAIT_CHECK_LE(a, b) PLAIT_CHECK_OP(a, <=, b)
#define PLAIT_CHECK_GE(a, b) PLAIT_CHECK_OP(a, >=, b)

#ifdef NDEBUG
#define PLAIT_DCHECK(condition, values) static_cast<void>(0)
#else
#define PLAIT_DCHECK(condition, values) PLAIT_CHECK(condition, values)
#endif
