// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "models/collective_choice.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

using Algorithm = CollectiveAlgorithm;
using Protocol = CollectiveProtocol;

// Eight A100 of one host, or more hosts of eight.
CollectiveFacts a100() {
  CollectiveFacts facts;
  facts.generation = GpuGeneration::kAmpere;
  facts.scale_up = BitRate::gigabytes_per_s(240);
  facts.nic = BitRate::gbps(200);
  return facts;
}

Op collective(CollectiveKind kind, Bytes size) {
  Op op;
  op.kind = OpKind::kCollective;
  op.collective = kind;
  op.size = size;
  return op;
}
Op all_reduce(Bytes size) { return collective(CollectiveKind::kAllReduce, size); }

GroupChoices group_of(const CollectiveParams& params, std::uint32_t ranks = 8,
                      const CollectiveFacts& facts = a100(), std::string_view name = "tp0") {
  std::vector<std::uint32_t> hosts;
  for (std::uint32_t r = 0; r < ranks; ++r) hosts.push_back(r / 8);
  return GroupChoices(params, name, hosts, 8, facts);
}

CollectiveFilter only(CollectiveKind kind) {
  return static_cast<CollectiveFilter>(static_cast<int>(kind) + 1);
}

}  // namespace

TEST_CASE("the choice is NCCL's where the machine is known", "[choice]") {
  const CollectiveParams params;
  const GroupChoices group = group_of(params);
  const CollectiveChoice small = group.choose(all_reduce(Bytes::kibi(8)));
  CHECK(small.algorithm == Algorithm::kRing);
  CHECK(small.protocol == Protocol::kLl);
  CHECK(group.choose(all_reduce(Bytes::mebi(64))).protocol == Protocol::kSimple);
  // No model of NCCL: Plait's default.
  const CollectiveChoice exchange =
      group.choose(collective(CollectiveKind::kAllToAll, Bytes::kibi(8)));
  CHECK(exchange.algorithm == Algorithm::kPairwise);
  CHECK(exchange.protocol == Protocol::kSimple);
}

TEST_CASE("nothing known of the machine: rings and Simple, as the parameters say", "[choice]") {
  CollectiveParams params;
  params.launch = Duration::ns(123);
  const GroupChoices group = group_of(params, 8, CollectiveFacts{});
  const CollectiveChoice choice = group.choose(all_reduce(Bytes(8)));
  CHECK(choice.algorithm == Algorithm::kRing);
  CHECK(choice.protocol == Protocol::kSimple);
  CHECK(choice.launch == params.launch);
  CHECK(choice.step_intra == params.step_intra);
  CHECK(choice.step_inter == params.step_inter);
  CHECK(choice.chunk == params.chunk);
  CHECK(choice.layout->rings.size() == 1);
  CHECK(group.choose(collective(CollectiveKind::kBroadcast, Bytes(8))).chunk ==
        params.broadcast_chunk);
}

TEST_CASE("costs of other protocols are in NCCL's ratio to Simple on a ring", "[choice]") {
  CollectiveParams params;
  params.algorithm = Algorithm::kRing;
  params.protocol = Protocol::kLl128;
  const CollectiveChoice ll128 = group_of(params).choose(all_reduce(Bytes::mebi(1)));
  CHECK(ll128.launch.to_us() == Approx(14.0));
  CHECK(ll128.step_intra.to_us() == Approx(1.9 - 0.6));
  CHECK(ll128.step_inter.to_us() == Approx(4.0 - 1.7));
  CHECK(ll128.wire_bytes(Bytes(120)) == Bytes(128));
  CHECK(ll128.wire_bytes(Bytes(121)) == Bytes(130));  // 129.07, rounded up
  params.protocol = Protocol::kLl;
  params.launch = params.launch / 2;
  params.step_intra = Duration{};
  CollectiveFacts amd = a100();
  amd.cpu = CpuVendor::kAmd;
  const CollectiveChoice ll = group_of(params, 8, amd).choose(all_reduce(Bytes::mebi(1)));
  CHECK(ll.launch.to_us() == Approx(6.6 / 2));
  CHECK(ll.step_intra == Duration{});
  CHECK(ll.step_inter.to_us() == Approx(2.0));  // to post takes longer than 2.7 - 1.7
  CHECK(ll.wire_bytes(Bytes(7)) == Bytes(14));
  CHECK(ll.chunk == Bytes::kibi(768));  // 32 KiB in a slot, 24 channels
}

