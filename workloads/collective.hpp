// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective.hpp
/// Collective algorithms as per-rank step lists that are computed on demand (no list is stored): a
/// step may send one message and may first have to wait for messages from one peer. Positions are
/// indices in the group, not job ranks. Steps of one channel are posted in order; channels are
/// independent of each other and split the data evenly.

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/units.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

constexpr std::uint32_t kNoPeer = UINT32_MAX;

struct CollectiveStep {
  std::uint32_t send_to = kNoPeer;  ///< Position to send to, or kNoPeer.
  Bytes send_bytes{};
  std::uint32_t wait_from = kNoPeer;  ///< Position to have heard from before posting, or kNoPeer.
  std::uint32_t wait_count = 0;       ///< Messages needed from wait_from on this channel, counted
                                      ///< from the start of this collective.
};

/// Messages that one rank receives from one peer on one channel during the whole collective.
struct CollectiveSource {
  std::uint32_t from = 0;
  std::uint32_t channel = 0;
  std::uint32_t count = 0;
};

struct CollectiveCall {
  CollectiveKind kind = CollectiveKind::kAllReduce;
  Bytes size{};  ///< As in Op::size.
  std::uint32_t group_size = 1;
  std::uint32_t position = 0;  ///< Of this rank in the group.
  std::uint32_t root = 0;      ///< Position of the root of a broadcast.
  Bytes max_chunk{1 << 20};    ///< Larger pieces are cut so that steps overlap (pipelining).
  /// One ring order (a permutation of positions) per channel, not empty. Rings of hosts with
  /// several NICs differ so that each channel leaves the host through another NIC.
  const std::vector<std::vector<std::uint32_t>>* rings = nullptr;
};

/// One rank's part in one collective. Stateless: every call computes.
class CollectiveSchedule {
 public:
  virtual ~CollectiveSchedule() = default;
  virtual std::uint32_t channels() const = 0;
  virtual std::uint32_t step_count(std::uint32_t channel) const = 0;
  /// @pre index < step_count(channel).
  virtual CollectiveStep step(std::uint32_t channel, std::uint32_t index) const = 0;
  /// Everything this rank receives; the collective ends for the rank when all of it has arrived and
  /// all its own sends are complete.
  virtual std::vector<CollectiveSource> sources() const = 0;
};

/// Ring all-reduce, all-gather, reduce-scatter; ring-pipelined broadcast; pairwise all-to-all;
/// dissemination barrier. A group of one has no steps.
std::unique_ptr<CollectiveSchedule> make_schedule(const CollectiveCall& call);

/// Ring orders for a group: `host_of[i]` is any host number of position i. One ring per channel;
/// in channel c the positions of each host are rotated by c, so that each channel enters and
/// leaves a host at another GPU (as NCCL's rings do). channels = 0 chooses: 1 if the group is on
/// one host, else the largest number of group members on one host, at most `max_channels`.
std::vector<std::vector<std::uint32_t>> make_rings(const std::vector<std::uint32_t>& host_of,
                                                   std::uint32_t channels,
                                                   std::uint32_t max_channels);

}  // namespace plait
