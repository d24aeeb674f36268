// SPDX-License-Identifier: Apache-2.0
// Which algorithm a collective may have, and what each needs of the group's place on the hosts.
#include <fmt/format.h>

#include <algorithm>

#include "sim/error.hpp"
#include "workloads/collectives/collective.hpp"
#include "workloads/collectives/custom.hpp"

namespace plait {

namespace {

using Algorithm = CollectiveAlgorithm;

std::vector<std::string> names_of(CollectiveKind kind) {
  std::vector<std::string> names;
  for (const Algorithm algorithm : legal_algorithms(kind)) names.emplace_back(to_string(algorithm));
  return names;
}

std::string no_switch(const CollectiveCall& call) {
  if (call.layout->in_switch_reduction) return {};
  return "the hosts' scale-up network does not reduce in its switch (parameter "
         "in_switch_reduction; on in presets nvlink4 and nvlink5)";
}

std::string not_one_host(const CollectiveCall& call) {
  if (call.layout->hosts.size() == 1) return {};
  return fmt::format("it runs on one host and the group is on {}; over several: nvls_tree",
                     call.layout->hosts.size());
}

// A host with one GPU has no scale-up network at all; NCCL wants two ranks a host as well.
std::string alone_on_host(const CollectiveCall& call) {
  const auto& hosts = call.layout->hosts;
  const bool alone =
      std::any_of(hosts.begin(), hosts.end(), [](const auto& host) { return host.size() == 1; });
  if (!alone || call.group_size == 1) return {};
  return "it needs at least two members of the group on each host";
}

std::string unequal_hosts(const CollectiveCall& call) {
  const auto& hosts = call.layout->hosts;
  const auto [least, most] = std::minmax_element(
      hosts.begin(), hosts.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (least->size() == most->size()) return {};
  return fmt::format(
      "it needs equally many members of the group on each host, but there are {} to "
      "{}",
      least->size(), most->size());
}

/// The first reason there is.
std::string first_of(std::string one, std::string other) {
  return one.empty() ? std::move(other) : std::move(one);
}

}  // namespace

CollectiveAlgorithm default_algorithm(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::kAllToAll:
      return Algorithm::kPairwise;
    case CollectiveKind::kBarrier:
      return Algorithm::kDissemination;
    case CollectiveKind::kGather:
    case CollectiveKind::kScatter:
      return Algorithm::kDirect;
    default:
      return Algorithm::kRing;
  }
}

std::vector<CollectiveAlgorithm> legal_algorithms(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::kAllReduce:
      return {Algorithm::kRing,         Algorithm::kTree,        Algorithm::kHalvingDoubling,
              Algorithm::kDirect,       Algorithm::kNvls,        Algorithm::kNvlsTree,
              Algorithm::kHierarchical, Algorithm::kTwoLevelTree};
    case CollectiveKind::kAllGather:
    case CollectiveKind::kReduceScatter:
      return {Algorithm::kRing, Algorithm::kDirect, Algorithm::kNvls, Algorithm::kPat,
              Algorithm::kBruck};
    case CollectiveKind::kBroadcast:
    case CollectiveKind::kReduce:
      return {Algorithm::kRing, Algorithm::kTree};
    case CollectiveKind::kAllToAll:
      return {Algorithm::kDirect, Algorithm::kPairwise, Algorithm::kPxn};
    case CollectiveKind::kBarrier:
      return {Algorithm::kDissemination};
    case CollectiveKind::kGather:
    case CollectiveKind::kScatter:
      return {Algorithm::kDirect};
  }
  return {};
}

CollectiveAlgorithm algorithm_named(std::string_view name, CollectiveKind kind) {
  if (name == to_string(Algorithm::kAuto)) return Algorithm::kAuto;
  for (const Algorithm algorithm : legal_algorithms(kind))
    if (name == to_string(algorithm)) return algorithm;
  std::vector<std::string> names = names_of(kind);
  names.emplace_back(to_string(Algorithm::kAuto));
  throw UserError(fmt::format("{} has no algorithm '{}'{}; it has: {}", to_string(kind), name,
                              did_you_mean(name, names), fmt::join(names, " ")));
}

std::string why_not(CollectiveAlgorithm algorithm, const CollectiveCall& call) {
  if (algorithm == Algorithm::kAuto) return {};
  if (algorithm == Algorithm::kCustom) return why_not_custom(call);
  const std::vector<Algorithm> legal = legal_algorithms(call.kind);
  if (std::find(legal.begin(), legal.end(), algorithm) == legal.end())
    return fmt::format("{} does not have it; it has: {}", to_string(call.kind),
                       fmt::join(names_of(call.kind), " "));
  switch (algorithm) {
    case Algorithm::kNvls:
      return first_of(no_switch(call), not_one_host(call));
    case Algorithm::kNvlsTree:
      return first_of(no_switch(call), first_of(unequal_hosts(call), alone_on_host(call)));
    case Algorithm::kHierarchical:
    case Algorithm::kPxn:
      return unequal_hosts(call);
    default:
      return {};
  }
}

}  // namespace plait