TEST_CASE("steps between hosts cost NCCL's network hop less the flight", "[choice]") {
  CollectiveParams params;
  const GroupChoices group = group_of(params);
  CHECK(group.choose(all_reduce(Bytes::mebi(64))).step_inter.to_us() == Approx(14 - 1.7));
  // No hop of NCCL's: three times 1 us to post.
  CHECK(group.choose(collective(CollectiveKind::kAllToAll, Bytes::mebi(1))).step_inter.to_us() ==
        Approx(3.0));
  params.algorithm = Algorithm::kTwoLevelTree;
  params.protocol = Protocol::kLl;
  CHECK(group_of(params).choose(all_reduce(Bytes(8))).step_inter.to_us() == Approx(5 - 1.7));
}

TEST_CASE("chunks of chains and trees are shared by the rings", "[choice]") {
  CollectiveParams params;
  params.channels = 4;
  params.algorithm = Algorithm::kRing;
  params.protocol = Protocol::kSimple;
  const GroupChoices group = group_of(params);
  CHECK(group.choose(collective(CollectiveKind::kBroadcast, Bytes::gibi(1))).chunk ==
        params.broadcast_chunk / 4);
  CHECK(group.choose(all_reduce(Bytes::gibi(1))).chunk == params.chunk);
  params.algorithm = Algorithm::kTree;  // 16 pieces of each ring's share, at least 64 KiB
  CHECK(group_of(params).choose(all_reduce(Bytes::mebi(32))).chunk == Bytes::kibi(512));
  CHECK(group_of(params).choose(all_reduce(Bytes::mebi(2))).chunk == Bytes::kibi(64));
}

TEST_CASE("NCCL's tree is a chain on each host and a tree between hosts", "[choice]") {
  const CollectiveParams params;
  CHECK(group_of(params, 128).choose(all_reduce(Bytes::kibi(8))).algorithm ==
        Algorithm::kTwoLevelTree);
}

TEST_CASE("the first override that fits a call holds", "[choice]") {
  CollectiveParams params;
  params.overrides.push_back({.kind = only(CollectiveKind::kAllReduce),
                              .group = "tp*",
                              .from = Bytes::mebi(1),
                              .to = Bytes::gibi(1),
                              .algorithm = Algorithm::kTree,
                              .protocol = Protocol::kLl128,
                              .channels = 4});
  params.overrides.push_back({.algorithm = Algorithm::kRing, .protocol = Protocol::kSimple});
  const GroupChoices group = group_of(params);
  const CollectiveChoice first = group.choose(all_reduce(Bytes::mebi(1)));
  CHECK(first.algorithm == Algorithm::kTree);
  CHECK(first.protocol == Protocol::kLl128);
  CHECK(first.layout->rings.size() == 4);
  // Too small, at the upper end, another kind, another group: the second.
  const auto is_second = [](const CollectiveChoice& choice) {
    return choice.algorithm == Algorithm::kRing && choice.protocol == Protocol::kSimple &&
           choice.layout->rings.size() == 1;
  };
  CHECK(is_second(group.choose(all_reduce(Bytes::mebi(1) - Bytes(1)))));
  CHECK(is_second(group.choose(all_reduce(Bytes::gibi(1)))));
  CHECK(is_second(group.choose(collective(CollectiveKind::kAllGather, Bytes::mebi(1)))));
  CHECK(is_second(group_of(params, 8, a100(), "dp0").choose(all_reduce(Bytes::mebi(1)))));
}

TEST_CASE("a wish that the kind does not have leaves it its own choice", "[choice]") {
  CollectiveParams params;
  params.algorithm = Algorithm::kTree;
  const GroupChoices group = group_of(params);
  CHECK(group.choose(all_reduce(Bytes::mebi(64))).algorithm == Algorithm::kTree);
  CHECK(group.choose(collective(CollectiveKind::kAllGather, Bytes(8))).algorithm ==
        Algorithm::kRing);
}

