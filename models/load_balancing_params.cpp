// SPDX-License-Identifier: Apache-2.0
#include "models/load_balancing_params.hpp"

namespace plait {

namespace {

bool has_flowlets(LoadBalancing kind) {
  return kind == LoadBalancing::kFlowlet || kind == LoadBalancing::kAdaptiveFlowlet;
}
bool is_adaptive(LoadBalancing kind) {
  return kind == LoadBalancing::kAdaptive || kind == LoadBalancing::kAdaptiveFlowlet;
}
bool hashes(LoadBalancing kind) {
  return kind == LoadBalancing::kEcmp || kind == LoadBalancing::kWeightedEcmp || has_flowlets(kind);
}

void describe_hash(ParamVisitor& v, LoadBalancingParams& p) {
  v.choice(
      {"hash_fields", "what the hash of a flow reads",
       "RoCE-aware switches read the queue "
       "pair beside the five-tuple"},
      p.hash_fields,
      {{"queue_pair", "addresses, UDP source port and queue pair"},
       {"five_tuple", "addresses and UDP source port; protocol and destination port are fixed"},
       {"addresses", "source and destination only"}});
  v.choice({"hash_seed", "whether switches hash alike", "operators configure different seeds"},
           p.hash_seed,
           {{"per_switch", "a seed for every switch, from run.seed"},
            {"shared",
             "one seed everywhere: the choice of one tier is repeated in the next, so "
             "that links stay unused (polarisation)"}});
}

}  // namespace

bool has_flowlets(const LoadBalancingParams& p) { return has_flowlets(p.kind); }

void describe(ParamVisitor& v, LoadBalancingParams& p) {
  v.choice(
      {"kind", "how a switch chooses among equal-cost next hops", "RoCE deployments run ECMP"},
      p.kind,
      {{"ecmp", "by a hash of the flow", "RFC 2992"},
       {"weighted_ecmp", "by a hash of the flow, in proportion to the capacity behind each hop",
        "Zhou et al., EuroSys 2014"},
       {"flowlet", "a new random hop after a silence of the flow",
        "Vanini et al. (LetFlow), NSDI 2017"},
       {"round_robin", "packet by packet in turn", "Dixit et al., INFOCOM 2013"},
       {"random", "packet by packet at random", "Dixit et al., INFOCOM 2013"},
       {"adaptive", "packet by packet to the port that is free soonest",
        "Ghorbani et al. (DRILL), SIGCOMM 2017"},
       {"adaptive_flowlet", "after a silence of the flow to the port that is free soonest"}});
  if (hashes(p.kind)) describe_hash(v, p);
  if (has_flowlets(p.kind)) {
    v.field({"flowlet_gap", "silence of a flow after which it may change its hop",
             "Plait's choice; CONGA and LetFlow use 500 us at 10 Gbps"},
            p.flowlet_gap, {Duration::ps(0), Duration::s(10)});
    v.field({"flowlet_entries",
             "entries of the flowlet table of a switch; flows that share one share their hop",
             "Plait's choice; CONGA has 65536"},
            p.flowlet_entries, {1, 1 << 24});
  }
  if (is_adaptive(p.kind)) {
    v.field({"samples", "ports drawn at random for each choice; 0: all are compared",
             "Plait's choice; DRILL draws 2"},
            p.samples, {0, 1024});
    v.field({"load_quantum",
             "times until free that differ by less than this count as equal; 0ps: "
             "exact",
             "Plait's choice"},
            p.load_quantum, {Duration::ps(0), Duration::ms(1)});
  }
}

bool sprays_packets(const LoadBalancingParams& p) {
  return p.kind == LoadBalancing::kRoundRobin || p.kind == LoadBalancing::kRandom ||
         p.kind == LoadBalancing::kAdaptive ||
         (has_flowlets(p.kind) && p.flowlet_gap == Duration());
}

}  // namespace plait
