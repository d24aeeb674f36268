// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/fetch_queue.hpp"

namespace plait {
namespace {

alignas(64) char memory[64 * 1024];

TEST_CASE("Fetching ahead counts cache lines, each once") {
  FetchQueue ahead;
  ahead.add(memory, 64);
  CHECK(ahead.waiting() == 1);
  ahead.add(memory + 60, 8);  // across a boundary: 2 lines
  CHECK(ahead.waiting() == 3);
  ahead.add(memory + 130, 190);  // bytes 130..319: lines 2, 3, 4
  CHECK(ahead.waiting() == 6);
  ahead.add(memory + 64);  // one byte
  CHECK(ahead.waiting() == 7);
  ahead.step(4);
  CHECK(ahead.waiting() == 3);
  ahead.step(100);
  CHECK(ahead.waiting() == 0);
}

TEST_CASE("Fetching ahead forgets what does not fit") {
  FetchQueue ahead;
  ahead.finish();
  CHECK(ahead.waiting() == 0);
  ahead.add(memory, sizeof memory);  // 1024 lines
  CHECK(ahead.waiting() == 512);
  ahead.finish();
  CHECK(ahead.waiting() == 0);
  ahead.add(memory, 64);  // room again
  CHECK(ahead.waiting() == 1);
}

}  // namespace
}  // namespace plait
