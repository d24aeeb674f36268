// SPDX-License-Identifier: Apache-2.0
#include "workloads/collectives/nccl_channels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace plait {

namespace {

// Speeds of a channel that the search tries, GB/s: between hosts, and on one.
constexpr std::array<double, 19> kNetSpeeds = {48, 30, 28, 24, 20, 18,  15,  12,   10,  9,
                                               7,  6,  5,  4,  3,  2.4, 1.2, 0.24, 0.12};
constexpr std::array<double, 17> kNetSpeedsHopper = {48, 45, 42, 40, 30,  24,  22,   20,  17.5,
                                                     15, 12, 6,  3,  2.4, 1.2, 0.24, 0.12};
constexpr std::array<double, 20> kNetSpeedsBlackwell = {
    96, 86, 80, 48, 45.1, 42, 40, 30, 24, 22, 20, 17.5, 15, 12, 6, 3, 2.4, 1.2, 0.24, 0.12};
constexpr std::array<double, 13> kHostSpeeds = {40, 30, 20, 18, 15, 12, 10, 9, 7, 6, 5, 4, 3};
constexpr std::array<double, 11> kHostSpeedsHopper = {60, 50, 40, 30, 24, 20, 15, 12, 11, 6, 3};
constexpr std::array<double, 12> kHostSpeedsBlackwell = {90, 80, 70, 60, 50, 45,
                                                         40, 30, 24, 20, 19, 18};
constexpr std::uint32_t kMostSearched = 32;  // channels

std::span<const double> speeds_of(GpuGeneration generation, bool net) {
  switch (generation) {
    case GpuGeneration::kHopper:
      return net ? std::span<const double>(kNetSpeedsHopper) : kHostSpeedsHopper;
    case GpuGeneration::kBlackwell:
      return net ? std::span<const double>(kNetSpeedsBlackwell) : kHostSpeedsBlackwell;
    default:
      return net ? std::span<const double>(kNetSpeeds) : kHostSpeeds;
  }
}

// NCCL's nvlsChannels by default.
constexpr int kNvlsChannels = 16, kNvlsChannelsBlackwell = 32;

// As many channels of one speed as the links carry; the most in total, the fastest of equals.
void find_channels(NcclGroup& group) {
  const double host = nccl_gigabytes(group.facts.scale_up), nic = nccl_gigabytes(group.facts.nic);
  const bool crosses = group.hosts > 1, shares = group.ranks > group.hosts;
  for (const double speed : speeds_of(group.facts.generation, group.hosts > 1)) {
    double count = kMostSearched;
    if (shares) count = std::min(count, std::floor(host / speed));
    if (crosses) count = std::min(count, group.nics * std::floor(nic / speed));
    if (count * speed <= nccl_channel_rate(group)) continue;
    group.channels = count;
    group.channel_rate = speed;
  }
  // NCCL doubles fast channels and halves their speed; since Hopper only the fastest, or few.
  const bool since_hopper = group.facts.generation >= GpuGeneration::kHopper;
  if (group.channel_rate < 25 || group.channels > kMostSearched / 2) return;
  if (since_hopper && group.channel_rate < 50 && group.channels > 4) return;
  group.channels *= 2;
  group.channel_rate /= 2;
}

// Calls of less than `rounds` rounds of chunks of all channels and GPUs take chunks of `most`.
struct NvlsChunkLimit {
  std::int64_t rounds;
  Bytes most;
};
constexpr std::array<NvlsChunkLimit, 3> kNvlsChunkLimits = {
    {{64, Bytes::kibi(64)}, {8, Bytes::kibi(32)}, {2, Bytes::kibi(16)}}};
constexpr std::array<NvlsChunkLimit, 2> kNvlsTreeChunkLimits = {
    {{4, Bytes::kibi(64)}, {1, Bytes::kibi(32)}}};
constexpr Bytes kNvlsChunk = Bytes::kibi(128);
constexpr Bytes kNvlsTreeChunkManyHosts = Bytes::kibi(64);
constexpr std::uint32_t kManyHosts = 4;

}  // namespace

double nccl_gigabytes(BitRate rate) { return static_cast<double>(rate.bps()) / 8e9; }

NcclGroup make_nccl_group(std::uint32_t ranks, std::uint32_t hosts, std::uint32_t nics,
                          const CollectiveFacts& facts) {
  NcclGroup group{ranks, hosts, nics, facts};
  find_channels(group);
  return group;
}

double nccl_channel_rate(const NcclGroup& group) { return group.channels * group.channel_rate; }

int nccl_nvls_channels(const NcclGroup& group) {
  return group.facts.generation == GpuGeneration::kBlackwell ? kNvlsChannelsBlackwell
                                                             : kNvlsChannels;
}

double nccl_nvls_channel_rate(const NcclGroup& group) {
  const double count = nccl_nvls_channels(group);
  double fastest = 0;
  for (const double speed : speeds_of(group.facts.generation, false))
    if (count * speed <= nccl_gigabytes(group.facts.scale_up)) fastest = std::max(fastest, speed);
  return fastest;
}

Bytes nccl_whole_buffer(CollectiveKind kind, Bytes size, const NcclGroup& group) {
  return kind == CollectiveKind::kAllGather ? size * group.ranks : size;
}

Bytes nccl_nvls_chunk(CollectiveKind kind, Bytes size, const NcclGroup& group,
                      CollectiveAlgorithm algorithm) {
  const bool tree = algorithm == CollectiveAlgorithm::kNvlsTree;
  const Bytes bytes = nccl_whole_buffer(kind, size, group);
  const std::int64_t channels = nccl_nvls_channels(group);
  const std::int64_t at_once = channels * (group.ranks / group.hosts);
  Bytes chunk = tree && group.hosts >= kManyHosts ? kNvlsTreeChunkManyHosts : kNvlsChunk;
  const std::span<const NvlsChunkLimit> limits =
      tree ? std::span<const NvlsChunkLimit>(kNvlsTreeChunkLimits) : kNvlsChunkLimits;
  for (const NvlsChunkLimit& limit : limits)
    if (bytes < chunk * (limit.rounds * at_once)) chunk = std::min(chunk, limit.most);
  return chunk * (tree ? channels / 2 : channels);
}

}  // namespace plait
