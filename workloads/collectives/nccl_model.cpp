// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/nccl_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "workloads/collectives/nccl_channels.hpp"

namespace plait {

namespace {

using Algorithm = CollectiveAlgorithm;
using Protocol = CollectiveProtocol;

constexpr std::array<Protocol, 3> kProtocols = {Protocol::kLl, Protocol::kLl128, Protocol::kSimple};

std::size_t index_of(Protocol protocol) {
  PLAIT_CHECK(protocol != Protocol::kAuto, "a protocol is chosen before it is used");
  return static_cast<std::size_t>(protocol) - 1;
}
std::size_t index_of(GpuGeneration generation) { return static_cast<std::size_t>(generation); }
std::size_t scale_of(std::uint32_t hosts) { return std::min(hosts, 3U) - 1; }  // 1, 2, more

constexpr double kNever = -1;  // in place of a latency: NCCL has no such pair

struct LatencyRow {
  Algorithm algorithm;
  std::array<double, 3> base, nvlink, network;  // LL, LL128, Simple
};
constexpr std::array<LatencyRow, 5> kLatency{{
    {Algorithm::kTree, {6.8, 14.0, 8.4}, {0.6, 1.25, 4.0}, {5.0, 8.5, 14.0}},
    {Algorithm::kRing, {6.6, 14.0, 8.4}, {0.6, 1.9, 3.4}, {2.7, 4.0, 14.0}},
    {Algorithm::kNvls, {kNever, kNever, 0}, {0, 0, 25.0}, {0, 0, 18.0}},
    {Algorithm::kNvlsTree, {kNever, kNever, 0}, {0, 0, 25.0}, {0, 0, 20.9}},
    {Algorithm::kPat, {kNever, kNever, 8.0}, {0, 0, 4.0}, {0, 0, 14.0}},
}};

using ByScale = std::array<double, 3>;  // 1 host, 2, more
using ByGeneration = std::array<ByScale, 4>;

// GB/s. On one host by the GPU; between hosts by the CPU, whose rows are 0 (Intel and others) and 1
// (AMD).
constexpr ByGeneration kLlMax = {{{39, 39, 20.4}, {87.7, 22.5, 19}, {141, 45, 35}, {282, 90, 70}}};
// GB/s of one channel.
constexpr ByGeneration kRingLl128Max = {
    {{20, 20, 20}, {20, 20, 20}, {36.7, 36.7, 36.7}, {40, 40, 40}}};
constexpr ByGeneration kTreeLl128Max = {
    {{20, 20, 20}, {20, 20, 20}, {36.7, 36.7, 29}, {55.6, 31.67, 20}}};
constexpr ByGeneration kTreeMax = {
    {{26.5, 18.5, 10}, {24, 23.6, 17.8}, {38.7, 41.4, 36}, {70, 42.8, 24}}};
constexpr ByGeneration kNvlsTreeMax = {
    {{26.5, 18.5, 10}, {24, 23.6, 17.8}, {0, 57.7, 45.5}, {0, 96, 80}}};
constexpr std::array<double, 4> kNvlsEfficiency = {0, 0, 0.85, 0.74};

// Correction of the tree's bandwidth for an all-reduce of 64 B * 2^i.
constexpr std::array<std::array<double, 24>, 3> kTreeCorrection = {{
    {1, 1, 1, 1, .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1, 1, 1, 1, 1},
    {1, 1, 1, 1, 1, .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1, 1},
    {.9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5,
     .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9, .9},
}};

struct NvlsRates {
  double channels = 0;
  double on_host = 0;  // what NCCL calls its bus bandwidth, per channel
};

NvlsRates nvls_rates(CollectiveKind kind, const NcclGroup& group) {
  const double count = nccl_nvls_channels(group);
  const double fastest = nccl_nvls_channel_rate(group);
  const double share = kNvlsEfficiency[index_of(group.facts.generation)];
  NvlsRates rates{count, fastest * share * (count - 1) / count};
  const double members = group.ranks_per_host();
  rates.on_host *= kind == CollectiveKind::kAllReduce ? 2 : (members - 1) / members;
  return rates;
}

double steps_of(CollectiveKind kind, double ranks) {
  switch (kind) {
    case CollectiveKind::kAllReduce:
      return 2 * (ranks - 1);
    case CollectiveKind::kAllGather:
    case CollectiveKind::kReduceScatter:
      return ranks - 1;
    default:
      return ranks;
  }
}

bool has_model(CollectiveKind kind, Algorithm algorithm, const NcclGroup& group) {
  const bool nvls_here = group.facts.in_switch_reduction &&
                         kNvlsEfficiency[index_of(group.facts.generation)] > 0 &&
                         group.ranks > group.hosts;
  const bool reduces = kind == CollectiveKind::kAllReduce;
  const bool halves = kind == CollectiveKind::kAllGather || kind == CollectiveKind::kReduceScatter;
  switch (algorithm) {
    case Algorithm::kRing:
      return reduces || halves || kind == CollectiveKind::kBroadcast ||
             kind == CollectiveKind::kReduce;
    case Algorithm::kTree:
    case Algorithm::kTwoLevelTree:
      return reduces;
    case Algorithm::kNvls:  // between hosts it needs switches that reduce there too
      return (reduces || halves) && nvls_here && group.hosts == 1;
    case Algorithm::kNvlsTree:
      return reduces && nvls_here && group.hosts > 1;
    case Algorithm::kPat:
      return halves && group.ranks == group.hosts;
    default:
      return false;
  }
}

// GB/s by which NCCL divides the bytes of the whole buffer.
double ring_bandwidth(CollectiveKind kind, const NcclGroup& group, Protocol protocol) {
  const std::size_t generation = index_of(group.facts.generation);
  const std::size_t scale = scale_of(group.hosts);
  double rate = nccl_channel_rate(group);
  if (protocol == Protocol::kLl) {
    const std::size_t row = group.hosts == 1 ? generation : group.facts.cpu == CpuVendor::kAmd;
    rate = std::min(rate * 0.5, kLlMax[row][scale]);
  } else if (protocol == Protocol::kLl128) {
    rate = std::min(rate * 0.92, group.channels * kRingLl128Max[generation][scale]);
  }
  return rate * group.ranks / steps_of(kind, group.ranks);
}

double tree_bandwidth(Bytes bytes, const NcclGroup& group, Protocol protocol) {
  const std::size_t generation = index_of(group.facts.generation);
  const std::size_t scale = scale_of(group.hosts);
  double rate =
      std::min(nccl_channel_rate(group) * 0.92, group.channels * kTreeMax[generation][scale]);
  if (protocol == Protocol::kLl) {
    const std::size_t row = group.hosts == 1 ? generation : group.facts.cpu == CpuVendor::kAmd;
    rate = std::min(rate / 3.8, kLlMax[row][scale]);
  } else if (protocol == Protocol::kLl128) {
    rate = std::min(rate * (group.hosts == 1 ? 7.0 / 9 : 120.0 / 128),
                    group.channels * kTreeLl128Max[generation][scale]);
  }
  if (group.facts.generation >= GpuGeneration::kHopper) rate *= 0.85;  // one GPU has all children
  const auto step = static_cast<std::uint64_t>(bytes.count()) >> 6;
  const auto log = static_cast<std::size_t>(std::bit_width(step)) - (step > 0 ? 1 : 0);
  if (step > 0 && log < kTreeCorrection[0].size()) rate *= kTreeCorrection[index_of(protocol)][log];
  return rate * 0.5;
}

double nvls_bandwidth(CollectiveKind kind, const NcclGroup& group, Algorithm algorithm) {
  const NvlsRates rates = nvls_rates(kind, group);
  double rate = rates.on_host;
  if (algorithm == Algorithm::kNvlsTree) {
    const double net = nccl_gigabytes(group.facts.nic) * group.nics / rates.channels;
    rate = std::min({rate, net * (group.hosts == 2 ? 2 : 1),
                     kNvlsTreeMax[index_of(group.facts.generation)][scale_of(group.hosts)]});
  }
  rate *= rates.channels;
  if (kind != CollectiveKind::kAllReduce) return rate;
  return rate * group.ranks / steps_of(kind, group.ranks);
}

double bandwidth(CollectiveKind kind, Bytes bytes, const NcclGroup& group, const NcclPick& pick) {
  switch (pick.algorithm) {
    case Algorithm::kRing:
      return ring_bandwidth(kind, group, pick.protocol);
    case Algorithm::kTree:
    case Algorithm::kTwoLevelTree:
      return tree_bandwidth(bytes, group, pick.protocol);
    case Algorithm::kPat:
      return nccl_channel_rate(group) * 0.75;
    default:
      return nvls_bandwidth(kind, group, pick.algorithm);
  }
}

double ring_latency(CollectiveKind kind, Bytes bytes, const NcclGroup& group, Protocol protocol,
                    const NcclLatency& table) {
  const double steps = steps_of(kind, group.ranks);
  if (kind == CollectiveKind::kBroadcast || kind == CollectiveKind::kReduce)
    return table.base + (group.hosts == 1 ? table.nvlink : table.network);
  const NcclLatency tree = *nccl_latency(Algorithm::kTree, protocol);
  // A rank alone on its host has nothing to hide the network behind.
  const double inter = group.ranks == group.hosts ? tree.network : table.network;
  double intra = table.nvlink;
  double inter_steps = 0;
  if (group.hosts > 1) {
    const double posts = protocol == Protocol::kSimple ? 3 : 1;
    intra = std::max(intra, posts * nccl_net_overhead_us(group.facts.cpu));
    inter_steps = (kind == CollectiveKind::kAllReduce ? 2.0 : 1.0) * (group.hosts - 1);
  }
  double latency = table.base + (steps - inter_steps) * intra + inter_steps * inter;
  // "Plateau effect of ring".
  const double per_channel_rank =
      static_cast<double>(bytes.count()) / (group.channels * group.ranks);
  if (protocol == Protocol::kSimple && group.hosts > 1 && kind == CollectiveKind::kAllReduce &&
      per_channel_rank >= 64)
    latency *= group.facts.generation == GpuGeneration::kVolta ? 1.9 : 1.4;
  return latency;
}

double latency(CollectiveKind kind, Bytes bytes, const NcclGroup& group, const NcclPick& pick) {
  const NcclLatency table = *nccl_latency(pick.algorithm, pick.protocol);
  const double rounds = std::bit_width(group.hosts) - 1;  // log2, rounded down
  switch (pick.algorithm) {
    case Algorithm::kRing:
      return ring_latency(kind, bytes, group, pick.protocol, table);
    case Algorithm::kTree:
    case Algorithm::kTwoLevelTree:
      return table.base +
             2 * ((group.ranks / group.hosts - 1) * table.nvlink + rounds * table.network);
    case Algorithm::kPat:
      return table.base + rounds * table.network / 3.5 + group.ranks * 2.8;
    case Algorithm::kNvlsTree:
      return table.nvlink + 2 * rounds * table.network;
    default:
      return table.nvlink;
  }
}

}  // namespace

std::string_view to_string(CollectiveProtocol protocol) {
  constexpr std::array<std::string_view, 4> kNames = {"auto", "ll", "ll128", "simple"};
  return kNames[static_cast<std::size_t>(protocol)];
}

std::optional<NcclLatency> nccl_latency(CollectiveAlgorithm algorithm,
                                        CollectiveProtocol protocol) {
  if (algorithm == Algorithm::kTwoLevelTree) algorithm = Algorithm::kTree;  // what NCCL's tree is
  const auto row = std::find_if(kLatency.begin(), kLatency.end(),
                                [&](const LatencyRow& r) { return r.algorithm == algorithm; });
  const std::size_t p = index_of(protocol);
  if (row == kLatency.end() || row->base[p] == kNever) return std::nullopt;
  return NcclLatency{row->base[p], row->nvlink[p], row->network[p]};
}

double nccl_net_overhead_us(CpuVendor cpu) { return cpu == CpuVendor::kAmd ? 2 : 1; }

std::optional<Duration> nccl_time(CollectiveKind kind, Bytes size, const NcclGroup& group,
                                  const NcclPick& pick) {
  if (!has_model(kind, pick.algorithm, group) || !nccl_latency(pick.algorithm, pick.protocol))
    return std::nullopt;
  if (group.ranks == 1) return Duration{};
  const Bytes bytes = nccl_whole_buffer(kind, size, group);
  const double rate = bandwidth(kind, bytes, group, pick);
  if (!(rate > 0)) return std::nullopt;
  const double ps =
      latency(kind, bytes, group, pick) * 1e6 + static_cast<double>(bytes.count()) / rate * 1e3;
  if (ps > 9e18) throw UserError("a collective of " + to_string(size) + " takes too long");
  return Duration::ps(std::llround(ps));
}

std::optional<NcclPick> nccl_choose(CollectiveKind kind, Bytes size, const NcclGroup& group,
                                    std::span<const CollectiveAlgorithm> algorithms,
                                    CollectiveProtocol protocol) {
  std::optional<NcclPick> best;
  Duration least = Duration::max();
  for (const CollectiveAlgorithm algorithm : algorithms)
    for (const CollectiveProtocol candidate : kProtocols) {
      if (protocol != Protocol::kAuto && candidate != protocol) continue;
      const NcclPick pick{algorithm, candidate};
      const std::optional<Duration> time = nccl_time(kind, size, group, pick);
      if (!time || *time >= least) continue;
      least = *time;
      best = pick;
    }
  return best;
}

}  // namespace plait
