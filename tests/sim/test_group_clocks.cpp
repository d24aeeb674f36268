// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "sim/group_clocks.hpp"
#include "sim/random.hpp"

namespace plait {
namespace {

constexpr std::int64_t kNever = EntityGroups::kNever;

// Hosts, leaves, spines, cores in a row: 200 from host to leaf and back, 2000 beyond.
EntityGroups row_of_tiers() {
  return {{},
          {0, 1, 0, 1},
          {kNever, 200, kNever, kNever,  //
           200, kNever, 2000, kNever,    //
           kNever, 2000, kNever, 2000,   //
           kNever, kNever, 2000, kNever}};
}

struct Run {
  std::vector<std::int64_t> windows, longest;
};
// Turns until all groups have reached `until`, each checked against the rule of lookahead and what
// spread() promises: nobody is further ahead of a time in this window.
Run run(const EntityGroups& groups, std::int64_t until) {
  const std::size_t count = groups.count();
  GroupClocks clocks(groups);
  std::vector<std::int64_t> clock(count, 0);
  Run run{std::vector<std::int64_t>(count, 0), std::vector<std::int64_t>(count, 0)};
  GroupClocks::Turn turn;
  bool sound = true, near = true;
  while (clocks.next(until, turn)) {
    sound &=
        turn.begin_ps == clock[turn.group] && turn.begin_ps < turn.end_ps && turn.end_ps <= until;
    for (std::size_t from = 0; from < count; ++from) {
      const std::int64_t lookahead = groups.lookahead(from, turn.group);
      sound &= lookahead == kNever || turn.end_ps - clock[from] <= lookahead;
    }
    clocks.set(turn.group, turn.end_ps);
    clock[turn.group] = turn.end_ps;
    for (const std::int64_t c : clock) near &= c - turn.begin_ps <= groups.spread().ps();
    sound &= clocks.earliest() == *std::min_element(clock.begin(), clock.end());
    ++run.windows[turn.group];
    run.longest[turn.group] = std::max(run.longest[turn.group], turn.end_ps - turn.begin_ps);
  }
  CHECK(sound);
  CHECK(near);
  CHECK(clock == std::vector<std::int64_t>(count, until));
  return run;
}

}  // namespace

TEST_CASE("one group runs windows of its latency, two leapfrog", "[engine]") {
  CHECK(run(EntityGroups::single(5, Duration::ps(1000)), 100'000).windows ==
        std::vector<std::int64_t>{100});
  // Out 700, back 300: windows of 1000, but for the first and the last.
  const Run two = run({{}, {0, 1}, {kNever, 700, 300, kNever}}, 100'000);
  CHECK(two.longest == std::vector<std::int64_t>{1000, 1000});
  CHECK(two.windows == std::vector<std::int64_t>{101, 100});
}

TEST_CASE("far groups run long windows beside near ones with short ones", "[engine]") {
  const Run tiers = run(row_of_tiers(), 400'000);
  CHECK(tiers.longest == std::vector<std::int64_t>{400, 400, 4000, 4000});
  // 400,000 / 400 = 1000 and 400,000 / 4000 = 100 at best. A leaf cannot pass a spine by more than
  // 2000, which may cut one of its windows in ten.
  CHECK(tiers.windows[0] <= 1110);
  CHECK(tiers.windows[1] <= 1110);
  CHECK(tiers.windows[2] <= 105);
  CHECK(tiers.windows[3] <= 105);
}

TEST_CASE("the spread of clocks: a window, or the way through all groups", "[engine]") {
  CHECK(EntityGroups::single(5, Duration::ps(1000)).spread() == Duration::ps(2000));
  CHECK(EntityGroups({{}, {0, 1}, {kNever, 700, 300, kNever}}).spread() == Duration::ps(1000));
  CHECK(row_of_tiers().spread() == Duration::ps(200 + 2000 + 2000));
}

TEST_CASE("random groups: nobody runs too far, and all arrive", "[engine][property]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomStream random(seed, 0, 0);
    const std::size_t count = 2 + random.below(6);
    EntityGroups groups;
    for (std::size_t g = 0; g < count; ++g) groups.side.push_back(g % 2);
    groups.lookahead_ps.assign(count * count, kNever);
    for (std::size_t from = 0; from < count; ++from)
      for (std::size_t to = 0; to < count; ++to)
        if ((from + to) % 2 == 1 && (random.below(2) == 0 || to == from + 1 || from == to + 1))
          groups.lookahead(from, to) = 1 + static_cast<std::int64_t>(random.below(5000));
    run(groups, 50'000);
  }
}

TEST_CASE("groups that nothing joins stay together all the same", "[engine]") {
  // Two pairs, 200 and 2000 apart. Who is behind waits for less than one of its windows of 4000,
  // and the other may then be one of its own further.
  GroupClocks clocks({{},
                      {0, 1, 0, 1},
                      {kNever, 200, kNever, kNever,   //
                       200, kNever, kNever, kNever,   //
                       kNever, kNever, kNever, 2000,  //
                       kNever, kNever, 2000, kNever}});
  std::vector<std::int64_t> clock(4, 0);
  std::int64_t apart = 0;
  for (GroupClocks::Turn turn; clocks.next(400'000, turn);) {
    clocks.set(turn.group, turn.end_ps);
    clock[turn.group] = turn.end_ps;
    const auto [least, most] = std::minmax_element(clock.begin(), clock.end());
    apart = std::max(apart, *most - *least);
  }
  CHECK(apart <= 4000 + 4000);
}

TEST_CASE("a group that nothing reaches is a fault", "[engine]") {
  CHECK_THROWS_AS(GroupClocks({{}, {0, 1}, {kNever, 5, kNever, kNever}}), InternalFault);
}

}  // namespace plait
