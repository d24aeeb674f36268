// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file traffic.hpp
/// Synthetic workloads: point-to-point patterns, explicit flow lists and single collectives. A flow
/// is a send on its source and a recv on its destination under a tag that no other flow of this
/// pair of ranks has; the flows of a rank run at the same time (each on its own stream). A flow
/// that starts later follows a CPU compute op as long as its start time.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "sim/params.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

struct Flow {
  RankId source, destination;
  Bytes size{};
  Duration start{};
};

/// @param ranks number of ranks of the workload. Flows keep their order in the graphs.
/// @throws UserError on a flow to itself or a rank out of range.
Workload make_flow_workload(std::uint32_t ranks, const std::vector<Flow>& flows);

enum class TrafficPattern : std::uint8_t { kPermutation, kShift, kIncast, kAllToAll };

struct TrafficParams {
  TrafficPattern pattern = TrafficPattern::kPermutation;
  std::int64_t ranks = 2;
  Bytes size = Bytes::mega(1);  ///< Of each flow.
  std::int64_t shift = 1;       ///< kShift: rank r sends to (r + shift) mod ranks.
};
void describe(ParamVisitor& visitor, TrafficParams& params);

/// Permutation: every rank sends to one other and receives from one other, drawn from `seed`.
/// Incast: ranks 1.. send to rank 0. All-to-all: every rank sends to every other.
/// @throws UserError on a parameter out of range or a shift by a multiple of the number of ranks.
std::vector<Flow> make_traffic_flows(const TrafficParams& params, std::uint64_t seed);
Workload make_traffic(const TrafficParams& params, std::uint64_t seed);

/// Reads lines `src,dst,bytes,start`, for example `0,5,2MB,10us`, after that line as a header;
/// empty lines and lines that begin with # are skipped. Ranks: the highest named plus one.
/// @throws UserError naming file and line.
Workload load_flow_list(const std::filesystem::path& file);

struct CollectiveTrafficParams {
  CollectiveKind kind = CollectiveKind::kAllReduce;
  std::int64_t ranks = 2;
  Bytes size = Bytes::mebi(64);  ///< As in Op::size.
  std::int64_t repeat = 1;       ///< How many times, one after another.
};
void describe(ParamVisitor& visitor, CollectiveTrafficParams& params);

/// The same collective on all ranks; the root of kinds that have one is rank 0. One graph, shared.
Workload make_collective_workload(const CollectiveTrafficParams& params);

}  // namespace plait
