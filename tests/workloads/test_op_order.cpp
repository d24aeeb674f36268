// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "chakra_writer.hpp"
#include "workloads/chakra/reader.hpp"

using namespace plait;
using namespace plait::test;

namespace {

std::vector<std::uint64_t> source_ids(const OpGraph& graph) {
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < graph.size(); ++i) ids.push_back(graph.source_id(OpId(i)));
  return ids;
}

using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("Streams that would deadlock through another rank are reordered", "[op_order]") {
  // Rank 0 lists its backward op (2, after recv 1) before its forward op (3, before send 4) on the
  // same stream; rank 1 answers only after the forward message.
  TraceFolder folder("order");
  folder.rank({message(1, kRecv, 1, 8, 0), node(2, kComp, {1}), node(3, kComp),
               message(4, kSend, 1, 8, 0, {3})});
  folder.rank({message(1, kRecv, 0, 8, 0), node(2, kComp, {1}), message(3, kSend, 0, 8, 0, {2})});
  const Workload workload = load_chakra_workload(folder.pattern());
  CHECK(source_ids(*workload.graphs[0]) == Ids{3, 4, 1, 2});
  CHECK(source_ids(*workload.graphs[1]) == Ids{1, 2, 3});
  CHECK(workload.graphs[0]->dependencies(OpId(3))[0] == OpId(2));
}

TEST_CASE("Streams that work keep the order of the file", "[op_order]") {
  TraceFolder folder("keep");
  folder.rank({message(1, kRecv, 1, 8, 0), node(3, kComp), message(4, kSend, 1, 8, 0, {3}),
               node(2, kComp, {1})});
  folder.rank({message(1, kRecv, 0, 8, 0), node(2, kComp, {1}), message(3, kSend, 0, 8, 0, {2})});
  const Workload workload = load_chakra_workload(folder.pattern());
  CHECK(source_ids(*workload.graphs[0]) == Ids{1, 3, 4, 2});
}

TEST_CASE("Collectives order ops across ranks, too", "[op_order]") {
  // Rank 0: compute 2 waits for collective 1, and compute 3 comes before the message that rank 1
  // needs to reach the collective.
  TraceFolder folder("order_collective");
  folder.rank(
      {collective(1, 0, 8), node(2, kComp, {1}), node(3, kComp), message(4, kSend, 1, 8, 0, {3})});
  folder.rank({message(1, kRecv, 0, 8, 0), collective(2, 0, 8, {1})});
  const Workload workload = load_chakra_workload(folder.pattern());
  CHECK(source_ids(*workload.graphs[0]) == Ids{3, 4, 1, 2});
}

TEST_CASE("A true deadlock is left for the run to report", "[op_order]") {
  TraceFolder folder("deadlock");
  folder.rank({message(1, kRecv, 1, 8, 0), message(2, kSend, 1, 8, 0, {1})});
  folder.rank({message(1, kRecv, 0, 8, 0), message(2, kSend, 0, 8, 0, {1})});
  const Workload workload = load_chakra_workload(folder.pattern());
  CHECK(source_ids(*workload.graphs[0]) == Ids{1, 2});
}
