// SPDX-License-Identifier: Apache-2.0
#include "models/load_balancer.hpp"

#include <algorithm>

#include "models/switch_params.hpp"
#include "sim/check.hpp"

namespace plait {

namespace {

// Counters of draws from the seed of a switch: no two purposes share a number (switch.hpp has
// more).
constexpr std::uint64_t kSprayPurpose = 3, kSharedHashPurpose = 4;

std::uint64_t mask_of(HashFields fields) {
  switch (fields) {
    case HashFields::kQueuePair:
      return ~std::uint64_t{0};
    case HashFields::kFiveTuple:
      return 0xffff;
    case HashFields::kAddresses:
      return 0;
  }
  PLAIT_CHECK(false, "unknown hash fields");
  return 0;
}

}  // namespace

LoadBalancer::LoadBalancer(const LoadBalancingParams& params, std::uint64_t run_seed,
                           std::uint64_t switch_seed, std::uint32_t ports)
    : is_ecmp_(params.kind == LoadBalancing::kEcmp),
      reads_loads_(params.kind == LoadBalancing::kAdaptive ||
                   params.kind == LoadBalancing::kAdaptiveFlowlet),
      kind_(params.kind),
      flow_mask_(mask_of(params.hash_fields)),
      hash_seed_(params.hash_seed == HashSeed::kShared ? hash64(run_seed, kSharedHashPurpose << 60)
                                                       : switch_seed),
      draw_key_(mix64(switch_seed + kGolden64) ^ kSprayPurpose << 60),
      gap_ps_(params.flowlet_gap.ps()),
      quantum_ps_(params.load_quantum.ps()),
      samples_(static_cast<std::uint32_t>(params.samples)),
      ports_(ports) {
  if (kind_ == LoadBalancing::kFlowlet || kind_ == LoadBalancing::kAdaptiveFlowlet)
    flowlets_.resize(static_cast<std::size_t>(params.flowlet_entries));
  if (kind_ == LoadBalancing::kRoundRobin) turns_.resize(std::size_t{kPriorities} * ports);
}

std::uint32_t LoadBalancer::choose(std::int64_t now, const Packet& packet,
                                   std::span<const std::uint16_t> hops,
                                   std::span<const std::uint64_t> thresholds) {
  switch (kind_) {
    case LoadBalancing::kWeightedEcmp: {
      if (thresholds.empty()) break;
      const std::uint64_t position = flow_hash(packet) >> 32;
      return static_cast<std::uint32_t>(
          std::upper_bound(thresholds.begin(), thresholds.end(), position) - thresholds.begin());
    }
    case LoadBalancing::kFlowlet: {
      const std::uint64_t hash = flow_hash(packet);
      Flowlet& flowlet = flowlets_[flowlet_index(hash)];
      if (!continues(flowlet, now, hops.size())) {
        // The first one is where ECMP would send it.
        const std::uint64_t draw = flowlet.started == 1 ? hash : hash64(hash, flowlet.started);
        flowlet.hop =
            static_cast<std::uint16_t>(hash_below(draw, static_cast<std::uint32_t>(hops.size())));
      }
      return flowlet.hop;
    }
    case LoadBalancing::kRoundRobin:
      return next_turn(packet, hops);
    case LoadBalancing::kRandom:
      return draw(hops.size());
    case LoadBalancing::kEcmp:
      break;
    case LoadBalancing::kAdaptive:
    case LoadBalancing::kAdaptiveFlowlet:
      PLAIT_CHECK(false, "adaptive kinds choose by load");
  }
  return ecmp(packet, hops.size());
}

// Backwards, because an entry may have changed more than once.
void LoadBalancer::take_back(const Trial& trial) {
  draws_ = trial.draws_;
  for (std::size_t i = trial.before_.size(); i-- != 0;)
    flowlets_[trial.before_[i].index] = trial.before_[i].flowlet;
}

bool LoadBalancer::continues(Flowlet& flowlet, std::int64_t now, std::size_t hops) const {
  const bool runs = flowlet.started != 0 && now - flowlet.last_ps < gap_ps_ && flowlet.hop < hops;
  flowlet.last_ps = now;
  flowlet.started += !runs;
  return runs;
}

// A turn per priority, so that data and the acknowledgements between them do not step each other's
// turn; and per set of hops, which its first port stands for.
std::uint32_t LoadBalancer::next_turn(const Packet& packet, std::span<const std::uint16_t> hops) {
  Turn& turn = turns_[packet.priority() * ports_ + hops[0]];
  const std::size_t count = hops.size();
  if (turn.left == 0 || turn.left > count || turn.hop >= count)
    turn = {static_cast<std::uint16_t>(count), static_cast<std::uint16_t>(draw(count))};
  const std::uint32_t chosen = turn.hop++;
  if (turn.hop == count) turn.hop = 0;
  --turn.left;
  return chosen;
}

}  // namespace plait
