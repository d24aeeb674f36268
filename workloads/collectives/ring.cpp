// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/check.hpp"
#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

/// What the ring algorithms share: where this rank stands in the ring of each channel.
class OnRings : public CollectiveSchedule {
 public:
  std::uint32_t channels() const final { return static_cast<std::uint32_t>(ring_index_.size()); }

 protected:
  explicit OnRings(const CollectiveCall& call) : call_(call) {
    for (const auto& ring : call.layout->rings) {
      const auto found = std::find(ring.begin(), ring.end(), call.position);
      PLAIT_CHECK(found != ring.end(), "the ring contains every position");
      ring_index_.push_back(static_cast<std::uint32_t>(found - ring.begin()));
    }
  }

  /// The position `places` further on in the ring of `channel`.
  std::uint32_t ahead(std::uint32_t channel, std::uint32_t places) const {
    return call_.layout->rings[channel][(ring_index_[channel] + places) % call_.group_size];
  }
  std::uint32_t successor(std::uint32_t channel) const { return ahead(channel, 1); }
  std::uint32_t predecessor(std::uint32_t channel) const {
    return ahead(channel, call_.group_size - 1);
  }

  CollectiveCall call_;

 private:
  std::vector<std::uint32_t> ring_index_;
};

/// All-reduce, reduce-scatter and all-gather: in every step each rank passes one piece on to its
/// successor, the piece that it got (and reduced) in the step before.
class RingSchedule final : public OnRings {
 public:
  explicit RingSchedule(const CollectiveCall& call)
      : OnRings(call),
        steps_((call.kind == CollectiveKind::kAllReduce ? 2 : 1) * (call.group_size - 1)),
        pieces_(call.kind == CollectiveKind::kAllGather ? 1 : call.group_size),
        lanes_(lane_count(call.size, pieces_ * channels(), call.max_chunk)) {}

  std::uint32_t step_count(std::uint32_t) const override { return steps_ * lanes_; }

  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    const std::uint32_t round = index / lanes_;
    const std::uint32_t lane = index % lanes_;
    CollectiveStep step;
    step.send_to = successor(channel);
    step.send_bytes =
        part_of(part_of(part_of(call_.size, pieces_, piece(channel, round)), channels(), channel),
                lanes_, lane);
    if (round > 0) {
      step.wait_from = predecessor(channel);
      step.wait_count = index - lanes_ + 1;
    }
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (std::uint32_t channel = 0; channel < channels(); ++channel)
      sources.push_back({predecessor(channel), channel, steps_ * lanes_});
    return sources;
  }

 private:
  /// The piece sent in `round`. Piece p belongs to position p, in every channel, so that what a
  /// rank owns is one contiguous range. It starts its trip at its owner's successor and has been
  /// reduced by all when it reaches the owner; the all-gather phase starts from there.
  std::int64_t piece(std::uint32_t channel, std::uint32_t round) const {
    if (call_.kind == CollectiveKind::kAllGather) return 0;  // each rank's input is one piece
    return ahead(channel, 2 * call_.group_size - 1 - round);
  }

  std::uint32_t steps_;
  std::int64_t pieces_;
  std::uint32_t lanes_;
};

class BroadcastSchedule final : public OnRings {
 public:
  explicit BroadcastSchedule(const CollectiveCall& call)
      : OnRings(call), chunks_(lane_count(call.size, channels(), call.max_chunk)) {}

  std::uint32_t step_count(std::uint32_t channel) const override {
    return successor(channel) == call_.root ? 0 : chunks_;
  }

  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    CollectiveStep step;
    step.send_to = successor(channel);
    step.send_bytes = part_of(part_of(call_.size, channels(), channel), chunks_, index);
    if (call_.position != call_.root) {
      step.wait_from = predecessor(channel);
      step.wait_count = index + 1;
    }
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    if (call_.position == call_.root) return sources;
    for (std::uint32_t channel = 0; channel < channels(); ++channel)
      sources.push_back({predecessor(channel), channel, chunks_});
    return sources;
  }

 private:
  std::uint32_t chunks_;  ///< Per channel.
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_ring_schedule(const CollectiveCall& call) {
  return std::make_unique<RingSchedule>(call);
}

std::unique_ptr<CollectiveSchedule> make_broadcast_schedule(const CollectiveCall& call) {
  return std::make_unique<BroadcastSchedule>(call);
}

}  // namespace plait
