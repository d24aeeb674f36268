// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <numeric>
#include <optional>

#include "sim/error.hpp"
#include "tests/workloads/data_movement.hpp"

using namespace plait;
using plait::testing::DataMovement;

namespace {

constexpr CollectiveKind kKinds[] = {
    CollectiveKind::kAllReduce, CollectiveKind::kAllGather, CollectiveKind::kReduceScatter,
    CollectiveKind::kBroadcast, CollectiveKind::kAllToAll,  CollectiveKind::kBarrier,
    CollectiveKind::kReduce,    CollectiveKind::kGather,    CollectiveKind::kScatter};

/// A call with what it points to.
struct Case {
  CollectiveCall call;
  GroupLayout layout;
  std::optional<ByteMatrix> matrix;
};

std::uint32_t below(std::mt19937_64& random, std::size_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

/// One host, hosts of equal size (in blocks or dealt out), or any hosts.
std::vector<std::uint32_t> random_hosts(std::uint32_t n, std::mt19937_64& random) {
  std::vector<std::uint32_t> hosts(n);
  const std::uint32_t form = below(random, 4);
  std::uint32_t members = 1 + below(random, n);
  while (n % members != 0) --members;
  for (std::uint32_t p = 0; p < n; ++p) {
    if (form == 0) hosts[p] = 7;
    if (form == 1) hosts[p] = p / members;
    if (form == 2) hosts[p] = p % members;
    if (form == 3) hosts[p] = below(random, 5);
  }
  return hosts;
}

void fill(Case& c, CollectiveKind kind, std::uint32_t n, std::mt19937_64& random) {
  const std::int64_t sizes[] = {0, 1, below(random, 12), below(random, 200), 8 * n};
  c.call.kind = kind;
  c.call.group_size = n;
  c.call.root = below(random, n);
  c.call.size = Bytes(kind == CollectiveKind::kBarrier ? 0 : sizes[below(random, 5)]);
  c.call.max_chunk = Bytes(1 + below(random, below(random, 2) == 0 ? 10 : 300));
  c.call.window = below(random, 5);
  c.layout = make_layout(random_hosts(n, random), below(random, 4), 8);
  c.layout.in_switch_reduction = true;
  c.call.layout = &c.layout;
  if (kind != CollectiveKind::kAllToAll || below(random, 3) == 0) return;
  std::vector<Bytes> cells(below(random, 3) == 0 ? n : std::size_t{n} * n);
  for (Bytes& cell : cells) cell = Bytes(below(random, 3) == 0 ? 0 : below(random, 30));
  c.matrix.emplace(n, cells);
  c.call.matrix = &*c.matrix;
  c.call.size = c.matrix->mean_sent();
}

/// A schedule with one fault.
template <typename Fault>
class Broken final : public CollectiveSchedule {
 public:
  explicit Broken(std::unique_ptr<CollectiveSchedule> whole) : whole_(std::move(whole)) {}
  std::uint32_t channels() const override { return whole_->channels(); }
  std::uint32_t step_count(std::uint32_t channel) const override {
    return whole_->step_count(channel);
  }
  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    CollectiveStep step = whole_->step(channel, index);
    Fault::change(step);
    return step;
  }
  std::vector<CollectiveSource> sources() const override { return whole_->sources(); }
  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override {
    std::vector<DataRange> ranges = whole_->payload(channel, index);
    for (DataRange& range : ranges) Fault::change(range);
    return ranges;
  }
  static std::unique_ptr<CollectiveSchedule> wrap(std::unique_ptr<CollectiveSchedule> whole) {
    return std::make_unique<Broken>(std::move(whole));
  }

 private:
  std::unique_ptr<CollectiveSchedule> whole_;
};

struct WaitsForOneLess {
  static void change(CollectiveStep& step) { step.wait_count -= step.wait_count > 0 ? 1 : 0; }
  static void change(DataRange&) {}
};
struct WaitsForOneMore {
  static void change(CollectiveStep& step) { step.wait_count += step.wait_count > 0 ? 1 : 0; }
  static void change(DataRange&) {}
};
struct OneByteOff {
  static void change(CollectiveStep&) {}
  static void change(DataRange& range) { range.begin += range.begin > 0 ? -1 : 1; }
};
struct Overwrites {
  static void change(CollectiveStep&) {}
  static void change(DataRange& range) { range.reduce = false; }
};
struct AddsTwice {
  static void change(CollectiveStep&) {}
  static void change(DataRange& range) { range.reduce = true; }
};

/// In how many of some runs the fault shows.
template <typename Fault>
int caught(CollectiveKind kind, CollectiveAlgorithm algorithm) {
  int count = 0;
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    Case c;
    fill(c, kind, 3 + below(random, 14), random);
    c.call.algorithm = algorithm;
    if (!why_not(algorithm, c.call).empty()) continue;
    if (c.matrix) continue;
    c.call.size = Bytes(kind == CollectiveKind::kBarrier ? 0 : 100);
    count += DataMovement(c.call, seed, Broken<Fault>::wrap).run().empty() ? 0 : 1;
  }
  return count;
}

}  // namespace