TEST_CASE("a wish that the placement does not allow is refused with the reason", "[choice]") {
  CollectiveParams params;
  params.algorithm = Algorithm::kNvls;
  CHECK_THROWS_WITH(group_of(params).choose(all_reduce(Bytes(8))),
                    Catch::Contains("group 'tp0' cannot run all_reduce with algorithm nvls: the "
                                    "hosts' scale-up network does not reduce in its switch"));
  CollectiveFacts h100 = a100();
  h100.in_switch_reduction = true;
  params.algorithm = Algorithm::kNvlsTree;
  CHECK_THROWS_WITH(GroupChoices(params, "dp0", {0, 1}, 1, h100).choose(all_reduce(Bytes(8))),
                    Catch::Contains("group 'dp0' cannot run all_reduce with algorithm nvls_tree: "
                                    "it needs at least two members of the group on each host"));
  params.algorithm = Algorithm::kHierarchical;
  CHECK_THROWS_WITH(group_of(params, 12).choose(all_reduce(Bytes(8))),
                    Catch::Contains("equally many members of the group on each host"));
}

TEST_CASE("NVLS cuts a GPU's piece as NCCL does, the user's chunk less still", "[choice]") {
  // Eight H100: 16 channels of 8 GPUs' pieces. Chunks of 128 KiB from 64 rounds of all of them on,
  // 64 * 16 * 8 * 128 KiB = 1 GiB; of 64 KiB from 8 * 16 * 8 * 64 KiB = 64 MiB; of 32 KiB from
  // 2 * 16 * 8 * 32 KiB = 8 MiB; else of 16 KiB.
  CollectiveFacts h100 = a100();
  h100.generation = GpuGeneration::kHopper;
  h100.scale_up = BitRate::gigabytes_per_s(370);
  h100.in_switch_reduction = true;
  CollectiveParams params;
  params.algorithm = Algorithm::kNvls;
  params.window = 3;
  const GroupChoices group = group_of(params, 8, h100);
  const auto chunk = [&](Bytes size) { return group.choose(all_reduce(size)).chunk; };
  CHECK(chunk(Bytes::gibi(1)) == Bytes::kibi(16 * 128));
  CHECK(chunk(Bytes::gibi(1) - Bytes(1)) == Bytes::kibi(16 * 64));
  CHECK(chunk(Bytes::mebi(64)) == Bytes::kibi(16 * 64));
  CHECK(chunk(Bytes::mebi(64) - Bytes(1)) == Bytes::kibi(16 * 32));
  CHECK(chunk(Bytes::mebi(8) - Bytes(1)) == Bytes::kibi(16 * 16));
  // Of an all-gather the result counts: eight times 128 MiB.
  const Op gather = collective(CollectiveKind::kAllGather, Bytes::mebi(128));
  CHECK(group.choose(gather).chunk == Bytes::kibi(16 * 128));
  CHECK(group.choose(gather).window == 3);
  // Two hosts: each tree has half the channels. 4 * 16 * 8 * 128 KiB = 64 MiB. Four: 64 KiB.
  params.algorithm = Algorithm::kNvlsTree;
  const auto tree_chunk = [&](std::uint32_t ranks, Bytes size) {
    return group_of(params, ranks, h100).choose(all_reduce(size)).chunk;
  };
  CHECK(tree_chunk(16, Bytes::mebi(64)) == Bytes::kibi(8 * 128));
  CHECK(tree_chunk(16, Bytes::mebi(64) - Bytes(1)) == Bytes::kibi(8 * 64));
  CHECK(tree_chunk(16, Bytes::mebi(8) - Bytes(1)) == Bytes::kibi(8 * 32));
  CHECK(tree_chunk(32, Bytes::gibi(1)) == Bytes::kibi(8 * 64));
  params.chunk = Bytes::kibi(100);
  CHECK(tree_chunk(32, Bytes::gibi(1)) == Bytes::kibi(100));
}

TEST_CASE("a star stands for any text", "[choice]") {
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("tp*", "tp0"));
  CHECK(matches_pattern("*_3", "tp_3"));
  CHECK(matches_pattern("a*b*c", "a-b-bc"));
  CHECK_FALSE(matches_pattern("tp*", "dp0"));
  CHECK_FALSE(matches_pattern("tp", "tp0"));
  CHECK_FALSE(matches_pattern("a*b*c", "a-c-b"));
  CHECK_FALSE(matches_pattern("*_3", "tp_31"));
}

}  // namespace plait
