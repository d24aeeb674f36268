// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "sim/error.hpp"
#include "tests/support/test_folder.hpp"
#include "tests/workloads/chakra_writer.hpp"
#include "workloads/collectives/custom.hpp"

using namespace plait;
using namespace plait::test;

namespace {

const std::string kData = std::string(PLAIT_SOURCE_DIR) + "/tests/workloads/data/custom_ring_ar8/";
constexpr CollectiveKind kKind = CollectiveKind::kAllReduce;

using Nodes = std::vector<chakra::Node>;  // of one rank

class Files {
 public:
  Files() : folder_("custom_chakra") {}
  std::string pattern() const { return folder_.file("a.{rank}.et"); }
  std::string file(std::size_t rank) const {
    return folder_.file("a." + std::to_string(rank) + ".et");
  }
  std::string write(const std::vector<Nodes>& ranks) const {
    for (std::size_t r = 0; r < 8; ++r) std::filesystem::remove(file(r));
    for (std::size_t r = 0; r < ranks.size(); ++r) write(r, trace(ranks[r]));
    return pattern();
  }
  void write(std::size_t rank, const std::string& bytes) const {
    std::ofstream(file(rank), std::ios::binary) << bytes;
  }
  /// The text of the error without the folder.
  std::string error() const {
    try {
      load_custom_chakra(pattern(), kKind, Bytes(100));
    } catch (const UserError& error) {
      std::string text = error.what();
      const std::string folder = folder_.file("");
      for (std::size_t at; (at = text.find(folder)) != std::string::npos;)
        text.erase(at, folder.size());
      return text;
    }
    return "";
  }
  std::string error_of(const std::vector<Nodes>& ranks) const {
    write(ranks);
    return error();
  }

 private:
  TestFolder folder_;
};

chakra::Node compute(std::uint64_t id, std::uint64_t micros,
                     const std::vector<std::uint64_t>& deps = {}) {
  chakra::Node result = node(id, kComp, deps);
  result.set_duration_micros(micros);
  return result;
}

/// Delivers messages in random order; false if the steps come to rest before their end.
bool runs(const CustomAlgorithm& algorithm, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // from, to, channel
  std::map<Key, std::uint32_t> arrived;
  std::vector<Key> flying;
  std::vector<std::vector<std::size_t>> next;
  for (const auto& rank : algorithm.steps) next.emplace_back(rank.size(), 0);
  const auto advance = [&] {
    for (std::uint32_t r = 0; r < next.size(); ++r)
      for (std::uint32_t c = 0; c < next[r].size(); ++c)
        for (; next[r][c] < algorithm.steps[r][c].size(); ++next[r][c]) {
          const CustomStep& step = algorithm.steps[r][c][next[r][c]];
          if (step.wait_from != kNoPeer &&
              arrived[{step.wait_from, r, step.wait_channel}] < step.wait_count)
            break;
          if (step.send_to != kNoPeer) flying.push_back({r, step.send_to, c});
        }
  };
  for (advance(); !flying.empty(); advance()) {
    std::swap(flying[random() % flying.size()], flying.back());
    ++arrived[flying.back()];
    flying.pop_back();
  }
  for (std::uint32_t r = 0; r < next.size(); ++r) {
    for (std::uint32_t c = 0; c < next[r].size(); ++c)
      if (next[r][c] != algorithm.steps[r][c].size()) return false;
    for (const CollectiveSource& source : algorithm.sources[r]) {
      if (arrived[{source.from, r, source.channel}] != source.count) return false;
      arrived.erase({source.from, r, source.channel});
    }
  }
  return std::all_of(arrived.begin(), arrived.end(), [](const auto& a) { return a.second == 0; });
}

}  // namespace