TEST_CASE("every algorithm moves every contribution exactly once, whatever arrives first",
          "[collective][property]") {
  std::map<CollectiveAlgorithm, int> runs;
  for (const CollectiveKind kind : kKinds)
    for (const CollectiveAlgorithm algorithm : legal_algorithms(kind))
      for (std::uint32_t seed = 0; seed < 100; ++seed) {
        std::mt19937_64 random(seed);
        Case c;
        fill(c, kind, seed < 33 ? seed + 1 : 1 + below(random, 33), random);
        c.call.algorithm = algorithm;
        CAPTURE(to_string(kind), to_string(algorithm), seed, c.call.group_size, c.call.size.count(),
                c.call.max_chunk.count(), c.call.root, c.call.window, c.layout.hosts.size(),
                c.layout.rings.size(), c.matrix.has_value());
        if (c.call.group_size > 1 && !why_not(algorithm, c.call).empty()) {
          CHECK_THROWS_AS(make_schedule(c.call), UserError);
          continue;
        }
        ++runs[algorithm];
        DataMovement movement(c.call, seed);
        REQUIRE(movement.run() == "");
      }
  for (const auto& [algorithm, count] : runs) {
    CAPTURE(to_string(algorithm));
    CHECK(count >= 25);
  }
}

TEST_CASE("the check of the data's way sees a wrong wait, a wrong place, a wrong operation",
          "[collective]") {
  for (const CollectiveKind kind : kKinds)
    for (const CollectiveAlgorithm algorithm : legal_algorithms(kind)) {
      CAPTURE(to_string(kind), to_string(algorithm));
      const bool reduces = kind == CollectiveKind::kAllReduce || kind == CollectiveKind::kReduce ||
                           kind == CollectiveKind::kReduceScatter;
      const bool forwards =  // else no step waits for data
          algorithm != CollectiveAlgorithm::kPairwise &&
          (algorithm != CollectiveAlgorithm::kDirect || kind == CollectiveKind::kAllReduce) &&
          (algorithm != CollectiveAlgorithm::kNvls || kind == CollectiveKind::kAllReduce);
      if (forwards) CHECK(caught<WaitsForOneLess>(kind, algorithm) > 1);
      // In PXN more always comes, for the own host.
      if (forwards && algorithm != CollectiveAlgorithm::kPxn)
        CHECK(caught<WaitsForOneMore>(kind, algorithm) > 1);
      if (kind == CollectiveKind::kBarrier) continue;
      CHECK(caught<OneByteOff>(kind, algorithm) > 5);
      // The switch's sum has all contributions in it: there is nothing left to overwrite.
      if (reduces && algorithm != CollectiveAlgorithm::kNvls)
        CHECK(caught<Overwrites>(kind, algorithm) > 5);
      if (kind != CollectiveKind::kReduce && kind != CollectiveKind::kReduceScatter)
        CHECK(caught<AddsTwice>(kind, algorithm) > 5);
    }
}

