// SPDX-License-Identifier: Apache-2.0
// One collective operation, repeated.
#include "sim/param_check.hpp"
#include "workloads/traffic/traffic.hpp"

namespace plait {

void describe(ParamVisitor& visitor, CollectiveTrafficParams& params) {
  constexpr std::string_view kOurs = "Plait's choice";
  visitor.choice({"kind", "which collective", kOurs}, params.kind,
                 {{"all_reduce", "size: the buffer of each rank"},
                  {"all_gather", "size: what each rank contributes"},
                  {"reduce_scatter", "size: the whole input of each rank"},
                  {"broadcast", "size: the buffer of the root, rank 0"},
                  {"all_to_all", "size: the whole input of each rank"},
                  {"barrier", "no data; size is ignored"},
                  {"reduce", "size: the buffer of each rank; to rank 0"},
                  {"gather", "size: what each rank contributes; to rank 0"},
                  {"scatter", "size: what each rank gets; from rank 0"}});
  visitor.field({"ranks", "number of ranks", kOurs}, params.ranks, {1, kMaxTrafficRanks});
  visitor.field({"size", "bytes of one rank, see kind", kOurs}, params.size,
                {Bytes(0), Bytes::gibi(1024)});
  visitor.field({"repeat", "how many times, one after another", kOurs}, params.repeat,
                {1, 1'000'000});
}

Workload make_collective_workload(const CollectiveTrafficParams& params) {
  check_ranges(params, "collective");
  if (params.kind == CollectiveKind::kAllToAll) check_all_to_all(params.ranks);
  Op op;
  op.kind = OpKind::kCollective;
  op.collective = params.kind;
  op.size = params.kind == CollectiveKind::kBarrier ? Bytes(0) : params.size;
  op.group = GroupId(0);
  op.peer = RankId(0);
  OpGraphBuilder builder;
  for (std::int64_t i = 0; i < params.repeat; ++i)
    builder.add(op, to_string(params.kind), static_cast<std::uint64_t>(i), {});
  const auto graph = std::make_shared<const OpGraph>(std::move(builder).build("collective"));
  Workload workload;
  workload.graphs.assign(static_cast<std::size_t>(params.ranks), graph);
  workload.groups.push_back(all_ranks(static_cast<std::uint32_t>(params.ranks)));
  return workload;
}

}  // namespace plait