// The two files come from one program; only the computes, 7 us each, are in the Chakra files alone.
TEST_CASE("custom chakra: ASTRA-sim's ring is the ring of its XML", "[custom]") {
  const auto xml = load_custom_algorithm(kData + "custom_allreduce.xml");
  const auto chakra =
      load_custom_chakra(kData + "custom_allreduce.{rank}.et.gz", kKind, Bytes::mebi(1));
  REQUIRE(chakra->ranks == 8);
  CHECK(chakra->name == "custom_allreduce.{rank}.et.gz");
  const GroupLayout layout = make_layout(std::vector<std::uint32_t>(8, 0), 1, 1);
  CollectiveCall call;
  call.kind = kKind;
  call.group_size = 8;
  call.size = Bytes::mebi(4);
  call.algorithm = CollectiveAlgorithm::kCustom;
  call.layout = &layout;
  for (call.position = 0; call.position < 8; ++call.position) {
    call.custom = xml.get();
    const auto wanted = make_schedule(call);
    call.custom = chakra.get();
    const auto have = make_schedule(call);
    REQUIRE(have->channels() == 1);
    REQUIRE(have->step_count(0) <= wanted->step_count(0));
    int works = 0;
    std::uint32_t w = 0;
    for (std::uint32_t i = 0; i < have->step_count(0); ++i, ++w) {
      const CollectiveStep step = have->step(0, i), other = wanted->step(0, w);
      CHECK(step.send_to == other.send_to);
      CHECK(step.send_bytes == other.send_bytes);
      CHECK(step.wait_from == other.wait_from);
      CHECK(step.wait_count == other.wait_count);
      if (step.work == Duration{}) continue;
      CHECK(step.work == Duration::us(28));  // 7 us for 1 MiB, four times the data
      ++works;
    }
    CHECK(works == 7);
    REQUIRE(have->sources().size() == 1);
    CHECK(have->sources()[0].count == 14);
  }
}

TEST_CASE("custom chakra: sends that need nothing of each other do not wait", "[custom]") {
  // Rank 0 hears from 1 and 2 in any order and answers each; a third message needs both.
  const Files files;
  const auto algorithm = load_custom_chakra(
      files.write(
          {{message(1, kRecv, 1, 10, 0), message(2, kRecv, 2, 20, 0),
            message(3, kSend, 1, 11, 0, {1}), message(4, kSend, 2, 22, 0, {2}),
            compute(5, 3, {1, 2}), message(6, kSend, 1, 33, 7, {5}), compute(7, 2, {2})},
           {message(1, kSend, 0, 10, 0), message(2, kRecv, 0, 11, 0), message(3, kRecv, 0, 33, 7)},
           {message(1, kSend, 0, 20, 0), message(2, kRecv, 0, 22, 0)}}),
      kKind, Bytes(100));
  const auto& channels = algorithm->steps[0];
  REQUIRE(channels.size() == 3);
  const auto is_wait = [](const CustomStep& step, std::uint32_t from) {
    return step.send_to == kNoPeer && step.wait_from == from && step.wait_count == 1;
  };
  REQUIRE(channels[0].size() == 2);
  CHECK((is_wait(channels[0][0], 1) && channels[0][1].send_to == 1));
  // The one that needs both goes behind the answer to 2, the last used, and waits for 1 besides;
  // the compute at the end of a way needs what the answer to 2 needs, and has a channel of its own
  // to go by.
  REQUIRE(channels[1].size() == 4);
  CHECK((is_wait(channels[1][0], 2) && channels[1][1].bytes == Bytes(22)));
  CHECK((is_wait(channels[1][2], 1) && channels[1][3].bytes == Bytes(33)));
  CHECK(channels[1][3].work == Duration::us(3));
  REQUIRE(channels[2].size() == 2);
  CHECK((is_wait(channels[2][0], 2) && channels[2][1].send_to == kNoPeer));
  CHECK(channels[2][1].work == Duration::us(2));
  CHECK(runs(*algorithm, 1));
}

// Any graph of messages in which each comes after some that its sender has heard can run; so must
// the steps made of it, whatever arrives first.
TEST_CASE("custom chakra: random graphs of messages run to their end", "[custom]") {
  const Files files;
  std::mt19937_64 random(3);
  for (int round = 0; round < 40; ++round) {
    const std::size_t ranks = 2 + random() % 5;
    std::vector<Nodes> nodes(ranks);
    std::vector<std::vector<std::uint64_t>> heard(ranks);
    std::uint64_t id = 1;
    for (int m = 0; m < 60; ++m) {
      const std::size_t from = random() % ranks, to = (from + 1 + random() % (ranks - 1)) % ranks;
      const auto tag = static_cast<std::int64_t>(random() % 3);
      std::vector<std::uint64_t> needs;
      if (!heard[from].empty()) needs.push_back(heard[from][random() % heard[from].size()]);
      nodes[from].push_back(message(++id, kSend, static_cast<std::int64_t>(to), m, tag, needs));
      nodes[to].push_back(message(++id, kRecv, static_cast<std::int64_t>(from), m, tag));
      heard[to].push_back(id);
    }
    const auto algorithm = load_custom_chakra(files.write(nodes), kKind, Bytes(100));
    for (std::uint64_t seed = 0; seed < 5; ++seed) CHECK(runs(*algorithm, seed));
  }
}

