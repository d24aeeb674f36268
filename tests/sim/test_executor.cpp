// SPDX-License-Identifier: Apache-2.0
#include <tbb/global_control.h>

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

TEST_CASE("a second thread takes its part", "[executor][thread]") {
  // The calls before it has come are done by the first alone.
  if (std::thread::hardware_concurrency() < 2) return;
  const auto executor = make_executor(2);
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool shared = false;
  executor->enclose([&] {
    while (!shared && std::chrono::steady_clock::now() < late) {
      std::vector<std::thread::id> ids(2);
      executor->run([&](unsigned task) { ids[task] = std::this_thread::get_id(); });
      shared = ids[0] != ids[1];
    }
  });
  CHECK(shared);
}

TEST_CASE("as many threads help as the library is allowed", "[executor][thread]") {
  if (std::thread::hardware_concurrency() < 2) return;  // all is done by the caller
  const unsigned threads = 4;
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  const auto executor = make_executor(threads);
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::size_t came = 0;
  executor->enclose([&] {
    while (came < threads && std::chrono::steady_clock::now() < late) {
      // Each task waits for the others, so that no thread takes two of them if there are enough.
      const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
      std::atomic<unsigned> begun = 0;
      std::vector<std::thread::id> ids(threads);
      executor->run([&](unsigned task) {
        ids[task] = std::this_thread::get_id();
        ++begun;
        while (begun < threads && std::chrono::steady_clock::now() < soon)
          std::this_thread::yield();
      });
      came = std::set(ids.begin(), ids.end()).size();
    }
  });
  CHECK(came == threads);
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
    for (unsigned bad = 0; bad <= threads; ++bad) fail_in(bad);
  });
  // The loop's own leaves enclose(), and the executor can be used again.
  CHECK_THROWS_AS(executor->enclose([] { throw std::runtime_error("loop"); }), std::runtime_error);
  executor->enclose([&] { fail_in(threads); });
}

}  // namespace plait
