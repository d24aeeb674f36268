// SPDX-License-Identifier: Apache-2.0
#include "workloads/collective.hpp"

#include <algorithm>
#include <map>

#include "sim/check.hpp"
#include "workloads/collective_algorithms.hpp"

namespace plait {

namespace {

class EmptySchedule final : public CollectiveSchedule {
 public:
  std::uint32_t channels() const override { return 0; }
  std::uint32_t step_count(std::uint32_t) const override { return 0; }
  CollectiveStep step(std::uint32_t, std::uint32_t) const override { return {}; }
  std::vector<CollectiveSource> sources() const override { return {}; }
};

void check_call(const CollectiveCall& call) {
  PLAIT_CHECK_LT(call.position, call.group_size);
  PLAIT_CHECK_LT(call.root, call.group_size);
  PLAIT_CHECK_GE(call.size.count(), 0);
  PLAIT_CHECK_GE(call.max_chunk.count(), 1);
  PLAIT_CHECK(call.rings != nullptr && !call.rings->empty(), "at least one ring");
  for (const auto& ring : *call.rings) PLAIT_CHECK_EQ(ring.size(), call.group_size);
}

}  // namespace

std::uint32_t lane_count(Bytes total, std::int64_t pieces, Bytes max_chunk) {
  const std::int64_t largest = (total.count() + pieces - 1) / pieces;
  const std::int64_t lanes = (largest + max_chunk.count() - 1) / max_chunk.count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(lanes, 1));
}

std::unique_ptr<CollectiveSchedule> make_schedule(const CollectiveCall& call) {
  check_call(call);
  if (call.group_size == 1) return std::make_unique<EmptySchedule>();
  switch (call.kind) {
    case CollectiveKind::kAllReduce:
    case CollectiveKind::kAllGather:
    case CollectiveKind::kReduceScatter:
      return make_ring_schedule(call);
    case CollectiveKind::kBroadcast:
      return make_broadcast_schedule(call);
    case CollectiveKind::kAllToAll:
      return make_all_to_all_schedule(call);
    case CollectiveKind::kBarrier:
      return make_barrier_schedule(call);
  }
  PLAIT_CHECK(false, "every collective kind has an algorithm");
  return nullptr;
}

std::vector<std::vector<std::uint32_t>> make_rings(const std::vector<std::uint32_t>& host_of,
                                                   std::uint32_t channels,
                                                   std::uint32_t max_channels) {
  std::vector<std::vector<std::uint32_t>> members;  // per host, in order of first appearance
  std::map<std::uint32_t, std::size_t> host_index;
  for (std::uint32_t position = 0; position < host_of.size(); ++position) {
    const auto [entry, is_new] = host_index.try_emplace(host_of[position], members.size());
    if (is_new) members.emplace_back();
    members[entry->second].push_back(position);
  }
  if (channels == 0) {
    std::size_t largest = 1;
    if (members.size() > 1)
      for (const auto& host : members) largest = std::max(largest, host.size());
    channels = std::min(static_cast<std::uint32_t>(largest), std::max(max_channels, 1U));
  }
  std::vector<std::vector<std::uint32_t>> rings(channels);
  for (std::uint32_t channel = 0; channel < channels; ++channel)
    for (const auto& host : members)
      for (std::size_t i = 0; i < host.size(); ++i)
        rings[channel].push_back(host[(i + channel) % host.size()]);
  return rings;
}

}  // namespace plait
