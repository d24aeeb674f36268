// SPDX-License-Identifier: Apache-2.0
// All-reduce in three phases: reduce-scatter on each host, ring all-reduce of each piece among its
// owners on all hosts (a rail each), all-gather on each host: Cho, Finkler, Kung and Hunter,
// "BlueConnect: decomposing all-reduce for deep learning on heterogeneous network hierarchy",
// MLSys 2019. The phases on the host are direct, from every member to every other, because its
// network is a switch. Chunks go through the phases, a channel each, one behind the other.
// Needs equally many members on each host.
#include <algorithm>

#include "sim/check.hpp"
#include "workloads/collectives/algorithms.hpp"

namespace plait {

namespace {

class HierarchicalAllReduce final : public CollectiveSchedule {
 public:
  explicit HierarchicalAllReduce(const CollectiveCall& call)
      : call_(call),
        hosts_(call.layout->hosts),
        host_(call.layout->host_of[call.position]),
        members_(static_cast<std::uint32_t>(hosts_[host_].size())),
        rounds_(2 * (host_count() - 1)),
        chunks_(lane_count(call.size, members_, call.max_chunk)) {
    const auto& own = hosts_[host_];
    const auto found = std::find(own.begin(), own.end(), call.position);
    PLAIT_CHECK(found != own.end(), "a host lists its members");
    index_ = static_cast<std::uint32_t>(found - own.begin());
  }

  std::uint32_t channels() const override { return 3; }
  std::uint32_t step_count(std::uint32_t channel) const override {
    return chunk_steps(channel) * chunks_;
  }

  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    const std::uint32_t chunk = index / chunk_steps(channel);
    const std::uint32_t i = index % chunk_steps(channel);
    CollectiveStep step;
    if (channel > 0) add_wait(step, channel, chunk, i);
    if (i < idle_steps(channel)) return step;
    const std::uint32_t send = i - idle_steps(channel);
    step.send_to = channel == kRail ? on_rail(1) : colleague(send + 1);
    step.send_bytes = Bytes(carried(channel, chunk, send).bytes);
    return step;
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    for (std::uint32_t e = 1; e < members_; ++e)
      for (const std::uint32_t channel : {kScatter, kGather})
        sources.push_back({colleague(e), channel, chunks_});
    if (rounds_ > 0) sources.push_back({on_rail(host_count() - 1), kRail, rounds_ * chunks_});
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override {
    const std::uint32_t send = index % chunk_steps(channel) - idle_steps(channel);
    const Extent data = carried(channel, index / chunk_steps(channel), send);
    const bool reduce = channel == kScatter || (channel == kRail && send < rounds_ / 2);
    return {{data.begin, data.bytes, reduce}};
  }

 private:
  static constexpr std::uint32_t kScatter = 0, kRail = 1, kGather = 2;  // channels

  std::uint32_t host_count() const { return static_cast<std::uint32_t>(hosts_.size()); }
  std::uint32_t colleague(std::uint32_t e) const { return hosts_[host_][(index_ + e) % members_]; }
  std::uint32_t on_rail(std::uint32_t places) const {
    return hosts_[(host_ + places) % host_count()][index_];
  }

  /// Waits of a chunk's first send: for all colleagues' parts, else for one message.
  bool joins(std::uint32_t channel) const {
    return channel == kRail || (channel == kGather && rounds_ == 0);
  }
  /// Steps of a chunk that only wait.
  std::uint32_t idle_steps(std::uint32_t channel) const {
    return joins(channel) && members_ > 1 ? members_ - 2 : 0;
  }
  std::uint32_t chunk_steps(std::uint32_t channel) const {
    const std::uint32_t sends = channel == kRail ? rounds_ : members_ - 1;
    return sends == 0 ? 0 : idle_steps(channel) + sends;
  }

  void add_wait(CollectiveStep& step, std::uint32_t channel, std::uint32_t chunk,
                std::uint32_t i) const {
    if (joins(channel) && i + 1 < members_) {
      step.wait_from = colleague(i + 1);
      step.wait_channel = kScatter;
      step.wait_count = chunk + 1;
    } else if (rounds_ > 0 && (channel == kGather || i > idle_steps(kRail))) {
      step.wait_from = on_rail(host_count() - 1);
      step.wait_channel = kRail;
      step.wait_count = chunk * rounds_ + (channel == kGather ? rounds_ : i - idle_steps(kRail));
    }
  }

  /// Send number `send` of a chunk. On the rail: part p of the piece belongs to host p and starts
  /// its trip at the host after it, as in a ring all-reduce.
  Extent carried(std::uint32_t channel, std::uint32_t chunk, std::uint32_t send) const {
    const Extent whole = cut({0, call_.size.count()}, chunks_, chunk);
    const std::uint32_t owner = channel == kScatter ? (index_ + send + 1) % members_ : index_;
    const Extent piece = cut(whole, members_, owner);
    if (channel != kRail) return piece;
    return cut(piece, host_count(), (host_ + 2 * host_count() - 1 - send) % host_count());
  }

  CollectiveCall call_;
  const std::vector<std::vector<std::uint32_t>>& hosts_;
  std::uint32_t host_;
  std::uint32_t members_;
  std::uint32_t rounds_;  // on the rail, per chunk
  std::uint32_t chunks_;
  std::uint32_t index_ = 0;  // among the members of the own host
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_hierarchical_schedule(const CollectiveCall& call) {
  return std::make_unique<HierarchicalAllReduce>(call);
}

}  // namespace plait
