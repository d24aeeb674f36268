// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/check.hpp"
#include "workloads/collectives/stages.hpp"

namespace plait {

namespace {

std::uint32_t ring_index(const std::vector<std::uint32_t>& ring, std::uint32_t position) {
  const auto found = std::find(ring.begin(), ring.end(), position);
  PLAIT_CHECK(found != ring.end(), "the ring contains every position");
  return static_cast<std::uint32_t>(found - ring.begin());
}

/// All-reduce, reduce-scatter and all-gather: in every step each rank passes one piece on to its
/// successor, the piece that it got (and reduced) in the step before. Every piece is cut into the
/// channels, one ring each, those into lanes; steps are step-major, lane-minor, so that the k-th
/// message from the predecessor is (step k / lanes, lane k % lanes).
class RingSchedule final : public CollectiveSchedule {
 public:
  explicit RingSchedule(const CollectiveCall& call)
      : call_(call),
        steps_((call.kind == CollectiveKind::kAllReduce ? 2 : 1) * (call.group_size - 1)),
        pieces_(call.kind == CollectiveKind::kAllGather ? 1 : call.group_size) {
    for (const auto& ring : call.layout->rings)
      ring_index_.push_back(ring_index(ring, call.position));
    lanes_ = lane_count(call.size, pieces_ * channels(), call.max_chunk);
  }

  std::uint32_t channels() const override { return static_cast<std::uint32_t>(ring_index_.size()); }
  std::uint32_t step_count(std::uint32_t) const override { return steps_ * lanes_; }

  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    CollectiveStep step;
    step.send_to = ahead(channel, 1);
    step.send_bytes = Bytes(carried(channel, index).bytes);
    if (index >= lanes_) {
      step.wait_from = ahead(channel, call_.group_size - 1);
      step.wait_count = index - lanes_ + 1;
    }
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (std::uint32_t channel = 0; channel < channels(); ++channel)
      sources.push_back({ahead(channel, call_.group_size - 1), channel, steps_ * lanes_});
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override {
    const Extent data = carried(channel, index);
    const bool reduce =
        call_.kind != CollectiveKind::kAllGather && index / lanes_ < call_.group_size - 1;
    return {{data.begin, data.bytes, reduce}};
  }

 private:
  /// The position `places` further on in the ring of `channel`.
  std::uint32_t ahead(std::uint32_t channel, std::uint32_t places) const {
    return call_.layout->rings[channel][(ring_index_[channel] + places) % call_.group_size];
  }

  /// Piece p belongs to position p, in every channel, so that what a rank owns is one contiguous
  /// range. It starts its trip at its owner's successor and has been reduced by all when it reaches
  /// the owner; the all-gather phase starts from there. All-gather alone: the piece is the block of
  /// the rank so many places behind.
  Extent carried(std::uint32_t channel, std::uint32_t index) const {
    const std::uint32_t round = index / lanes_;
    Extent piece{0, call_.size.count()};
    if (call_.kind == CollectiveKind::kAllGather)
      piece.begin = call_.size.count() * ahead(channel, call_.group_size - round);
    else
      piece = cut(piece, pieces_, ahead(channel, 2 * call_.group_size - 1 - round));
    return cut(cut(piece, channels(), channel), lanes_, index % lanes_);
  }

  CollectiveCall call_;
  std::uint32_t steps_;
  std::int64_t pieces_;
  std::uint32_t lanes_ = 1;
  std::vector<std::uint32_t> ring_index_;  // by channel
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_ring_schedule(const CollectiveCall& call) {
  return std::make_unique<RingSchedule>(call);
}

// A broadcast starts at the root and ends at its predecessor, a reduction starts at its successor
// and ends at the root.
std::unique_ptr<CollectiveSchedule> make_chain_schedule(const CollectiveCall& call) {
  const bool reduce = call.kind == CollectiveKind::kReduce;
  const auto& rings = call.layout->rings;
  std::vector<Stage> stages(rings.size());
  std::vector<StageWait> hears;
  for (std::uint32_t channel = 0; channel < rings.size(); ++channel) {
    const auto& ring = rings[channel];
    const std::uint32_t n = call.group_size;
    const std::uint32_t places =  // of this rank behind the start
        (ring_index(ring, call.position) + n - ring_index(ring, call.root) + (reduce ? n - 1 : 0)) %
        n;
    const std::uint32_t self = ring_index(ring, call.position);
    if (places > 0) {
      hears.push_back({ring[(self + n - 1) % n], channel});
      stages[channel].waits.push_back(hears.back());
    }
    if (places + 1 < n)
      stages[channel].sends.push_back(
          {ring[(self + 1) % n],
           cut({0, call.size.count()}, static_cast<std::int64_t>(rings.size()), channel), reduce,
           StepMode::kMessage});
  }
  const auto channels = static_cast<std::int64_t>(rings.size());
  return std::make_unique<StageSchedule>(std::move(stages), std::move(hears),
                                         lane_count(call.size, channels, call.max_chunk));
}

}  // namespace plait
