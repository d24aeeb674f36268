// SPDX-License-Identifier: Apache-2.0
// Every rank sends straight to the rank that needs the data: one hop, n - 1 messages. All-reduce is
// reduce-scatter, then all-gather: the direct algorithm of Chan, Heimlich, Purkayastha and van de
// Geijn, "Collective communication: theory, practice, and experience", CCPE 19 (2007), section 6;
// gather and scatter as NCCL has them, of sends and receives.
#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

/// Reduce-scatter (channel 0) and all-gather (the last channel) or one of them. Each goes round the
/// others by distance, so that nobody is everybody's first; lanes of a block follow each other.
class DirectExchange final : public CollectiveSchedule {
 public:
  explicit DirectExchange(const CollectiveCall& call)
      : call_(call),
        others_(call.group_size - 1),
        lanes_(lane_count(call.size, call.kind == CollectiveKind::kAllGather ? 1 : call.group_size,
                          call.max_chunk)) {}

  std::uint32_t channels() const override {
    return call_.kind == CollectiveKind::kAllReduce ? 2 : 1;
  }
  std::uint32_t step_count(std::uint32_t channel) const override {
    return channel == 0 ? others_ * lanes_ : (2 * others_ - 1) * lanes_;
  }

  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    return channel == 0 ? first_phase(index) : second_phase(index);
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (std::uint32_t channel = 0; channel < channels(); ++channel)
      for (std::uint32_t distance = 1; distance <= others_; ++distance)
        sources.push_back({behind(distance), channel, lanes_});
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override {
    const Extent data = carried(channel, index);
    const bool reduce = call_.kind != CollectiveKind::kAllGather && channel == 0;
    return {{data.begin, data.bytes, reduce}};
  }

 private:
  CollectiveStep first_phase(std::uint32_t index) const {
    const std::uint32_t distance = index / lanes_ + 1;
    CollectiveStep step;
    step.send_to = ahead(distance);
    step.send_bytes = Bytes(carried(0, index).bytes);
    if (call_.window > 0 && distance > call_.window) {
      step.wait_from = behind(distance - call_.window);
      step.wait_count = index % lanes_ + 1;
    }
    return step;
  }

  /// All-gather of an all-reduce: a lane of this rank's piece goes out when it has come from all,
  /// so it waits `others_` times, with the first send in the last wait's step.
  CollectiveStep second_phase(std::uint32_t index) const {
    const std::uint32_t i = index % (2 * others_ - 1);
    CollectiveStep step;
    if (i < others_) {
      step.wait_from = behind(i + 1);
      step.wait_channel = 0;
      step.wait_count = index / (2 * others_ - 1) + 1;
    }
    if (i + 1 < others_) return step;
    step.send_to = ahead(i + 2 - others_);
    step.send_bytes = Bytes(carried(1, index).bytes);
    return step;
  }

  Extent carried(std::uint32_t channel, std::uint32_t index) const {
    const std::int64_t size = call_.size.count();
    if (channel == 1)
      return cut(cut({0, size}, call_.group_size, call_.position), lanes_,
                 index / (2 * others_ - 1));
    const std::uint32_t lane = index % lanes_;
    if (call_.kind == CollectiveKind::kAllGather)
      return cut({size * call_.position, size}, lanes_, lane);
    return cut(cut({0, size}, call_.group_size, ahead(index / lanes_ + 1)), lanes_, lane);
  }

  std::uint32_t ahead(std::uint32_t distance) const {
    return (call_.position + distance) % call_.group_size;
  }
  std::uint32_t behind(std::uint32_t distance) const {
    return (call_.position + call_.group_size - distance) % call_.group_size;
  }

  CollectiveCall call_;
  std::uint32_t others_;
  std::uint32_t lanes_;
};

/// Gather: every rank sends its block to the root. Scatter: the root sends one to each.
class RootExchange final : public CollectiveSchedule {
 public:
  explicit RootExchange(const CollectiveCall& call)
      : call_(call),
        lanes_(lane_count(call.size, 1, call.max_chunk)),
        others_(call.group_size - 1),
        sends_((call.kind == CollectiveKind::kScatter) == (call.position == call.root)) {}

  std::uint32_t channels() const override { return 1; }
  std::uint32_t step_count(std::uint32_t) const override {
    return !sends_ ? 0 : (at_root() ? others_ : 1) * lanes_;
  }

  CollectiveStep step(std::uint32_t, std::uint32_t index) const override {
    CollectiveStep step;
    step.send_to = at_root() ? other(index / lanes_) : call_.root;
    step.send_bytes = part_of(call_.size, lanes_, index % lanes_);
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    if (sends_) return {};
    if (!at_root()) return {{call_.root, 0, lanes_}};
    std::vector<CollectiveSource> sources;
    for (std::uint32_t i = 0; i < others_; ++i) sources.push_back({other(i), 0, lanes_});
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t, std::uint32_t index) const override {
    const std::uint32_t owner = at_root() ? other(index / lanes_) : call_.position;
    const Extent part =
        cut({call_.size.count() * owner, call_.size.count()}, lanes_, index % lanes_);
    return {{part.begin, part.bytes, false}};
  }

 private:
  bool at_root() const { return call_.position == call_.root; }
  std::uint32_t other(std::uint32_t i) const { return (call_.root + 1 + i) % call_.group_size; }

  CollectiveCall call_;
  std::uint32_t lanes_;
  std::uint32_t others_;
  bool sends_;
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_direct_schedule(const CollectiveCall& call) {
  if (call.kind == CollectiveKind::kGather || call.kind == CollectiveKind::kScatter)
    return std::make_unique<RootExchange>(call);
  return std::make_unique<DirectExchange>(call);
}

}  // namespace plait
