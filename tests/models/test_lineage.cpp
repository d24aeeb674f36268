// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <queue>
#include <vector>

#include "models/lineage.hpp"
#include "sim/hash.hpp"
#include "tests/support/fabric_run.hpp"
#include "topologies/registry.hpp"

namespace plait {
namespace {

// An event list as other simulators have it: by time, then by number of posting.
struct Event {
  std::int64_t at_ps;
  std::uint64_t posted;
  Lineage lineage;
  bool operator>(const Event& other) const {
    return at_ps != other.at_ps ? at_ps > other.at_ps : posted > other.posted;
  }
};

}  // namespace

TEST_CASE("lineage orders equal times as the number of posting does") {
  // Eight chains of events whose delays come from {1, 2, 3}, mostly long runs of one delay, so that
  // equal times are frequent: whenever two events of one time come from different chains, the one
  // that was posted first must have the lesser lineage.
  const std::uint64_t seed = GENERATE(range(1, 20));
  std::priority_queue<Event, std::vector<Event>, std::greater<>> list;
  std::uint64_t posted = 0, ties = 0;
  for (std::uint32_t chain = 0; chain < 8; ++chain) list.push({0, posted++, Lineage(chain)});
  Event before{-1, 0, Lineage()};
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Event event = list.top();
    list.pop();
    if (event.at_ps == before.at_ps) {
      ++ties;
      REQUIRE(before.lineage < event.lineage);
      REQUIRE_FALSE(event.lineage < before.lineage);
    }
    before = event;
    const bool change = hash64(seed, i) % 64 == 0;  // seldom enough for the memory of 12 runs
    const std::int64_t delay = change ? 1 + static_cast<std::int64_t>(hash64(seed, ~i) % 2) : 3;
    list.push({event.at_ps + delay, posted++, event.lineage.then(event.at_ps)});
  }
  CHECK(ties > 1000);
}

TEST_CASE("order of posting: equal for any number of threads and window") {
  const auto run = [](unsigned threads, Duration window) {
    NetworkParams p = test::bare_network();
    p.wire.clock = Duration::ns(1);
    p.wire.tie_order = TieOrder::kPosting;
    p.transport.congestion_control.kind = CcKind::kHpcc;
    FabricParts parts;
    parts.host = {1, 1};
    test::FabricRun fabric(build(LeafSpineParams{}, parts), p);
    std::vector<test::FlowSpec> flows;
    const auto hosts = static_cast<std::uint32_t>(fabric.graph().endpoint_count());
    for (std::uint32_t i = 0; i < hosts; ++i)
      flows.push_back({i, (i * 5 + 3) % hosts, Bytes(100'000)});
    REQUIRE(fabric.run(flows, threads, SimTime::never(), window) == RunEnd::kFinished);
    return fabric.records().totals.fingerprint;
  };
  const std::uint64_t expected = run(1, Duration::max());
  CHECK(run(2, Duration::max()) == expected);
  CHECK(run(3, Duration::ns(37)) == expected);
}

}  // namespace plait
