// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

/// ceil(log2 n) rounds of zero-byte messages, in round k to r + 2^k: Hensgen, Finkel and Manber,
/// "Two algorithms for barrier synchronization", IJPP 1988. One channel.
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

  std::vector<DataRange> payload(std::uint32_t, std::uint32_t) const override { return {}; }

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

std::unique_ptr<CollectiveSchedule> make_barrier_schedule(const CollectiveCall& call) {
  return std::make_unique<DisseminationBarrier>(call);
}

}  // namespace plait
