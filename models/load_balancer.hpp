// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file load_balancer.hpp
/// Choice of one switch among equal-cost next hops: ECMP (RFC 2992: by a hash of the flow),
/// weighted ECMP (Zhou et al., "WCMP", EuroSys 2014), flowlets with a random next hop (Vanini et
/// al., "LetFlow", NSDI 2017), packet spraying in turn or at random (Dixit et al., INFOCOM 2013),
/// and least loaded port, per packet or per flowlet (Alizadeh et al., "CONGA", SIGCOMM 2014;
/// Ghorbani et al., "DRILL", SIGCOMM 2017). Deviations: docs/models/load_balancing.md.
///
/// Nothing here depends on threads or on how lazily ports are caught up: draws are hashes of (seed
/// of the switch, counter), and the caller brings a port up to date before it tells its load.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "models/load_balancing_params.hpp"
#include "models/packet.hpp"
#include "sim/hash.hpp"

namespace plait {

class LoadBalancer {
  /// An entry of the flowlet table. Flows with the same entry share it, as in hardware: they take
  /// the same hop, and a silence is one of both. The index among the hops is kept, not the port,
  /// so that an entry fits flows to different places.
  struct Flowlet {
    std::int64_t last_ps = 0;
    std::uint32_t started = 0;  ///< Flowlets so far; 0: never used.
    std::uint16_t hop = 0;
  };

 public:
  /// Load of a port that a pause holds back: chosen only if all are.
  static constexpr std::int64_t kHeldBack = INT64_MAX / 2;

  /// What choices by load have changed, so that they can be taken back.
  class Trial {
    friend class LoadBalancer;
    struct Before {
      std::uint32_t index;
      Flowlet flowlet;
    };
    std::uint64_t draws_ = 0;
    std::vector<Before> before_;  // in the order of the choices
  };
  void begin(Trial& trial) const {
    trial.draws_ = draws_;
    trial.before_.clear();
  }
  /// As if nothing had been chosen since begin(trial).
  void take_back(const Trial& trial);

  /// @param run_seed     what shared hash seeds derive from.
  /// @param switch_seed  of this switch alone.
  LoadBalancer(const LoadBalancingParams& params, std::uint64_t run_seed, std::uint64_t switch_seed,
               std::uint32_t ports);

  /// Plain ECMP needs ecmp() only; everything else choose() or choose_by_load().
  bool is_ecmp() const { return is_ecmp_; }
  bool reads_loads() const { return reads_loads_; }
  bool is_weighted() const { return kind_ == LoadBalancing::kWeightedEcmp; }

  std::uint32_t ecmp(const Packet& packet, std::size_t hops) const {
    return hash_below(flow_hash(packet), static_cast<std::uint32_t>(hops));
  }

  /// Index into `hops`, for kinds that do not read loads. `thresholds` are those of RouteWeights;
  /// empty: all hops weigh the same. @pre at least two hops.
  std::uint32_t choose(std::int64_t now, const Packet& packet, std::span<const std::uint16_t> hops,
                       std::span<const std::uint64_t> thresholds);

  /// Index into `hops`, for kinds that read loads. `load_of(port)` is the time until the port could
  /// start another packet, in ps, as it is at `now`; it is only asked when a choice is made.
  /// @param trial  null: the choice is final.
  template <class LoadOf>
  std::uint32_t choose_by_load(std::int64_t now, const Packet& packet,
                               std::span<const std::uint16_t> hops, LoadOf&& load_of,
                               Trial* trial = nullptr) {
    if (kind_ != LoadBalancing::kAdaptiveFlowlet) return least_loaded(hops, load_of);
    const std::uint32_t index = flowlet_index(flow_hash(packet));
    Flowlet& flowlet = flowlets_[index];
    if (trial != nullptr) trial->before_.push_back({index, flowlet});
    if (!continues(flowlet, now, hops.size()))
      flowlet.hop = static_cast<std::uint16_t>(least_loaded(hops, load_of));
    return flowlet.hop;
  }

