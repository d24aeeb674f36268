// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "workloads/op_graph.hpp"

using namespace plait;
using Catch::Matchers::Contains;

TEST_CASE("An op graph keeps ops, names, ids and dependencies", "[op_graph]") {
  OpGraphBuilder builder;
  Op compute;
  compute.duration = Duration::us(3);
  builder.add(compute, "gemm", 70, {});
  builder.add(compute, "relu", 71, {70});
  builder.add(compute, "gemm", 90, {71, 70, 71});
  const OpGraph graph = std::move(builder).build("test");
  REQUIRE(graph.size() == 3);
  CHECK(graph.name(OpId(0)) == "gemm");
  CHECK(graph.name(OpId(2)) == "gemm");
  CHECK(graph.op(OpId(0)).name == graph.op(OpId(2)).name);
  CHECK(graph.source_id(OpId(2)) == 90);
  CHECK(graph.dependencies(OpId(0)).empty());
  // 90 names 71 twice: one dependency.
  REQUIRE(graph.dependencies(OpId(2)).size() == 2);
  CHECK(graph.dependencies(OpId(2))[0] == OpId(0));
  CHECK(graph.dependencies(OpId(2))[1] == OpId(1));
}

TEST_CASE("An op is stored after what it depends on, otherwise in adding order", "[op_graph]") {
  OpGraphBuilder builder;
  builder.add({}, "waits", 1, {3});
  builder.add({}, "free", 2, {});
  builder.add({}, "late", 3, {});
  builder.add({}, "last", 4, {});
  const OpGraph graph = std::move(builder).build("test");
  // 1 needs 3; the smallest position that may go is taken each time: 2, 3, 1, 4.
  CHECK(graph.source_id(OpId(0)) == 2);
  CHECK(graph.source_id(OpId(1)) == 3);
  CHECK(graph.source_id(OpId(2)) == 1);
  CHECK(graph.source_id(OpId(3)) == 4);
  REQUIRE(graph.dependencies(OpId(2)).size() == 1);
  CHECK(graph.dependencies(OpId(2))[0] == OpId(1));
}

TEST_CASE("Broken op graphs are refused and named", "[op_graph]") {
  const auto build = [](std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> ops) {
    OpGraphBuilder builder;
    for (auto& [id, needs] : ops) builder.add({}, "op", id, needs);
    return std::move(builder).build("trace.et");
  };
  CHECK_THROWS_WITH(build({{1, {}}, {1, {}}}), "trace.et: two ops have the id 1");
  CHECK_THROWS_WITH(build({{1, {9}}}), "trace.et: op 1 depends on op 9, which does not exist");
  CHECK_THROWS_WITH(build({{4, {4}}}), Contains("cycle: 4 -> 4"));
  // 1 only follows the cycle 2 -> 4 -> 3 -> 2 and is not named.
  CHECK_THROWS_WITH(build({{1, {2}}, {2, {4}}, {3, {2}}, {4, {3}}, {5, {}}}),
                    Contains("cycle: 2 -> 4 -> 3 -> 2"));
  CHECK_THROWS_AS(build({{4, {4}}}), UserError);
  CHECK(build({}).size() == 0);
}
