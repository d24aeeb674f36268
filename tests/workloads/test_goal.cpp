// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "sim/error.hpp"
#include "workloads/goal/binary.hpp"
#include "workloads/goal/reader.hpp"
#include "workloads/goal/text.hpp"
#include "workloads/trace.hpp"

namespace plait {
namespace {

const std::string kText = R"(/* two ranks */
num_ranks 2
rank 0 {
a: calc 100 cpu 1
b: send 7b to 1 tag 5 nic 2 // half of it
b requires a
c: recv 9b from 1
c irequires b
}
rank 1 {
recv 7b from 0 tag 5 cpu 3
send 9b to 0
}
)";

std::string write(const std::string& text, const std::string& name = "goal.goal") {
  std::ofstream(name, std::ios::binary) << text;
  return name;
}

std::string error_of(const std::string& text) {
  try {
    load_goal_workload(write(text));
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

/// kText with the first `from` replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kText;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void check_same(const Workload& a, const Workload& b) {
  REQUIRE(a.graphs.size() == b.graphs.size());
  for (std::size_t r = 0; r < a.graphs.size(); ++r) {
    const OpGraph &x = *a.graphs[r], &y = *b.graphs[r];
    REQUIRE(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Op &p = x.op(OpId(i)), &q = y.op(OpId(i));
      CHECK((p.kind == q.kind && p.size == q.size && p.peer == q.peer && p.tag == q.tag &&
             p.stream == q.stream && p.nic == q.nic && p.duration == q.duration));
      CHECK(std::ranges::equal(x.dependencies(OpId(i)), y.dependencies(OpId(i))));
      CHECK(std::ranges::equal(x.start_dependencies(OpId(i)), y.start_dependencies(OpId(i))));
    }
  }
}

}  // namespace

TEST_CASE("GOAL text: operations, labels, both kinds of dependency", "[goal]") {
  const Workload workload = load_goal_workload(write(kText));
  REQUIRE(workload.graphs.size() == 2);
  const OpGraph& graph = *workload.graphs[0];
  REQUIRE(graph.size() == 3);
  const Op &calc = graph.op(OpId(0)), &send = graph.op(OpId(1)), &recv = graph.op(OpId(2));
  CHECK((calc.kind == OpKind::kCompute && calc.device == Device::kCpu && !calc.in_order));
  CHECK((calc.duration == Duration::ns(100) && calc.stream == 1));
  CHECK((send.kind == OpKind::kSend && send.size == Bytes(7) && send.peer == RankId(1)));
  CHECK((send.nic == 2 && send.stream == 0));
  CHECK((recv.kind == OpKind::kRecv && recv.size == Bytes(9) && recv.peer == RankId(1)));
  CHECK((graph.name(OpId(1)) == "b" && graph.source_id(OpId(1)) == 5));
  REQUIRE(graph.dependencies(OpId(1)).size() == 1);
  CHECK(graph.dependencies(OpId(1))[0] == OpId(0));
  CHECK(graph.dependencies(OpId(2)).empty());
  REQUIRE(graph.start_dependencies(OpId(2)).size() == 1);
  CHECK(graph.start_dependencies(OpId(2))[0] == OpId(1));
  CHECK(workload.graphs[1]->op(OpId(0)).stream == 3);
  CHECK(workload.graphs[1]->name(OpId(0)) == "recv");
}

TEST_CASE("GOAL: wildcards are receives without a source or tag", "[goal]") {
  const Workload workload =
      load_goal_workload(write(with("c: recv 9b from 1", "c: recv 9b from -1 tag -1")));
  const Op& recv = workload.graphs[0]->op(OpId(2));
  CHECK(recv.is_wildcard());
  CHECK(!recv.peer.valid());
  CHECK(recv.tag == Op::kAnyTag);
  CHECK(error_of(with("c: recv 9b from 1", "c: calc 3 //") + "") ==
        "goal.goal: rank 1 sends 1 messages with tag 0 to rank 0, which receives 0; they must "
        "match");
}

TEST_CASE("GOAL binary: what is written comes back", "[goal]") {
  const Workload text = load_goal_workload(write(kText));
  const std::string binary = goal_binary(text.graphs);
  CHECK(is_goal_binary(binary));
  const Workload back = load_goal_workload(write(binary, "goal.bin"));
  check_same(text, back);
  CHECK(back.graphs[0]->source_id(OpId(1)) == 1);
}

// LogGOPSim's header: 8 + 4 + 1 + 1 bytes, then 16 per rank; a node has 39 bytes. Two ranks of 3
// and 2 nodes with 1 + 2 roots and 2 + 0 edges: 14 + 32 + (8 + 4 + 117 + 8) + (8 + 8 + 78) = 277.
TEST_CASE("GOAL binary: the layout is LogGOPSim's", "[goal]") {
  const std::string binary = goal_binary(load_goal_workload(write(kText)).graphs);
  CHECK(binary.size() == 277);
  std::uint64_t start = 0;
  std::memcpy(&start, binary.data() + 14, 8);
  CHECK(start == 6 + 32);  // counted from behind the magic number
}

TEST_CASE("Traces that are GOAL are known by their content", "[goal]") {
  CHECK(load_trace(write(kText)).graphs.size() == 2);
  CHECK(is_goal(write("  // note\nnum_ranks 3")));
  CHECK(!is_goal(write("{\"a\": 1}")));
  CHECK(!is_goal("no_such_file.goal"));
  // A file of that name without it is told what it lacks.
  CHECK(is_one_file_trace(write("")));
  CHECK_THROWS_WITH(load_trace(write("")),
                    "goal.goal:1:1: the file is empty; expected 'num_ranks'");
  CHECK_THROWS_WITH(load_trace(write("ranks 2")),
                    "goal.goal:1:1: expected 'num_ranks', found 'ranks'");
  CHECK_THROWS_WITH(detect_trace_format(write("", "empty.dat")), "empty.dat: the file is empty");
}

TEST_CASE("GOAL: a receive is as large as its send", "[goal]") {
  CHECK(error_of(with("recv 7b from 0", "recv 8b from 0")) ==
        "goal.goal: rank 0, line 5 sends 7B to rank 1 with tag 5, which in line 11 receives 8B; "
        "both ends of a message must be of one size");
  // Which of two sends meets which receive is for the run to say: their sizes may be in any order.
  const auto two = [](const std::string& first, const std::string& second) {
    return "num_ranks 2\nrank 0 {\nsend 1b to 1\nsend 2b to 1\n}\nrank 1 {\nrecv " + first +
           "b from 0\nrecv " + second + "b from 0\n}\n";
  };
  CHECK(error_of(two("1", "2")).empty());
  CHECK(error_of(two("2", "1")).empty());
  CHECK(error_of(two("1", "1")) ==
        "goal.goal: rank 0, line 4 sends 2B to rank 1 with tag 0, which in line 8 receives 1B; "
        "both ends of a message must be of one size");
  // Of the receives from anyone, the sizes are those of all that is sent to the rank.
  CHECK(error_of(with("c: recv 9b from 1", "c: recv 9b from -1")).empty());
  CHECK(error_of(with("c: recv 9b from 1", "c: recv 6b from -1")) ==
        "goal.goal: rank 1, line 12 sends 9B to rank 0 with tag 0, which in line 7 receives 6B; "
        "both ends of a message must be of one size");
  const Workload good = load_goal_workload(write(kText));
  std::vector<std::shared_ptr<const OpGraph>> other = good.graphs;
  other[1] = load_goal_workload(
                 write(with("recv 7b", "recv 8b").replace(kText.find("send 7b"), 7, "send 8b")))
                 .graphs[1];
  CHECK(error_of(goal_binary(other)) ==
        "goal.goal: rank 0, node 1 sends 7B to rank 1 with tag 0, which in node 0 receives 8B; "
        "both ends of a message must be of one size");
}

TEST_CASE("GOAL: options that say what the file says itself are refused", "[goal]") {
  TraceOptions options;
  options.ranks = 2;
  CHECK(load_trace(write(kText), options).graphs.size() == 2);
  options.ranks = 3;
  CHECK_THROWS_WITH(load_trace(write(kText), options),
                    Catch::Contains("it has 2 ranks, not 3; remove ranks"));
  options = {};
  options.group_file = "groups.json";
  CHECK_THROWS_WITH(load_trace(write(kText), options),
                    Catch::Contains("traces of format goal have their own groups; remove groups"));
}

TEST_CASE("GOAL text: the likeliest mistakes and what the user reads", "[goal]") {
  CHECK(error_of("") == "goal.goal:1:1: the file is empty; expected 'num_ranks'");
  CHECK(error_of("# shell\n").starts_with("goal.goal:1:1: "));
  CHECK(error_of(with("num_ranks 2", "num_ranks 3")) ==
        "goal.goal:14:1: the file ends before rank 2 of 3 (truncated?)");
  CHECK(error_of(with("num_ranks 2", "num_ranks 1")) ==
        "goal.goal:5:15: rank 1 does not exist, there are ranks 0 to 0");
  CHECK(error_of(with("rank 1 {", "rank 2 {")) ==
        "goal.goal:10:6: rank 2 where rank 1 is due; they come in order");
  CHECK(error_of(with("c: recv", "c: rcv")) ==
        "goal.goal:7:4: 'rcv' is not an operation; did you mean 'recv'?; legal: send, recv, "
        "calc, or LABEL requires LABEL, LABEL irequires LABEL");
  CHECK(error_of(with("7b to", "7 to")) == "goal.goal:5:11: expected 'b', found 'to'");
  CHECK(error_of(with("b requires a", "b requires aa")) ==
        "goal.goal:6:12: label 'aa' is not defined above in rank 0; did you mean 'a'?");
  CHECK(error_of(with("c: recv", "b: recv")) ==
        "goal.goal:7:1: label 'b' is already taken in rank 0, by line 5");
  CHECK(error_of(with("b requires a", "b requires a\na requires b")) ==
        "goal.goal: rank 0, ops named by their line: ops depend on each other in a cycle: 4 -> 5 "
        "-> 4");
  CHECK(error_of(with("b requires a", "b requires b")) == "goal.goal:6:12: 'b' requires itself");
  CHECK(error_of(with("to 1 tag 5", "to 0 tag 5")) == "goal.goal:5:15: rank 0 talks to itself");
  CHECK(error_of(with("to 1 tag 5", "to -1 tag 5")) ==
        "goal.goal:5:15: a send needs a destination; only a recv may have -1");
  CHECK(error_of(with("tag 5 nic", "tag 6 nic")) ==
        "goal.goal: rank 0 sends 0 messages with tag 5 to rank 1, which receives 1; they must "
        "match");
  CHECK(error_of(with("cpu 1", "cpu 256")) == "goal.goal:4:17: the cpu is 256; legal: 0 to 255");
  CHECK(error_of(with("calc 100", "calc 99999999999999999999")) ==
        "goal.goal:4:9: the nanoseconds of a calc is 99999999999999999999; legal: 0 to "
        "9000000000000000");
  CHECK(error_of(with("/* two ranks */", "/* two ranks")) ==
        "goal.goal:1:1: the comment that begins here does not end");
  CHECK(error_of(with("calc 100", "calc 1.5")) == "goal.goal:4:10: unexpected character '.'");
  CHECK(error_of(kText.substr(0, kText.size() - 10)) != "");
  CHECK(error_of("num_ranks 0") == "goal.goal:1:11: the number of ranks is 0; legal: 1 to 1048576");
}

namespace {

template <class T>
std::string patched(std::string binary, std::size_t at, T value) {
  std::memcpy(binary.data() + at, &value, sizeof(T));
  return binary;
}

}  // namespace

TEST_CASE("GOAL binary: the likeliest corruptions and what the user reads", "[goal]") {
  const std::string good = goal_binary(load_goal_workload(write(kText)).graphs);
  const std::size_t rank0 = 8 + 6 + 32, node0 = rank0 + 8 + 4, node1 = node0 + 39;
  CHECK(error_of(good.substr(0, 10)) ==
        "goal.goal: byte 0: a header of 14 bytes, but the file has 10 (truncated?)");
  CHECK(error_of(patched(good, 8, 0U)) == "goal.goal: byte 8: 0 ranks; legal: 1 to 1048576");
  CHECK(error_of(patched(good, 8, 1000U)) ==
        "goal.goal: byte 14: a table of ranks of 16000 bytes, but the file has 277 (truncated?)");
  CHECK(error_of(good.substr(0, good.size() - 1)) ==
        "goal.goal: byte 183: the block of rank 1 of 94 bytes, but the file has 276 (truncated?)");
  CHECK(error_of(patched(good, 14, std::uint64_t{500})) ==
        "goal.goal: rank 0: its block begins at 500 and ends at 175");
  CHECK(error_of(patched(good, rank0, 50U)) ==
        "goal.goal: rank 0: 50 nodes and 1 roots take 1962 bytes, its block has 137");
  CHECK(error_of(patched(good, node0 + 4, std::int8_t{9})) ==
        "goal.goal: rank 0, node 0: type 9; legal: 1 send, 2 recv, 3 calc");
  CHECK(error_of(patched(good, node1 + 5, 7U)) ==
        "goal.goal: rank 0, node 1: peer 7 does not exist, there are ranks 0 to 1");
  CHECK(error_of(patched(good, node1 + 9, ~std::uint64_t{0})) ==
        "goal.goal: rank 0, node 1: 18446744073709551615 bytes; at most 1152921504606846976");
  CHECK(error_of(patched(good, node0 + 23, 9U)) ==
        "goal.goal: rank 0, node 0: dependents 0 to 8 of an appendix of 2");
  CHECK(error_of(patched(good, node0 + 3 * 39, 99U)) ==
        "goal.goal: rank 0, node 0: dependent 99 does not exist, there are 3 nodes");
  CHECK(error_of(patched(good, node1, 3U)) ==
        "goal.goal: rank 0, node 1: waits for 3 nodes, but 1 name it");
}

// Whatever the bytes, the reader returns a workload or throws a UserError.
TEST_CASE("GOAL: mutated files never do harm", "[goal][fuzz]") {
  const std::string binary = goal_binary(load_goal_workload(write(kText)).graphs);
  std::mt19937_64 random(4223);
  for (const std::string& seed : {kText, binary}) {
    for (int round = 0; round < 1500; ++round) {
      std::string data = seed;
      const auto place = [&] { return data.empty() ? 0 : random() % data.size(); };
      for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
        const std::size_t at = place();
        switch (random() % 4) {
          case 0:
            if (!data.empty()) data[at] = static_cast<char>(random());
            break;
          case 1:
            data.erase(at, random() % 6);
            break;
          case 2:
            data.insert(at, seed.substr(random() % seed.size(), random() % 12));
            break;
          default:
            data.resize(at + (data.empty() ? 0 : random() % (data.size() - at + 1)));
        }
      }
      try {
        load_goal_workload(write(data, "goal_fuzz.goal"));
      } catch (const UserError&) {
      }
    }
  }
}

}  // namespace plait
