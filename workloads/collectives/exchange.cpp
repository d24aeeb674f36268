// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

class PairwiseAllToAll final : public CollectiveSchedule {
 public:
  explicit PairwiseAllToAll(const CollectiveCall& call)
      : call_(call), lanes_(lane_count(call.size, call.group_size, call.max_chunk)) {}

  std::uint32_t channels() const override { return 1; }
  std::uint32_t step_count(std::uint32_t) const override { return (call_.group_size - 1) * lanes_; }

  CollectiveStep step(std::uint32_t, std::uint32_t index) const override {
    const std::uint32_t n = call_.group_size;
    const std::uint32_t round = index / lanes_;  // distance 1 is round 0
    const std::uint32_t lane = index % lanes_;
    CollectiveStep step;
    step.send_to = (call_.position + round + 1) % n;
    step.send_bytes = part_of(part_of(call_.size, n, step.send_to), lanes_, lane);
    if (round > 0) {
      step.wait_from = (call_.position + n - round) % n;
      step.wait_count = lane + 1;
    }
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    const std::uint32_t n = call_.group_size;
    std::vector<CollectiveSource> sources;
    for (std::uint32_t distance = 1; distance < n; ++distance)
      sources.push_back({(call_.position + n - distance) % n, 0, lanes_});
    return sources;
  }

 private:
  CollectiveCall call_;
  std::uint32_t lanes_;
};

class DisseminationBarrier final : public CollectiveSchedule {
 public:
  explicit DisseminationBarrier(const CollectiveCall& call)
      : position_(call.position),
        group_size_(call.group_size),
        rounds_(static_cast<std::uint32_t>(std::bit_width(call.group_size - 1))) {}

  std::uint32_t channels() const override { return 1; }
  std::uint32_t step_count(std::uint32_t) const override { return rounds_; }

  CollectiveStep step(std::uint32_t, std::uint32_t round) const override {
    CollectiveStep step;
    step.send_to =
        static_cast<std::uint32_t>((position_ + (std::uint64_t{1} << round)) % group_size_);
    if (round > 0) {
      step.wait_from = source(round - 1);
      step.wait_count = 1;
    }
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (std::uint32_t round = 0; round < rounds_; ++round)
      sources.push_back({source(round), 0, 1});
    return sources;
  }

 private:
  std::uint32_t source(std::uint32_t round) const {
    const std::uint64_t distance = std::uint64_t{1} << round;  // below group_size
    return static_cast<std::uint32_t>((position_ + group_size_ - distance) % group_size_);
  }

  std::uint32_t position_;
  std::uint32_t group_size_;
  std::uint32_t rounds_;
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_all_to_all_schedule(const CollectiveCall& call) {
  return std::make_unique<PairwiseAllToAll>(call);
}

std::unique_ptr<CollectiveSchedule> make_barrier_schedule(const CollectiveCall& call) {
  return std::make_unique<DisseminationBarrier>(call);
}

}  // namespace plait
