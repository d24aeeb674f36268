// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file collective.hpp
/// Collective algorithms as per-rank step lists that are computed on demand (no list is stored): a
/// step may send one message and may first have to wait for messages from one peer. Positions are
/// indices in the group, not job ranks. Steps of one channel are posted in order; channels are
/// independent of each other but for steps that name another one.
/// Algorithms, equations and sources: docs/collectives.md.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/units.hpp"
#include "workloads/byte_matrix.hpp"
#include "workloads/collectives/algorithm.hpp"
#include "workloads/collectives/layout.hpp"
#include "workloads/op_graph.hpp"

namespace plait {

struct CustomAlgorithm;  // custom.hpp

constexpr std::uint32_t kNoPeer = UINT32_MAX;
constexpr std::uint32_t kSameChannel = UINT32_MAX;

/// How the message of a step travels.
enum class StepMode : std::uint8_t {
  kMessage,  ///< To one peer.
  kReduce,   ///< To `send_to` on the same host by way of the switch, which waits for the same from
             ///< all members on the host (`send_to` is one) and passes their sum on, once. To
             ///< `send_to` it comes as a message from itself.
  kMulticast,  ///< To all members on the host, the sender too: the switch makes the copies.
};

/// A step that waits for several peers is written as steps that only wait, before the one that
/// sends. Work that goes two ways at once (up and down a tree) takes two channels.
struct CollectiveStep {
  std::uint32_t send_to = kNoPeer;  ///< Position to send to, or kNoPeer. Multicast: the sender.
  Bytes send_bytes{};
  std::uint32_t wait_from = kNoPeer;  ///< Position to have heard from before posting, or kNoPeer.
  std::uint32_t wait_count = 0;       ///< Messages needed from wait_from on wait_channel, counted
                                      ///< from the start of this collective.
  std::uint32_t wait_channel = kSameChannel;  ///< The step's own, unless another is named.
  StepMode mode = StepMode::kMessage;
  Duration work{};  ///< Between what it waits for and its message; of custom algorithms only.
};

/// A range of bytes that a message carries, for those who check what an algorithm does with data.
/// Addresses are global, so that data can be forwarded: all-reduce, reduce, broadcast,
/// reduce-scatter: the buffer; all-gather, gather, scatter: the n blocks by position; all-to-all:
/// the block from s to d begins where those of all (s', d') before it in row order end.
struct DataRange {
  std::int64_t begin = 0, bytes = 0;
  /// Added to what the receiver has; else it replaces that. What StepMode::kReduce contributes
  /// leaves the buffer of its sender (it becomes 0 there), and the sum is added at the receiver.
  bool reduce = false;
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
  /// Of direct algorithms: peers to send to before the answer of the first of them must be there;
  /// 0: no limit.
  std::uint32_t window = 0;
  const GroupLayout* layout = nullptr;      ///< Of the group; outlives the schedule.
  const ByteMatrix* matrix = nullptr;       ///< Of an uneven all-to-all; outlives the schedule.
  const CustomAlgorithm* custom = nullptr;  ///< Of kCustom; outlives the schedule.
};

/// One rank's part in one collective. Every call computes; what is kept is O(n) small numbers.
class CollectiveSchedule {
 public:
  virtual ~CollectiveSchedule() = default;
  virtual std::uint32_t channels() const = 0;
  virtual std::uint32_t step_count(std::uint32_t channel) const = 0;
  /// A step without peers, neither to send to nor to wait for, does nothing.
  /// @pre index < step_count(channel).
  virtual CollectiveStep step(std::uint32_t channel, std::uint32_t index) const = 0;
  /// Everything this rank receives; the collective ends for the rank when all of it has arrived and
  /// all its own sends are complete.
  virtual std::vector<CollectiveSource> sources() const = 0;
  /// What the message of a step that sends carries: together send_bytes. For checks; may be slow.
  virtual std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const = 0;
};

/// The algorithm that kAuto stands for where nothing is known of sizes and links.
CollectiveAlgorithm default_algorithm(CollectiveKind kind);

/// The algorithms that a kind has, in the order of the enumeration; the default is one of them.
std::vector<CollectiveAlgorithm> legal_algorithms(CollectiveKind kind);

/// @return the algorithm of that name, "auto" included.
/// @throws UserError with the nearest name and the algorithms that the kind has.
CollectiveAlgorithm algorithm_named(std::string_view name, CollectiveKind kind);

/// Why `algorithm` cannot run the call (its kind, its group's place on the hosts), for a message
/// to the user; empty if it can.
std::string why_not(CollectiveAlgorithm algorithm, const CollectiveCall& call);

/// This rank's part. A group of one has no steps.
/// @throws UserError with the text of why_not().
std::unique_ptr<CollectiveSchedule> make_schedule(const CollectiveCall& call);

}  // namespace plait
