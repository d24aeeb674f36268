// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file traffic.hpp
/// Synthetic workloads: point-to-point patterns, explicit flow lists and single collectives. A flow
/// is a send on its source and a recv on its destination under a tag that no other flow of this
/// pair of ranks has, so it is a connection of its own; the flows of a rank run at the same time
/// (each on its own stream). A flow that starts later follows a CPU compute op as long as its start
/// time. Definitions and sources: docs/traffic.md.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/params.hpp"
#include "workloads/op_graph.hpp"
#include "workloads/traffic/size_distribution.hpp"

namespace plait {

constexpr std::int64_t kMaxTrafficRanks = 1 << 20;

struct Flow {
  RankId source, destination;
  Bytes size{};
  Duration start{};  ///< After the start of the job; of a chain's later flows 0.
  /// Flows of one source and chain run one after another, in the order of the list.
  std::uint32_t chain = kNoChain;

  static constexpr std::uint32_t kNoChain = UINT32_MAX;
};

/// @param ranks number of ranks of the workload. Flows keep their order in the graphs.
/// @param think_time pause between the flows of a chain.
/// @throws UserError on a flow to itself or a rank out of range.
Workload make_flow_workload(std::uint32_t ranks, const std::vector<Flow>& flows,
                            Duration think_time = {});

enum class TrafficPattern : std::uint8_t {
  kPermutation,
  kShift,
  kIncast,
  kAllToAll,
  kOutcast,
  kHotspot,
  kRandom,
};
enum class FlowSizes : std::uint8_t { kFixed, kWebSearch, kHadoop, kFile };
enum class Arrivals : std::uint8_t {
  kRounds,   ///< The whole pattern at once, `rounds` times.
  kPoisson,  ///< Open loop: exponential gaps, whatever the network does.
  kClosed,   ///< Closed loop: a flow begins when the one before it has ended.
};
enum class LoadOf : std::uint8_t { kNic, kBisection };

struct TrafficParams {
  TrafficPattern pattern = TrafficPattern::kPermutation;
  std::int64_t ranks = 2;
  std::int64_t shift = 1;      ///< kShift: rank r sends to (r + shift) mod ranks.
  std::int64_t peers = 0;      ///< kIncast: senders, kOutcast: receivers; 0 = all others.
  std::int64_t center = 0;     ///< Rank to which an incast and from which an outcast goes.
  std::int64_t hot_ranks = 1;  ///< kHotspot: ranks 0 to hot_ranks - 1
  double hot_share = 0.5;      ///< get this share of the flows of every rank.
  FlowSizes sizes = FlowSizes::kFixed;
  Bytes size = Bytes::mega(1);  ///< kFixed.
  std::string cdf;              ///< kFile.
  Arrivals arrivals = Arrivals::kRounds;
  std::int64_t rounds = 1;
  Duration round_gap{};  ///< From the start of a round to that of the next.
  double load = 0.5;     ///< kPoisson: payload over the rate that load_of names.
  LoadOf load_of = LoadOf::kNic;
  Duration duration{};           ///< kPoisson: no flow starts later; 0 = no limit.
  std::int64_t flows = 0;        ///< In all; kPoisson: 0 = no limit.
  std::int64_t concurrency = 1;  ///< kClosed: flows of one sender at a time.
  Duration think_time{};         ///< kClosed: from the end of a flow to the next.
};
void describe(ParamVisitor& visitor, TrafficParams& params);

/// What a load is a share of.
struct TrafficRates {
  BitRate rank;       ///< What one rank can send: its share of its host's NIC.
  BitRate bisection;  ///< One direction, all links together.
};

/// @param rates needed by kPoisson only. @throws UserError on a parameter out of range or one that
/// makes no sense with the pattern.
std::vector<Flow> make_traffic_flows(const TrafficParams& params, std::uint64_t seed,
                                     const TrafficRates& rates = {});
Workload make_traffic(const TrafficParams& params, std::uint64_t seed,
                      const TrafficRates& rates = {});
SizeDistribution flow_sizes(const TrafficParams& params);

/// Payload that one sender offers on average, kPoisson, in bits/s.
/// @throws UserError as make_traffic_flows().
double offered_rate(const TrafficParams& params, const TrafficRates& rates);

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

/// Group 0 of every workload.
Group all_ranks(std::uint32_t ranks);

/// Each flow costs a few hundred bytes before the run starts. @throws UserError beyond 10 million.
void check_all_to_all(std::int64_t ranks);

}  // namespace plait
