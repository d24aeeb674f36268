// SPDX-License-Identifier: Apache-2.0
// Cases as a user brings them: node ids, several flows of one pair, paths.
#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "sim/error.hpp"
#include "validation/flow_comparison.hpp"
#include "validation/ns3_case.hpp"

namespace plait::validation {
namespace {

const std::string kConfig =
    std::string(PLAIT_SOURCE_DIR) + "/tests/validation/ns3/cfg/incast2_dcqcn.txt";

// Switches 0, 1, 2, 3 and hosts 4, 5: host 4 at switch 0, host 5 at switch 3, two ways between.
Ns3Case two_ways(const std::string& flows) {
  std::ofstream("validation_two_ways.txt")
      << "6 4 6\n0 1 2 3\n4 0 100Gbps 1us 0\n5 3 100Gbps 1us 0\n0 1 100Gbps 1us 0\n"
         "0 2 100Gbps 1us 0\n1 3 100Gbps 1us 0\n2 3 100Gbps 1us 0\n";
  std::ofstream("validation_two_ways.csv") << flows;
  return Ns3Case({"validation_two_ways.txt", "validation_two_ways.csv", kConfig});
}

const std::string kHeader = "src,dst,bytes,start_ns,fct_ns,data_path,ack_path\n";
const std::string kUpper = "4,5,1000,0,1,4-0-1-3-5,5-3-2-0-4\n";
const std::string kLower = "4,5,1000,0,1,4-0-2-3-5,5-3-2-0-4\n";

// Packets that left switch 0 towards `next`.
std::uint64_t packets(const Ns3Case& one, const FlowRun& run, std::uint32_t next) {
  for (const FabricLink& link : one.graph().links())
    if (one.graph().port_node(link.from) == NodeId(0) &&
        one.graph().port_node(link.to) == NodeId(next))
      return run.records.links[link.from.index()].packets;
  return 0;
}

}  // namespace

TEST_CASE("hosts are named by node ids, which switches may share", "[validation]") {
  const Ns3Case one = two_ways(kHeader + kUpper);
  CHECK(one.reference().flows[0].from == 0);
  CHECK(one.reference().flows[0].to == 1);
  // One packet of 1036 B over four links of 83 + 1000 ns, its ACK of 48 B over four of 4 + 1000.
  CHECK(one.run().completion[0] == Duration::ns(4 * 1083 + 4 * 1004));
  CHECK_THROWS_WITH(two_ways(kHeader + "0,5,1000,0,1,4-0-1-3-5,5-3-2-0-4\n"),
                    Catch::Contains("0 is not the id of a host"));
}

TEST_CASE("two flows of one pair take their own paths", "[validation]") {
  const Ns3Case apart = two_ways(kHeader + kUpper + kLower);
  const FlowRun run = apart.run();
  CHECK(packets(apart, run, 1) == 1);
  CHECK(packets(apart, run, 2) == 1);
  const Ns3Case together = two_ways(kHeader + kLower + kLower);
  CHECK(packets(together, together.run(), 2) == 2);
}

TEST_CASE("flows start at their times", "[validation]") {
  const Ns3Case one = two_ways(kHeader + kUpper + "4,5,1000,5000,1,4-0-2-3-5,5-3-2-0-4\n");
  const FlowRun run = one.run();
  CHECK(run.completion[0] == run.completion[1]);
}

TEST_CASE("pauses: every flow and every frame to the nanosecond", "[validation]") {
  const std::string tests = std::string(PLAIT_SOURCE_DIR) + "/tests/validation/";
  const std::string folder = tests + "pauses/", config = folder + "config.txt";
  const bool incast = GENERATE(false, true);
  const Ns3Case one(incast ? Ns3Files{tests + "ns3/star17.txt", folder + "incast16.csv", config,
                                      folder + "incast16_pauses.txt"}
                           : Ns3Files{folder + "topology.txt", folder + "flows.csv", config,
                                      folder + "pauses.txt"});
  const FlowRun run = one.run();
  CHECK(compare_flows(one.reference().completion, run.completion).exact());
  const auto pauses = one.compare_pauses(run);
  REQUIRE(pauses);
  INFO(pauses->first_difference);
  CHECK(pauses->theirs == (incast ? 1504 : 246));
  CHECK(pauses->exact());
}

TEST_CASE("where there are several ways, the paths must be told", "[validation]") {
  CHECK_THROWS_WITH(two_ways("src,dst,bytes,start_ns,fct_ns\n4,5,1000,0,1\n"),
                    Catch::Contains("data_path and ack_path are needed"));
}

}  // namespace plait::validation