TEST_CASE("custom chakra: the likeliest mistakes and what the user reads", "[custom]") {
  const Nodes first{message(1, kSend, 1, 10, 0), message(2, kRecv, 1, 10, 0)};
  const Nodes second{message(1, kSend, 0, 10, 0), message(2, kRecv, 0, 10, 0)};
  const Files files;
  REQUIRE(files.error_of({first, second}).empty());
  CHECK(files.error_of({first, {second[0], message(2, kRecv, 0, 12, 0)}}) ==
        "a.{rank}.et: rank 1, node 2 'op2': receives 12B, but node 1 of rank 0, which sends it, "
        "has 10B");
  CHECK(files.error_of({first, {second[0]}}) ==
        "a.{rank}.et: rank 0 sends 1 messages with tag 0 to rank 1, which receives 0; they must "
        "match");
  CHECK(files.error_of({{message(1, kSend, 1, 10, 0, {2}), first[1]},
                        {message(1, kSend, 0, 10, 0, {2}), second[1]}}) ==
        "a.{rank}.et: 4 nodes wait for each other in a circle, first node 2 'op2' of rank 0");
  // The reader puts messages into an order that their dependencies allow.
  CHECK(files
            .error_of({{message(1, kSend, 1, 10, 0, {2}), message(2, kSend, 1, 10, 0)},
                       {message(1, kRecv, 0, 10, 0), message(2, kRecv, 0, 10, 0)}})
            .empty());
  CHECK(files.error_of({{first[0], first[1], collective(3, 0, 10)},
                        {second[0], second[1], collective(3, 0, 10)}}) ==
        "a.{rank}.et: rank 0, node 3 'op3': an algorithm consists of sends, receives and computes, "
        "not of collectives");
  CHECK(files.error_of({{first[0], first[1], with(node(3, kComp), "num_ops", 5)}, second}) ==
        "a.{rank}.et: rank 0, node 3 'op3': a compute without a duration; in an algorithm its "
        "operations are not turned into one");
  CHECK(files.error_of({first, {second[0], message(2, kRecv, 7, 10, 0)}})
            .starts_with("a.{rank}.et: rank 1, recv op 2 'op2'"));
  CHECK(files.error_of({{message(1, kSend, 1, 10, 0, {9}), first[1]}, second})
            .starts_with("a.0.et: "));
  files.write({first, second});
  files.write(1, "");
  CHECK(files.error() == "a.1.et: the file is empty");
  files.write(1, trace(second).substr(0, 70));
  CHECK(files.error().starts_with("a.1.et: byte "));
  std::filesystem::remove(files.file(0));
  CHECK(files.error() == "a.0.et: the trace of rank 0 of 2 is missing");
  // 65 receives, each answered on its own, cannot share 64 channels.
  Nodes many, other;
  for (std::uint64_t i = 0; i < 65; ++i) {
    const auto tag = static_cast<std::int64_t>(i);
    many.push_back(message(2 * i, kRecv, 1, 1, tag));
    many.push_back(message(2 * i + 1, kSend, 1, 1, tag, {2 * i}));
    other.push_back(message(2 * i, kSend, 0, 1, tag));
    other.push_back(message(2 * i + 1, kRecv, 0, 1, tag));
  }
  CHECK(files.error_of({many, other}) ==
        "a.{rank}.et: rank 0, node 129 'op129': needs a channel of its own, since it must wait for "
        "none of those before it; there are 64");
}

TEST_CASE("custom chakra: mutated and cut files give errors", "[custom][fuzz]") {
  const Files files;
  const Nodes first{message(1, kSend, 1, 10, 0), message(2, kRecv, 1, 10, 0), compute(3, 5, {2})};
  const Nodes second{message(1, kSend, 0, 10, 0), message(2, kRecv, 0, 10, 0)};
  files.write({first, second});
  const std::string whole = trace(first);
  std::mt19937_64 random(5);
  for (int round = 0; round < 1500; ++round) {
    std::string data = whole;
    if (round % 3 == 0) data.resize(random() % data.size());
    for (std::uint64_t edits = random() % 3; edits > 0 && !data.empty(); --edits)
      data[random() % data.size()] = static_cast<char>(random());
    files.write(0, data);
    CHECK_NOTHROW(files.error());  // nothing but a UserError, which it takes
  }
}
