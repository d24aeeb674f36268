// SPDX-License-Identifier: Apache-2.0
#include "workloads/traffic/patterns.hpp"

#include <fmt/format.h>

#include <numeric>

#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::uint32_t kPermutationPurpose = 0x7065726d;  // "perm"
constexpr std::uint32_t kDestinationPurpose = 0x64657374;  // "dest"

/// Sattolo's algorithm: a uniform cyclic permutation, so no rank sends to itself.
std::vector<std::uint32_t> random_cycle(std::uint32_t ranks, std::uint64_t seed) {
  std::vector<std::uint32_t> target(ranks);
  std::iota(target.begin(), target.end(), 0U);
  RandomStream random(seed, 0, kPermutationPurpose);
  for (std::uint32_t i = ranks - 1; i > 0; --i) std::swap(target[i], target[random.below(i)]);
  return target;
}

void check_pattern(const TrafficParams& params) {
  const auto below = [&](std::int64_t value, std::int64_t end, const char* what) {
    if (value >= end)
      throw UserError(
          fmt::format("{} is {}, but there are ranks 0 to {}", what, value, params.ranks - 1));
  };
  switch (params.pattern) {
    case TrafficPattern::kShift:
      if (params.shift % params.ranks == 0)
        throw UserError(fmt::format("a shift by {} over {} ranks sends from ranks to themselves",
                                    params.shift, params.ranks));
      break;
    case TrafficPattern::kIncast:
    case TrafficPattern::kOutcast:
      below(params.center, params.ranks, "center");
      if (params.peers >= params.ranks)
        throw UserError(fmt::format("peers is {}, but beside the center there are {} ranks",
                                    params.peers, params.ranks - 1));
      break;
    case TrafficPattern::kHotspot:
      if (params.hot_ranks >= params.ranks)
        throw UserError(
            fmt::format("hot_ranks is {} of {} ranks; at least one rank must not be hot",
                        params.hot_ranks, params.ranks));
      if (params.ranks < 3) throw UserError("a hotspot needs at least 3 ranks");
      break;
    default:
      break;
  }
}

}  // namespace

TrafficMatrix::TrafficMatrix(const TrafficParams& params, std::uint64_t seed)
    : params_(params), ranks_(static_cast<std::uint32_t>(params.ranks)), sent_(ranks_) {
  check_pattern(params);
  const auto peers = static_cast<std::uint32_t>(params.peers == 0 ? ranks_ - 1 : params.peers);
  switch (params.pattern) {
    case TrafficPattern::kIncast:
      for (std::uint32_t i = 0; i < peers; ++i) senders_.push_back(peer(i));
      break;
    case TrafficPattern::kOutcast:
      senders_.push_back(static_cast<std::uint32_t>(params.center));
      break;
    default:
      senders_.resize(ranks_);
      std::iota(senders_.begin(), senders_.end(), 0U);
  }
  if (params.pattern == TrafficPattern::kPermutation) target_ = random_cycle(ranks_, seed);
  if (params.pattern == TrafficPattern::kHotspot || params.pattern == TrafficPattern::kRandom)
    for (std::uint32_t rank = 0; rank < ranks_; ++rank)
      random_.emplace_back(seed, rank, kDestinationPurpose);
}

// The ranks without the center, numbered from 0.
std::uint32_t TrafficMatrix::peer(std::uint64_t index) const {
  const auto rank = static_cast<std::uint32_t>(index);
  return rank < params_.center ? rank : rank + 1;
}

std::uint32_t TrafficMatrix::random_other(std::uint32_t sender) {
  const auto other = static_cast<std::uint32_t>(random_[sender].below(ranks_ - 1));
  return other < sender ? other : other + 1;
}

// With probability hot_share one of the hot ranks, else one of the others, never the sender.
std::uint32_t TrafficMatrix::hot_or_not(std::uint32_t sender) {
  const auto hot = static_cast<std::uint32_t>(params_.hot_ranks);
  bool to_hot = random_[sender].uniform() < params_.hot_share;
  // The only hot rank sends all its flows to the others, the only cold one to the hot.
  if (to_hot && hot == 1 && sender == 0) to_hot = false;
  if (!to_hot && ranks_ - hot == 1 && sender == hot) to_hot = true;
  const std::uint32_t first = to_hot ? 0 : hot;
  const std::uint32_t count = to_hot ? hot : ranks_ - hot;
  const bool inside = sender >= first && sender < first + count;
  const auto drawn = static_cast<std::uint32_t>(random_[sender].below(count - inside));
  const std::uint32_t rank = first + drawn;
  return inside && rank >= sender ? rank + 1 : rank;
}

std::uint32_t TrafficMatrix::next(std::uint32_t sender) {
  const std::uint64_t number = sent_[sender]++;
  switch (params_.pattern) {
    case TrafficPattern::kPermutation:
      return target_[sender];
    case TrafficPattern::kShift:
      return static_cast<std::uint32_t>((sender + params_.shift) % ranks_);
    case TrafficPattern::kIncast:
      return static_cast<std::uint32_t>(params_.center);
    case TrafficPattern::kOutcast:
      return peer(number %
                  static_cast<std::uint64_t>(params_.peers == 0 ? ranks_ - 1 : params_.peers));
    case TrafficPattern::kAllToAll:
      return static_cast<std::uint32_t>((sender + 1 + number % (ranks_ - 1)) % ranks_);
    case TrafficPattern::kHotspot:
      return hot_or_not(sender);
    case TrafficPattern::kRandom:
      return random_other(sender);
  }
  return 0;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> TrafficMatrix::round() {
  std::size_t each = 1;
  if (params_.pattern == TrafficPattern::kAllToAll) each = ranks_ - 1;
  if (params_.pattern == TrafficPattern::kOutcast)
    each = params_.peers == 0 ? ranks_ - 1 : static_cast<std::size_t>(params_.peers);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::size_t i = 0; i < each; ++i)
    for (const std::uint32_t sender : senders_) pairs.emplace_back(sender, next(sender));
  return pairs;
}

}  // namespace plait
