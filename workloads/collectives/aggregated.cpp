// SPDX-License-Identifier: Apache-2.0
// All-gather and reduce-scatter in ceil(log2 n) rounds, each with one partner at a power of two.
// Bruck: Bruck, Ho, Kipnis, Upfal and Weathersby, "Efficient algorithms for all-to-all
// communications in multiport message-passing systems", IEEE TPDS 8 (1997); near partners first.
// PAT: Jeaugey, "PAT: a new algorithm for all-gather and reduce-scatter operations at scale", 2025
// (NCCL 2.23, src/include/collectives.h): far partners first, while the data are small, and no
// more blocks in a message than fit the buffer. Reduce-scatter runs the rounds of all-gather
// backwards, with the messages turned round.
#include <algorithm>
#include <bit>

#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

/// What a rank sends in one round; places are positions ahead of its own, modulo n.
struct Round {
  std::uint32_t to = 0;      ///< Place of the partner.
  std::uint32_t first = 0;   ///< Place of the owner of the first block.
  std::uint32_t stride = 0;  ///< From one block's owner to the next one's.
  std::uint32_t blocks = 0;
  std::uint32_t first_step = 0;
};

/// Steps are round-major, then by group of blocks (a message each), then by lane of the blocks.
class AggregatedSchedule final : public CollectiveSchedule {
 public:
  explicit AggregatedSchedule(const CollectiveCall& call)
      : call_(call), gather_(call.kind == CollectiveKind::kAllGather) {
    const std::int64_t pieces = gather_ ? 1 : call.group_size;
    const std::int64_t block = (call.size.count() + pieces - 1) / pieces;
    lanes_ = lane_count(Bytes(block), 1, call.max_chunk);
    group_blocks_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        call.max_chunk.count() / std::max<std::int64_t>(block, 1), 1, call.group_size));
    const bool bruck = call.algorithm == CollectiveAlgorithm::kBruck;
    for (std::uint32_t d = 1; d < call.group_size; d *= 2)
      rounds_.push_back(bruck ? bruck_round(d) : pat_round(d));
    if (bruck != gather_) std::reverse(rounds_.begin(), rounds_.end());
    for (Round& round : rounds_) {
      round.first_step = steps_;
      steps_ += groups(round) * lanes_;
    }
  }

  std::uint32_t channels() const override { return 1; }
  std::uint32_t step_count(std::uint32_t) const override { return steps_; }

  // A round starts, lane by lane, when the round before is there; before that one, the rest was.
  CollectiveStep step(std::uint32_t, std::uint32_t index) const override {
    const std::size_t r = round_of(index);
    CollectiveStep step;
    step.send_to = place(rounds_[r].to);
    for (const DataRange& range : payload(0, index)) step.send_bytes += Bytes(range.bytes);
    if (r == 0) return step;
    const std::uint32_t lane = (index - rounds_[r].first_step) % lanes_;
    step.wait_from = source(rounds_[r - 1]);
    step.wait_count = (groups(rounds_[r - 1]) - 1) * lanes_ + lane + 1;
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (const Round& round : rounds_)
      sources.push_back({source(round), 0, groups(round) * lanes_});
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t, std::uint32_t index) const override {
    const Round& round = rounds_[round_of(index)];
    const std::uint32_t message = index - round.first_step;
    const std::uint32_t begin = message / lanes_ * group_blocks_;
    const std::uint32_t end = std::min(begin + group_blocks_, round.blocks);
    std::vector<DataRange> ranges;
    for (std::uint32_t i = begin; i < end; ++i) {
      const std::uint64_t ahead = round.first + std::uint64_t{round.stride} * i;
      const Extent part = cut(block(place(static_cast<std::uint32_t>(ahead % call_.group_size))),
                              lanes_, message % lanes_);
      ranges.push_back({part.begin, part.bytes, !gather_});
    }
    return ranges;
  }

 private:
  /// All-gather: to r - d go the blocks of r, r + 1 ... that it lacks; reduce-scatter: to r + d,
  /// for the ranks from there on.
  Round bruck_round(std::uint32_t d) const {
    const std::uint32_t n = call_.group_size;
    return {gather_ ? n - d : d, gather_ ? 0 : d, 1, std::min(d, n - d), 0};
  }

  /// All-gather: to r + d go the blocks of r, r - 2d, r - 4d ... as far as they have to go round;
  /// reduce-scatter: to r - d, for the ranks r - d, r - 3d ...
  Round pat_round(std::uint32_t d) const {
    const std::uint32_t n = call_.group_size;
    return {gather_ ? d : n - d, gather_ ? 0 : n - d,
            static_cast<std::uint32_t>((2 * std::uint64_t{n} - 2 * d) % n),
            (n - d + 2 * d - 1) / (2 * d), 0};
  }

  std::uint32_t place(std::uint32_t ahead) const {
    return static_cast<std::uint32_t>((std::uint64_t{call_.position} + ahead) % call_.group_size);
  }
  std::uint32_t source(const Round& round) const { return place(call_.group_size - round.to); }
  std::uint32_t groups(const Round& round) const {
    return (round.blocks + group_blocks_ - 1) / group_blocks_;
  }
  std::size_t round_of(std::uint32_t index) const {
    std::size_t r = rounds_.size() - 1;
    while (rounds_[r].first_step > index) --r;
    return r;
  }
  Extent block(std::uint32_t owner) const {
    if (gather_) return {call_.size.count() * owner, call_.size.count()};
    return cut({0, call_.size.count()}, call_.group_size, owner);
  }

  CollectiveCall call_;
  bool gather_;
  std::uint32_t lanes_ = 1;         // of a block that is longer than a message
  std::uint32_t group_blocks_ = 1;  // blocks in a message
  std::uint32_t steps_ = 0;
  std::vector<Round> rounds_;
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_aggregated_schedule(const CollectiveCall& call) {
  return std::make_unique<AggregatedSchedule>(call);
}

}  // namespace plait