namespace {

/// Layout of n positions on hosts of `members`, and the call that uses it.
Case plain(CollectiveKind kind, CollectiveAlgorithm algorithm, std::uint32_t n,
           std::uint32_t members, std::int64_t size, std::uint32_t channels = 1) {
  Case c;
  std::vector<std::uint32_t> hosts(n);
  for (std::uint32_t p = 0; p < n; ++p) hosts[p] = p / members;
  c.layout = make_layout(hosts, channels, 8);
  c.layout.in_switch_reduction = true;
  c.call.kind = kind;
  c.call.algorithm = algorithm;
  c.call.group_size = n;
  c.call.size = Bytes(size);
  return c;
}

std::vector<std::int64_t> sent(Case c) {
  c.call.layout = &c.layout;
  DataMovement movement(c.call, 1);
  REQUIRE(movement.run() == "");
  std::vector<std::int64_t> bytes;
  for (std::uint32_t p = 0; p < c.call.group_size; ++p) bytes.push_back(movement.sent_bytes(p));
  return bytes;
}

using All = std::vector<std::int64_t>;
using Kind = CollectiveKind;
using Algorithm = CollectiveAlgorithm;

}  // namespace

TEST_CASE("bytes that each rank sends", "[collective]") {
  SECTION("halving-doubling: 2 (n-1)/n S; outside the power of two S, its partner S more") {
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kHalvingDoubling, 8, 1, 800)) == All(8, 1400));
    // n = 6: core of 4, 2 * 3/4 * 800 = 1200; ranks 0 and 2 are outside.
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kHalvingDoubling, 6, 1, 800)) ==
          All{800, 2000, 800, 2000, 1200, 1200});
  }
  SECTION("direct: as a ring, 2 (n-1)/n S, (n-1)/n S, (n-1) S") {
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kDirect, 5, 1, 1000)) == All(5, 1600));
    CHECK(sent(plain(Kind::kReduceScatter, Algorithm::kDirect, 5, 1, 1000)) == All(5, 800));
    CHECK(sent(plain(Kind::kAllGather, Algorithm::kDirect, 5, 1, 1000)) == All(5, 4000));
    CHECK(sent(plain(Kind::kAllToAll, Algorithm::kDirect, 5, 1, 1000)) == All(5, 800));
  }
  SECTION("Bruck and PAT: (n-1) S and (n-1)/n S, whatever n is") {
    const Algorithm algorithm = GENERATE(Algorithm::kBruck, Algorithm::kPat);
    const std::uint32_t n = GENERATE(2U, 5U, 8U, 13U);
    CHECK(sent(plain(Kind::kAllGather, algorithm, n, 1, 100)) == All(n, (n - 1) * 100));
    CHECK(sent(plain(Kind::kReduceScatter, algorithm, n, 1, n * 100)) == All(n, (n - 1) * 100));
  }
  SECTION("double tree: 2 S for an inner node of both, at most, all together 2 (n-1) S") {
    // n = 8, S = 1000, half per tree: a node sends S/2 up if it is not the root, and S/2 per child.
    // First tree: 0 - 4, 4 - 2 6, 2 - 1 3, 6 - 5 7; the second is p -> 7 - p.
    // Links of p in both trees: 0: 1 + 1, 1: 1 + 3, 2: 3 + 1, 3: 1 + 3 ...
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kTree, 8, 1, 1000)) ==
          All{1000, 2000, 2000, 2000, 2000, 2000, 2000, 1000});
  }
  SECTION("tree broadcast from 0: the root S, the others S per pair of trees, together (n-1) S") {
    // Others 1..8: trees of 8; each sends S/2 per child: 0 child edges below the root of a tree 1.
    const auto bytes = sent(plain(Kind::kBroadcast, Algorithm::kTree, 9, 1, 1000));
    CHECK(bytes[0] == 1000);
    CHECK(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}) == 8 * 1000);
    for (const std::int64_t b : bytes) CHECK(b <= 1000);
  }
  SECTION("hierarchical: 2 (m-1)/m S on the host and 2 (H-1)/H S/m between hosts") {
    // m = 4, H = 3, S = 1200: 1800 + 2 * 2/3 * 300 = 2200.
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kHierarchical, 12, 4, 1200)) == All(12, 2200));
  }
  SECTION("two-level tree: 2 (n-1) S together, 2 (H-1) S of it between hosts") {
    const auto bytes = sent(plain(Kind::kAllReduce, Algorithm::kTwoLevelTree, 12, 4, 1200, 4));
    CHECK(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}) == 2 * 11 * 1200);
  }
  SECTION("NVLS: S contributed and S/n copied") {
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kNvls, 4, 4, 1200)) == All(4, 1500));
    CHECK(sent(plain(Kind::kReduceScatter, Algorithm::kNvls, 4, 4, 1200)) == All(4, 1200));
    CHECK(sent(plain(Kind::kAllGather, Algorithm::kNvls, 4, 4, 1200)) == All(4, 1200));
    // Two hosts of 4: 1200 + 300, and between them 300 up in one tree half, 300 down in the other:
    // each of the two is the root of one tree: 150 up and 150 down.
    CHECK(sent(plain(Kind::kAllReduce, Algorithm::kNvlsTree, 8, 4, 1200)) == All(8, 1800));
  }
  SECTION("PXN: (m-1)/m S on the host, (H-1)/H S between hosts") {
    // m = 4, H = 3, blocks of 100: on the host 3 * 3 blocks, between hosts 2 * 4.
    CHECK(sent(plain(Kind::kAllToAll, Algorithm::kPxn, 12, 4, 1200)) == All(12, 1700));
  }
  SECTION("chain of a reduction: the first in the ring after the root starts, the root ends") {
    CHECK(sent(plain(Kind::kReduce, Algorithm::kRing, 4, 1, 1000)) == All{0, 1000, 1000, 1000});
    CHECK(sent(plain(Kind::kGather, Algorithm::kDirect, 4, 1, 1000)) == All{0, 1000, 1000, 1000});
    CHECK(sent(plain(Kind::kScatter, Algorithm::kDirect, 4, 1, 1000)) == All{3000, 0, 0, 0});
  }
}

