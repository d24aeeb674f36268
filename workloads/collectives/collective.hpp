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
#include "workloads/byte_matrix.hpp"
#include "workloads/collectives/algorithm.hpp"
#include "workloads/collectives/layout.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

constexpr std::uint32_t kNoPeer = UINT32_MAX;
constexpr std::uint32_t kSameChannel = UINT32_MAX;

/// A step that waits for several peers is written as steps that only wait, before the one that
/// sends. Work that goes two ways at once (up and down a tree) takes two channels.
struct CollectiveStep {
  std::uint32_t send_to = kNoPeer;  ///< Position to send to, or kNoPeer.
  Bytes send_bytes{};
  std::uint32_t wait_from = kNoPeer;  ///< Position to have heard from before posting, or kNoPeer.
  std::uint32_t wait_count = 0;       ///< Messages needed from wait_from on wait_channel, counted
                                      ///< from the start of this collective.
  std::uint32_t wait_channel = kSameChannel;  ///< The step's own, unless another is named.
};

/// A range of bytes that a message carries, for those who check what an algorithm does with data.
/// Addresses are global, so that data can be forwarded: all-reduce, reduce, broadcast,
/// reduce-scatter: the buffer; all-gather, gather, scatter: the n blocks by position; all-to-all:
/// the block from s to d begins where those of all (s', d') before it in row order end.
struct DataRange {
  std::int64_t begin = 0, bytes = 0;
  bool reduce = false;  ///< Added to what the receiver has; else it replaces that.
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
  std::uint32_t root = 0;      ///< Position of the root, for kinds that have one.
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::kAuto;
  Bytes max_chunk{1 << 20};  ///< Larger pieces are cut so that steps overlap (pipelining).
  const GroupLayout* layout = nullptr;  ///< Of the group; outlives the schedule.
  const ByteMatrix* matrix = nullptr;   ///< Of an uneven all-to-all; outlives the schedule.
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

/// The algorithm that kAuto stands for where nothing is known of sizes and links.
CollectiveAlgorithm default_algorithm(CollectiveKind kind);

/// Ring all-reduce, all-gather, reduce-scatter; ring-pipelined broadcast; pairwise all-to-all;
/// dissemination barrier. A group of one has no steps.
std::unique_ptr<CollectiveSchedule> make_schedule(const CollectiveCall& call);

}  // namespace plait
