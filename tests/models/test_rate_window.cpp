// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdint>

#include "models/cc/rate_window.hpp"

namespace plait {

TEST_CASE("a window in proportion to the rate, also where the product leaves 64 bits",
          "[transport]") {
  // 125,000 * 33e9 / 100e9 = 41,250; 1 * 1 / 3: never nothing.
  CHECK(window_at(Bytes(125'000), 33'000'000'000, 100'000'000'000) == Bytes(41'250));
  CHECK(window_at(Bytes(1), 1, 3) == Bytes(1));
  // 2^30 * 1e13 = 1.07e22 is above 2^63 = 9.2e18; over 3e13: 357,913,941.33.
  CHECK(window_at(Bytes::gibi(1), 10'000'000'000'000, 30'000'000'000'000) == Bytes(357'913'941));
  // 2^63 - 1 itself fits: (2^63 - 1) * 1 / 2.
  CHECK(window_at(Bytes(INT64_MAX), 1, 2) == Bytes(INT64_MAX / 2));
  CHECK(window_at(Bytes(INT64_MAX), 2, 4) == Bytes(INT64_MAX / 2));
}

}  // namespace plait
