// SPDX-License-Identifier: Apache-2.0
// All-to-all from every rank straight to every other, by distance: to r + 1, r + 2 ... (mod n).
// Pairwise exchange (Thakur, Rabenseifner and Gropp 2005, section 5): the next message goes when
// the one of the step before has come from the other side. Direct: `window` steps may be open.
// One channel: the peers of the steps differ anyway, so more channels would only cut the messages.
#include "workloads/collectives/exchange_sizes.hpp"

namespace plait {

namespace {

class DirectAllToAll final : public CollectiveSchedule {
 public:
  DirectAllToAll(const CollectiveCall& call, std::uint32_t window)
      : position_(call.position), n_(call.group_size), window_(window), sizes_(call) {
    if (call.matrix == nullptr) {
      lanes_ = lane_count(call.size, n_, call.max_chunk);
    } else {
      for (std::uint32_t to = 0; to < n_; ++to)
        if (to != position_) lanes_ = std::max(lanes_, sizes_.messages(position_, to));
    }
  }

  std::uint32_t channels() const override { return 1; }
  std::uint32_t step_count(std::uint32_t) const override { return (n_ - 1) * lanes_; }

  // The window closes step for step: message l of a distance waits for message l (or the last one)
  // of the distance `window` before. Nothing to come from there: nothing to wait for.
  CollectiveStep step(std::uint32_t, std::uint32_t index) const override {
    const std::uint32_t distance = index / lanes_ + 1;
    const std::uint32_t lane = index % lanes_;
    CollectiveStep step;
    const std::uint32_t to = (position_ + distance) % n_;
    if (lane >= sizes_.messages(position_, to)) return step;
    step.send_to = to;
    step.send_bytes = sizes_.message(position_, to, lane);
    if (window_ == 0 || distance <= window_) return step;
    const std::uint32_t from = (position_ + n_ - (distance - window_)) % n_;
    const std::uint32_t count = std::min(lane + 1, sizes_.messages(from, position_));
    if (count == 0) return step;
    step.wait_from = from;
    step.wait_count = count;
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (std::uint32_t distance = 1; distance < n_; ++distance) {
      const std::uint32_t from = (position_ + n_ - distance) % n_;
      const std::uint32_t count = sizes_.messages(from, position_);
      if (count > 0) sources.push_back({from, 0, count});
    }
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t, std::uint32_t index) const override {
    const std::uint32_t to = (position_ + index / lanes_ + 1) % n_;
    return {sizes_.range(position_, to, index % lanes_)};
  }

 private:
  std::uint32_t position_;
  std::uint32_t n_;
  std::uint32_t window_;
  ExchangeSizes sizes_;
  std::uint32_t lanes_ = 1;  // steps per distance: messages to the peer that gets the most
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_all_to_all_schedule(const CollectiveCall& call) {
  const bool pairwise = call.algorithm == CollectiveAlgorithm::kPairwise;
  return std::make_unique<DirectAllToAll>(call, pairwise ? 1 : call.window);
}

}  // namespace plait
