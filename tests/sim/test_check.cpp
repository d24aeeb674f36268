// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "sim/units.hpp"

using namespace plait;
using Catch::Contains;

TEST_CASE("a broken invariant names the place, the condition and both values", "[check]") {
  const Duration a = Duration::us(2), b = Duration::us(1);
  CHECK_THROWS_WITH([&] { PLAIT_CHECK_LE(a, b); }(), Contains("test_check.cpp:") &&
                                                         Contains("'a <= b'") &&
                                                         Contains("left = 2us, right = 1us"));
  CHECK_THROWS_WITH([&] { PLAIT_CHECK(a < b, "the reason"); }(),
                    Contains("'a < b'") && Contains("the reason"));
}

TEST_CASE("an invariant that holds is silent and is evaluated once", "[check]") {
  int calls = 0;
  const auto count = [&calls] { return ++calls; };
  CHECK_NOTHROW([&] { PLAIT_CHECK_EQ(count(), 1); }());
  CHECK(calls == 1);
}

TEST_CASE("a fault of ours is not a user's mistake", "[check]") {
  bool fault = false;
  try {
    PLAIT_CHECK_LT(1, 1);
  } catch (const UserError&) {
  } catch (const InternalFault&) {
    fault = true;
  }
  CHECK(fault);
}
