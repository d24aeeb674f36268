// SPDX-License-Identifier: Apache-2.0
// All-reduce by recursive halving (reduce-scatter) and recursive doubling (all-gather):
// Rabenseifner 2004; Thakur, Rabenseifner and Gropp, "Optimization of collective communication
// operations in MPICH", IJHPCA 19 (2005), section 4.5. Of n = 2^k + e ranks the first 2 e pair up:
// the even one gives its data to the odd one before and gets the result from it after.
#include <bit>

#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

/// The data are cut into lanes first, each lane into 2^k blocks, so that every message is one
/// contiguous range. Steps are round-major, lane-minor.
class HalvingDoubling final : public CollectiveSchedule {
 public:
  explicit HalvingDoubling(const CollectiveCall& call)
      : call_(call),
        core_(std::bit_floor(call.group_size)),
        extra_(call.group_size - core_),
        levels_(static_cast<std::uint32_t>(std::countr_zero(core_))),
        lanes_(lane_count(call.size, extra_ > 0 ? 1 : 2, call.max_chunk)),
        number_(call.position < 2 * extra_ ? call.position / 2 : call.position - extra_) {}

  std::uint32_t channels() const override { return 1; }
  std::uint32_t step_count(std::uint32_t) const override {
    if (outside()) return lanes_;
    return (2 * levels_ + (paired() ? 1 : 0)) * lanes_;
  }

  CollectiveStep step(std::uint32_t, std::uint32_t index) const override {
    const std::uint32_t round = index / lanes_;
    CollectiveStep step;
    step.send_to = outside() ? call_.position + 1 : peer(round);
    step.send_bytes = Bytes(carried(round, index % lanes_).bytes);
    if (outside()) return step;
    if (round > 0) {
      step.wait_from = peer(round - 1);
      step.wait_count = (round > levels_ ? lanes_ : 0) + index % lanes_ + 1;
    } else if (paired()) {
      step.wait_from = call_.position - 1;
      step.wait_count = index + 1;
    }
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    if (outside()) return {{call_.position + 1, 0, lanes_}};
    std::vector<CollectiveSource> sources;
    for (std::uint32_t round = 0; round < levels_; ++round)
      sources.push_back({peer(round), 0, 2 * lanes_});
    if (paired()) sources.push_back({call_.position - 1, 0, lanes_});
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t, std::uint32_t index) const override {
    const std::uint32_t round = index / lanes_;
    const Extent data = carried(round, index % lanes_);
    return {{data.begin, data.bytes, outside() || round < levels_}};
  }

 private:
  bool outside() const { return call_.position < 2 * extra_ && call_.position % 2 == 0; }
  bool paired() const { return call_.position < 2 * extra_ && call_.position % 2 == 1; }

  /// Distance in core numbers to the partner of a round, which is also how many blocks go.
  std::uint32_t distance(std::uint32_t round) const {
    return round < levels_ ? core_ >> (round + 1) : 1U << (round - levels_);
  }

  std::uint32_t peer(std::uint32_t round) const {
    if (round == 2 * levels_) return call_.position - 1;  // the result, to the rank outside
    const std::uint32_t other = number_ ^ distance(round);
    return other < extra_ ? 2 * other + 1 : other + extra_;
  }

  /// Halving: the half that the partner keeps. Doubling: all that this rank has by then.
  Extent carried(std::uint32_t round, std::uint32_t lane) const {
    const Extent whole = cut({0, call_.size.count()}, lanes_, lane);
    if (outside() || round == 2 * levels_) return whole;
    const std::uint32_t blocks = distance(round);
    const std::uint32_t owner = round < levels_ ? number_ ^ blocks : number_;
    const std::uint32_t first = owner & ~(blocks - 1);
    const std::int64_t begin = cut(whole, core_, first).begin;
    return {begin, cut(whole, core_, first + blocks).begin - begin};
  }

  CollectiveCall call_;
  std::uint32_t core_;    // ranks that halve and double, a power of two
  std::uint32_t extra_;   // ranks outside
  std::uint32_t levels_;  // log2 core
  std::uint32_t lanes_;
  std::uint32_t number_;  // of this rank in the core
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_halving_doubling_schedule(const CollectiveCall& call) {
  return std::make_unique<HalvingDoubling>(call);
}

}  // namespace plait
