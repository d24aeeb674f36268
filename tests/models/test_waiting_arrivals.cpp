// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <deque>

#include "models/waiting_arrivals.hpp"
#include "sim/random.hpp"

using namespace plait;

TEST_CASE("arrivals leave their queues in the order in which they came", "[switch]") {
  WaitingArrivals queues;
  RandomStream random(1, 0, 0);
  for (int port = 0; port < 200; ++port) {
    const auto count = static_cast<std::uint32_t>(1 + random.below(300));
    queues.reserve(count);
    std::array<std::deque<std::uint32_t>, kPriorities> expected;
    const auto pop = [&](std::uint32_t priority) {
      std::deque<std::uint32_t>& queue = expected[priority];
      REQUIRE(queues.front(priority) == queue.front());
      queue.pop_front();
      REQUIRE(queues.pop(priority) == !queue.empty());
    };
    for (std::uint32_t arrival = 0; arrival < count; ++arrival) {
      const auto priority = static_cast<std::uint32_t>(random.below(kPriorities));
      queues.push(priority, arrival);
      expected[priority].push_back(arrival);
      while (random.below(3) == 0) {
        const auto other = static_cast<std::uint32_t>(random.below(kPriorities));
        if (!expected[other].empty()) pop(other);
      }
    }
    for (std::uint32_t p = 0; p < kPriorities; ++p)
      while (!expected[p].empty()) pop(p);
  }
}