TEST_CASE("step lists grow with n, not with its square", "[collective]") {
  const auto steps = [](Kind kind, Algorithm algorithm, std::uint32_t n) {
    const bool one_host = algorithm == Algorithm::kNvls;
    Case c = plain(kind, algorithm, n, one_host ? n : 8, std::int64_t{n} * 1024);
    c.call.layout = &c.layout;
    const auto schedule = make_schedule(c.call);
    std::int64_t sum = 0;
    for (std::uint32_t channel = 0; channel < schedule->channels(); ++channel)
      sum += schedule->step_count(channel);
    return sum;
  };
  for (const Kind kind : kKinds)
    for (const Algorithm algorithm : legal_algorithms(kind)) {
      CAPTURE(to_string(kind), to_string(algorithm));
      CHECK(steps(kind, algorithm, 64) <= 4 * 64);
      CHECK(steps(kind, algorithm, 256) <= 4 * 256);
    }
}

TEST_CASE("an algorithm that a collective or a group cannot have is the user's mistake",
          "[collective]") {
  const auto message = [](Case c) -> std::string {
    c.call.layout = &c.layout;
    try {
      make_schedule(c.call);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message(plain(Kind::kBroadcast, Algorithm::kBruck, 4, 1, 1)) ==
        "algorithm bruck cannot run this broadcast: broadcast does not have it; it has: ring tree");
  CHECK(message(plain(Kind::kAllReduce, Algorithm::kHierarchical, 5, 2, 1)) ==
        "algorithm hierarchical cannot run this all_reduce: it needs equally many members of the "
        "group on each host, but there are 1 to 2");
  CHECK(message(plain(Kind::kAllReduce, Algorithm::kNvls, 4, 2, 1)) ==
        "algorithm nvls cannot run this all_reduce: it runs on one host and the group is on 2; "
        "over several: nvls_tree");
  Case c = plain(Kind::kAllReduce, Algorithm::kNvls, 4, 4, 1);
  c.layout.in_switch_reduction = false;
  CHECK(message(c) ==
        "algorithm nvls cannot run this all_reduce: the hosts' scale-up network does not reduce in "
        "its switch (parameter in_switch_reduction; on in presets nvlink4 and nvlink5)");
  CHECK(algorithm_named("tree", Kind::kAllReduce) == Algorithm::kTree);
  CHECK(algorithm_named("auto", Kind::kBarrier) == Algorithm::kAuto);
  CHECK_THROWS_WITH(algorithm_named("treee", Kind::kBroadcast),
                    "broadcast has no algorithm 'treee'; did you mean 'tree'?; it has: ring tree "
                    "auto");
}
