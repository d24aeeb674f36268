// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sim/error.hpp"
#include "workloads/rescale.hpp"
#include "workloads/trace.hpp"

using namespace plait;
using Catch::Matchers::Contains;

namespace {

const std::string kTiny = PLAIT_SOURCE_DIR "/examples/traces/stg_tiny_gpt/";

Workload tiny() {
  TraceOptions options;
  options.group_file = kTiny + "w.json";
  return load_trace(kTiny + "w.{rank}.et", options);
}

// Two ranks, one collective over both.
Workload pair_calling(CollectiveKind kind) {
  Op op;
  op.kind = OpKind::kCollective;
  op.collective = kind;
  op.size = Bytes(1001);
  op.group = GroupId(0);
  op.peer = RankId(1);
  OpGraphBuilder builder;
  builder.add(op, "call", 0, {});
  const auto graph = std::make_shared<const OpGraph>(std::move(builder).build("test"));
  return {.graphs = {graph, graph}, .groups = {{"all", {RankId(0), RankId(1)}}}};
}

}  // namespace

TEST_CASE("the tiny GPT on 16 ranks: groups of data parallelism grow, all else is copied",
          "[rescale]") {
  const Workload old = tiny();
  const Workload made = rescale(old, 16, {"5", "6", "7", "8"});
  REQUIRE(made.graphs.size() == 16);
  for (std::size_t rank = 0; rank < 16; ++rank) {
    const RankId before(rank % 8), now(rank);
    const OpGraph& graph = *made.graphs[rank];
    REQUIRE(graph.size() == old.graphs[before.index()]->size());
    CHECK(made.graphs[rank] == made.graphs[rank % 8]);  // copies share
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const Op was = old.resolved(before, OpId(i)), is = made.resolved(now, OpId(i));
      REQUIRE(is.kind == was.kind);
      if (is.kind == OpKind::kSend || is.kind == OpKind::kRecv) {
        CHECK(is.peer.index() == was.peer.index() + rank / 8 * 8);
        CHECK(is.size == was.size);
      }
      if (is.kind != OpKind::kCollective) continue;
      const Group& from = old.groups[was.group.index()];
      const Group& to = made.groups[is.group.index()];
      const bool grows = from.name >= "5" && from.name <= "8" && from.name.size() == 1;
      CHECK(to.ranks.size() == from.ranks.size() * (grows ? 2 : 1));
      CHECK(std::find(to.ranks.begin(), to.ranks.end(), now) != to.ranks.end());
      const bool shared_out = grows && is.collective == CollectiveKind::kAllGather;
      CHECK(is.size.count() == (shared_out ? (was.size.count() + 1) / 2 : was.size.count()));
    }
  }
}

TEST_CASE("sizes and roots of collectives that grow", "[rescale]") {
  const auto op_of_rank_5 = [](CollectiveKind kind) {
    return rescale(pair_calling(kind), 6, {}).resolved(RankId(5), OpId(0));
  };
  CHECK(op_of_rank_5(CollectiveKind::kAllReduce).size == Bytes(1001));
  CHECK(op_of_rank_5(CollectiveKind::kReduceScatter).size == Bytes(1001));
  CHECK(op_of_rank_5(CollectiveKind::kAllGather).size == Bytes(334));  // 1001 / 3, rounded up
  CHECK(op_of_rank_5(CollectiveKind::kBroadcast).peer == RankId(1));   // not its own copy's, 5
  CHECK(op_of_rank_5(CollectiveKind::kBroadcast).size == Bytes(1001));
}

TEST_CASE("what cannot be rescaled says why", "[rescale]") {
  CHECK_THROWS_WITH(rescale(pair_calling(CollectiveKind::kAllReduce), 5, {}),
                    Contains("5 ranks are no multiple of the trace's 2"));
  CHECK_THROWS_WITH(rescale(pair_calling(CollectiveKind::kAllReduce), 0, {}),
                    Contains("0 ranks are no multiple"));
  CHECK_THROWS_WITH(rescale(pair_calling(CollectiveKind::kAllToAll), 4, {}),
                    Contains("calls all_to_all over group 'all'"));
  CHECK_THROWS_WITH(rescale(pair_calling(CollectiveKind::kGather), 4, {}), Contains("gather"));
  CHECK_THROWS_WITH(rescale(pair_calling(CollectiveKind::kAllReduce), 4, {"al"}),
                    Contains("no collective uses a group 'al'"));
  CHECK_THROWS_WITH(rescale(tiny(), 16, {}), Contains("no group is marked data-parallel"));
}
