// SPDX-License-Identifier: Apache-2.0
// All-to-all by way of the rails: what goes to GPU j of another host goes first to GPU j of the own
// host, which sends what it got from its whole host on as one message. After NCCL's PXN (Gangidi
// and Jeaugey, "Doubling all2all performance with NVIDIA Collective Communication Library 2.12",
// 2022). Needs equally many members on each host.
#include "workloads/collectives/exchange_sizes.hpp"

namespace plait {

namespace {

/// Hosts are taken by distance, the own one last. Channel 0 is the way within the host, channel 1
/// the one between hosts. Message l between hosts carries message l of each of its pairs.
class PxnAllToAll final : public CollectiveSchedule {
 public:
  explicit PxnAllToAll(const CollectiveCall& call)
      : call_(call),
        hosts_(call.layout->hosts),
        host_(call.layout->host_of[call.position]),
        members_(static_cast<std::uint32_t>(hosts_[host_].size())),
        sizes_(call) {
    const auto& own = hosts_[host_];
    index_ =
        static_cast<std::uint32_t>(std::find(own.begin(), own.end(), call.position) - own.begin());
    count_messages();
  }

  std::uint32_t channels() const override { return 2; }
  std::uint32_t step_count(std::uint32_t channel) const override {
    const std::uint32_t rounds = host_count() - channel;  // the own host needs no second way
    return rounds * (channel == 0 ? (members_ - 1) * lanes_ : relay_steps() * lanes_);
  }

  CollectiveStep step(std::uint32_t channel, std::uint32_t index) const override {
    return channel == 0 ? local_step(index) : relay_step(index);
  }

  std::vector<CollectiveSource> sources() const override {
    std::vector<CollectiveSource> sources;
    const auto add = [&](std::uint32_t from, std::uint32_t channel, std::uint32_t count) {
      if (count > 0) sources.push_back({from, channel, count});
    };
    for (std::uint32_t e = 1; e < members_; ++e)
      add(colleague(e), 0, heard_before(e, host_count()));
    for (std::uint32_t distance = 1; distance < host_count(); ++distance) {
      const auto& there = hosts_[(host_ + host_count() - distance) % host_count()];
      std::uint32_t count = 0;
      for (const std::uint32_t from : there)
        count = std::max(count, sizes_.messages(from, call_.position));
      add(there[index_], 1, count);
    }
    return sources;
  }

  std::vector<DataRange> payload(std::uint32_t channel, std::uint32_t index) const override {
    if (channel == 0) {
      const std::uint32_t to = local_goal(index / lanes_);
      return {sizes_.range(call_.position, to, index % lanes_)};
    }
    std::vector<DataRange> ranges;
    const std::uint32_t lane = index / relay_steps() % lanes_;
    const std::uint32_t to = relay_goal(index);
    for (const std::uint32_t from : hosts_[host_])
      if (lane < sizes_.messages(from, to)) ranges.push_back(sizes_.range(from, to, lane));
    return ranges;
  }

 private:
  std::uint32_t host_count() const { return static_cast<std::uint32_t>(hosts_.size()); }
  /// The e-th member after this one on the own host.
  std::uint32_t colleague(std::uint32_t e) const { return hosts_[host_][(index_ + e) % members_]; }
  /// The host of a round; the last round's is the own one.
  std::uint32_t host_at(std::uint32_t round) const { return (host_ + round + 1) % host_count(); }
  /// Steps of a relayed message: it waits for each colleague's part, the last time as it is sent.
  std::uint32_t relay_steps() const { return std::max(members_ - 1, 1U); }

  /// For whom a message of channel 0 is in the end. @param turn counts (round, colleague).
  std::uint32_t local_goal(std::uint32_t turn) const {
    const std::uint32_t e = turn % (members_ - 1) + 1;
    return hosts_[host_at(turn / (members_ - 1))][(index_ + e) % members_];
  }
  std::uint32_t relay_goal(std::uint32_t index) const {
    return hosts_[host_at(index / relay_steps() / lanes_)][index_];
  }

  CollectiveStep local_step(std::uint32_t index) const {
    const std::uint32_t to = local_goal(index / lanes_);
    CollectiveStep step;
    if (index % lanes_ >= sizes_.messages(call_.position, to)) return step;
    step.send_to = colleague(index / lanes_ % (members_ - 1) + 1);
    step.send_bytes = sizes_.message(call_.position, to, index % lanes_);
    return step;
  }

  CollectiveStep relay_step(std::uint32_t index) const {
    const std::uint32_t e = index % relay_steps() + 1;
    const std::uint32_t lane = index / relay_steps() % lanes_;
    const std::uint32_t round = index / relay_steps() / lanes_;
    const std::uint32_t to = relay_goal(index);
    CollectiveStep step;
    if (members_ > 1) {
      const std::uint32_t here = std::min(lane + 1, sizes_.messages(colleague(e), to));
      if (here > 0) {
        step.wait_from = colleague(e);
        step.wait_channel = 0;
        step.wait_count = heard_before(e, round) + here;
      }
    }
    if (e < relay_steps()) return step;
    for (const std::uint32_t from : hosts_[host_])
      if (lane < sizes_.messages(from, to)) {
        step.send_bytes += sizes_.message(from, to, lane);
        step.send_to = to;
      }
    return step;
  }

  /// Messages of colleague e on channel 0 before those of `round`.
  std::uint32_t heard_before(std::uint32_t e, std::uint32_t round) const {
    return heard_[(e - 1) * (hosts_.size() + 1) + round];
  }

  void count_messages() {
    const auto rounds = host_count();
    heard_.reserve(std::size_t{members_ - 1} * (rounds + 1));
    for (std::uint32_t e = 1; e < members_; ++e) {
      std::uint32_t sum = 0;
      for (std::uint32_t round = 0; round < rounds; ++round) {
        heard_.push_back(sum);
        const std::uint32_t count = sizes_.messages(colleague(e), hosts_[host_at(round)][index_]);
        lanes_ = std::max(lanes_, count);
        sum += count;
      }
      heard_.push_back(sum);
    }
    for (std::uint32_t to = 0; to < call_.group_size; ++to)
      if (to != call_.position) lanes_ = std::max(lanes_, sizes_.messages(call_.position, to));
  }

  CollectiveCall call_;
  const std::vector<std::vector<std::uint32_t>>& hosts_;
  std::uint32_t host_;
  std::uint32_t members_;
  ExchangeSizes sizes_;
  std::uint32_t index_ = 0;  // among the members of the own host
  std::uint32_t lanes_ = 1;  // messages of the largest pair that passes here
  std::vector<std::uint32_t> heard_;
};

}  // namespace

std::unique_ptr<CollectiveSchedule> make_pxn_schedule(const CollectiveCall& call) {
  return std::make_unique<PxnAllToAll>(call);
}

}  // namespace plait
