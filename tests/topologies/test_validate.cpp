// SPDX-License-Identifier: Apache-2.0
#include "tests/topologies/fabric_helpers.hpp"
#include "topologies/validate.hpp"

namespace plait {
namespace {

using test::contains;
using test::user_error;

/// a, b on s; c on t; no link between s and t.
FabricGraph two_parts() {
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 1);
  const NodeId b = graph.add_host("b", 1);
  const NodeId c = graph.add_host("c", 1);
  const NodeId s = graph.add_switch("s", 1);
  const NodeId t = graph.add_switch("t", 1);
  graph.connect(a, s, {});
  graph.connect(b, s, {});
  graph.connect(c, t, {});
  graph.finalize();
  return graph;
}

TEST_CASE("random connected fabrics have no faults", "[validate]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    CHECK(find_faults(test::random_fabric(seed)).empty());
}

TEST_CASE("a fabric in two parts: two hosts are named", "[validate]") {
  CHECK(find_faults(two_parts()) ==
        std::vector<std::string>{"the fabric is not connected: no path from a to c"});
  CHECK_THAT(user_error([] { validate(two_parts()); }), contains("no path from a to c"));
}

TEST_CASE("nodes without links and hosts cabled directly are faults", "[validate]") {
  FabricGraph graph;
  const NodeId a = graph.add_host("a", 1);
  const NodeId b = graph.add_host("b", 1);
  graph.add_host("lonely", 1);
  graph.add_switch("bare", 1);
  graph.connect(a, b, {});
  graph.finalize();
  const std::vector<std::string> faults = find_faults(graph);
  REQUIRE(faults.size() == 4);
  CHECK(faults[0] == "host lonely has no link");
  CHECK(faults[1] == "switch bare has no link");
  CHECK_THAT(faults[2], contains("hosts a and b are cabled directly"));
  CHECK_THAT(faults[3], contains("not connected"));
  CHECK_THAT(user_error([&] { validate(graph); }),
             contains("host lonely has no link (and 3 more faults)"));
}

TEST_CASE("a fabric without hosts is a fault", "[validate]") {
  FabricGraph graph;
  graph.connect(graph.add_switch("s", 1), graph.add_switch("t", 1), {});
  graph.finalize();
  CHECK(find_faults(graph) == std::vector<std::string>{"the fabric has no hosts"});
}

}  // namespace
}  // namespace plait
