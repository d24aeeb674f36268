// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "sim/due_list.hpp"

namespace plait {
namespace {

TEST_CASE("due list: the owner takes from the front, others from the back, each entity once") {
  DueList due;
  CHECK_FALSE(due.take_back(4));  // not yet open
  for (std::uint32_t slot = 100; slot < 110; ++slot) due.add(slot);
  CHECK_FALSE(due.take_front(4));
  due.open();
  const auto front = due.take_front(4);  // of 0..9
  CHECK(front.begin == 0);
  CHECK(front.end == 4);
  CHECK(due[front.begin] == 100);
  const auto back = due.take_back(4);
  CHECK(back.begin == 6);
  CHECK(back.end == 10);
  const auto rest = due.take_front(4);  // two are left
  CHECK(rest.begin == 4);
  CHECK(rest.end == 6);
  CHECK_FALSE(due.take_front(1));
  CHECK_FALSE(due.take_back(1));
  due.clear();
  due.add(7);
  CHECK_FALSE(due.take_back(1));
  due.open();
  CHECK(due.take_back(4).end == 1);
}

TEST_CASE("due list: no entity is taken twice or left by threads at both ends") {
  constexpr std::uint32_t kSlots = 100'000;
  DueList due;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) due.add(slot);
  std::array<std::vector<std::uint32_t>, 3> taken;
  const auto work = [&](std::size_t who) {
    while (const auto block = who == 0 ? due.take_front(3) : due.take_back(2))
      for (std::size_t i = block.begin; i < block.end; ++i) taken[who].push_back(due[i]);
  };
  due.open();
  std::thread first(work, 1), second(work, 2);
  work(0);
  first.join();
  second.join();
  std::vector<int> times(kSlots, 0);
  for (const auto& slots : taken)
    for (const std::uint32_t slot : slots) ++times[slot];
  CHECK(times == std::vector<int>(kSlots, 1));
}

}  // namespace
}  // namespace plait
