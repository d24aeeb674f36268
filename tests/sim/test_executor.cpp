// SPDX-License-Identifier: Apache-2.0
#include <tbb/global_control.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sim/executor.hpp"

namespace plait {

namespace {

using Clock = std::chrono::steady_clock;

// Makes one call. Who has a task waits until as many are under way as wanted, at most 20 ms, so
// that nobody takes two while there is somebody else. @return how many threads took part.
std::size_t count_threads(Executor& executor, std::size_t wanted) {
  const auto soon = Clock::now() + std::chrono::milliseconds(20);
  std::atomic<unsigned> begun = 0;
  std::vector<std::thread::id> ids(executor.threads());
  executor.run([&](unsigned task) {
    ids[task] = std::this_thread::get_id();
    ++begun;
    while (begun < wanted && Clock::now() < soon) std::this_thread::yield();
  });
  return std::set(ids.begin(), ids.end()).size();
}

// Makes calls until as many threads as wanted have taken part in one, for 20 s. @pre within
// enclose().
bool have_come(Executor& executor, std::size_t wanted) {
  const auto late = Clock::now() + std::chrono::seconds(20);
  while (Clock::now() < late)
    if (count_threads(executor, wanted) >= wanted) return true;
  return false;
}

// Without a second core the caller does everything.
std::size_t with_helper(unsigned threads) { return threads > 1 && available_cores() > 1 ? 2 : 1; }

}  // namespace

TEST_CASE("every task runs once a call, and its caller sees what it wrote", "[executor][thread]") {
  // Also with more threads than cores, and with pauses in which the others fall asleep (they look
  // out for some 0.1 ms).
  const unsigned threads = GENERATE(1U, 2U, 3U, 16U);
  const bool pauses = GENERATE(false, true);
  const auto executor = make_executor(threads);
  REQUIRE(executor->threads() == threads);
  std::vector<unsigned> runs(threads);  // not atomic: run() orders them
  const unsigned calls = pauses ? 20 : 2000;
  for (unsigned round = 0; round < 2; ++round)
    executor->enclose([&] {
      REQUIRE(have_come(*executor, with_helper(threads)));
      for (unsigned call = 0; call < calls; ++call) {
        executor->run([&](unsigned task) { ++runs.at(task); });
        const unsigned expected = round * calls + call + 1;
        if (runs != std::vector<unsigned>(threads, expected)) FAIL("call " << expected);
        if (pauses) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  executor->run([&](unsigned task) { ++runs[task]; });  // outside: on the caller's thread
  CHECK(runs == std::vector<unsigned>(threads, 2 * calls + 1));
}

TEST_CASE("as many threads help as the library is allowed, one at least", "[executor][thread]") {
  if (available_cores() < 2) return;
  const std::size_t most = GENERATE(1U, 2U, 3U, 4U);
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, most);
  const auto executor = make_executor(8);
  const std::size_t expected = std::max<std::size_t>(most, 2);
  executor->enclose([&] {
    CHECK(have_come(*executor, expected));
    for (unsigned call = 0; call < 5; ++call) CHECK(count_threads(*executor, 8) <= expected);
  });
}

TEST_CASE("an exception of a task reaches the caller when all tasks are done",
          "[executor][thread]") {
  const unsigned threads = GENERATE(1U, 4U);
  const auto executor = make_executor(threads);
  const auto fail_in = [&](unsigned bad) {
    std::vector<unsigned> runs(threads);
    bool thrown = false;
    try {
      executor->run([&](unsigned task) {
        ++runs[task];
        if (task >= bad) throw std::runtime_error("task " + std::to_string(task));
      });
    } catch (const std::runtime_error& error) {
      thrown = std::string(error.what()).starts_with("task ");
    }
    CHECK(thrown == (bad < threads));
    CHECK(runs == std::vector<unsigned>(threads, 1));
  };
  executor->enclose([&] {
    REQUIRE(have_come(*executor, with_helper(threads)));
    for (unsigned bad = 0; bad <= threads; ++bad) fail_in(bad);
  });
  // The loop's own leaves enclose(), and the executor can be used again.
  CHECK_THROWS_AS(executor->enclose([] { throw std::runtime_error("loop"); }), std::runtime_error);
  executor->enclose([&] { fail_in(threads); });
}

}  // namespace plait