  std::size_t memory_bytes() const {
    return flowlets_.size() * sizeof(Flowlet) + turns_.size() * sizeof(Turn);
  }

 private:
  /// A round visits every hop once, from a drawn one on. Were all rounds alike, senders in step
  /// would lock each of their flows onto one path.
  struct Turn {
    std::uint16_t left = 0;  ///< Packets left of the round.
    std::uint16_t hop = 0;
  };

  // The flow's identity stands for its five-tuple: addresses, queue pair, UDP source port.
  std::uint64_t flow_hash(const Packet& packet) const {
    const std::uint64_t addresses =
        static_cast<std::uint64_t>(packet.source().value()) << 32 | packet.destination().value();
    const std::uint64_t flow = static_cast<std::uint64_t>(packet.queue_pair) << 16 | packet.entropy;
    return mix64((addresses * kGolden64 ^ (flow & flow_mask_)) + hash_seed_);
  }
  // The low half of the hash, which the choice of a hop does not use.
  std::uint32_t flowlet_index(std::uint64_t hash) const {
    return hash_below(hash << 32, static_cast<std::uint32_t>(flowlets_.size()));
  }
  /// Notes a packet at `now`. @return false if a flowlet starts, whose hop is to be chosen.
  bool continues(Flowlet& flowlet, std::int64_t now, std::size_t hops) const;
  std::uint32_t next_turn(const Packet& packet, std::span<const std::uint16_t> hops);
  std::uint32_t draw(std::size_t hops) {
    const std::uint64_t hash = mix64(draw_key_ ^ draws_++);
    return hash_below(hash, static_cast<std::uint32_t>(hops));
  }

  // Ties go to the first looked at, and the first to look at is drawn.
  template <class LoadOf>
  std::uint32_t least_loaded(std::span<const std::uint16_t> hops, LoadOf&& load_of) {
    if (samples_ != 0 && samples_ < hops.size()) return least_of_samples(hops, load_of);
    const std::uint32_t first = draw(hops.size());
    if (quantum_ps_ <= 1) return least_of_all(hops, first, load_of);
    return least_of_all(hops, first,
                        [&](std::uint32_t port) { return load_of(port) / quantum_ps_; });
  }
  // One loop: the processor could not foresee the lengths of one from `first` on and one up to it.
  template <class LoadOf>
  static std::uint32_t least_of_all(std::span<const std::uint16_t> hops, std::uint32_t first,
                                    LoadOf&& load_of) {
    const auto count = static_cast<std::uint32_t>(hops.size());
    std::uint32_t best = first;
    std::int64_t least = INT64_MAX;
    for (std::uint32_t i = first; i != first + count; ++i) {
      const std::uint32_t hop = i < count ? i : i - count;
      const std::int64_t load = load_of(hops[hop]);
      const bool better = load < least;
      best = better ? hop : best;
      least = better ? load : least;
    }
    return best;
  }
  template <class LoadOf>
  std::uint32_t least_of_samples(std::span<const std::uint16_t> hops, LoadOf&& load_of) {
    std::uint32_t best = 0;
    std::int64_t least = INT64_MAX;
    for (std::uint32_t i = 0; i < samples_; ++i) {
      const std::uint32_t hop = draw(hops.size());
      std::int64_t load = load_of(hops[hop]);
      if (quantum_ps_ > 1) load /= quantum_ps_;
      if (load >= least) continue;
      best = hop;
      least = load;
    }
    return best;
  }

  bool is_ecmp_, reads_loads_;
  LoadBalancing kind_;
  std::uint64_t flow_mask_;
  std::uint64_t hash_seed_;
  std::uint64_t draw_key_;  // hash64(seed of the switch, tag | draw) without its last step
  std::uint64_t draws_ = 0;
  std::int64_t gap_ps_;
  std::int64_t quantum_ps_;
  std::uint32_t samples_;
  std::uint32_t ports_;
  std::vector<Flowlet> flowlets_;
  std::vector<Turn> turns_;  // by priority and first port of the hops
};

}  // namespace plait
