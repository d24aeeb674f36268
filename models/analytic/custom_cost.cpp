// SPDX-License-Identifier: Apache-2.0
#include "models/analytic/custom_cost.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "sim/check.hpp"
#include "workloads/collectives/collective.hpp"

namespace plait {

namespace {

/// When something happens on the longest way to it: with the bytes of every message on the way, and
/// with latencies only.
struct Times {
  Duration whole{}, latency{};

  void wait_for(const Times& other) {
    whole = std::max(whole, other.whole);
    latency = std::max(latency, other.latency);
  }
  void add(Duration both) {
    whole += both;
    latency += both;
  }
};

/// Bytes that leave and enter.
struct Traffic {
  Bytes out{}, in{};
  Bytes larger() const { return std::max(out, in); }
};

class StepTimes {
 public:
  StepTimes(const JobContext& job, const JobGroup& group, const Op& op,
            const CollectiveChoice& choice, const GroupFlights& flights)
      : facts_(job.facts()),
        layout_(group.layout()),
        choice_(choice),
        flights_(flights),
        ranks_(group.ranks.size()),
        gpus_(group.ranks.size()) {
    for (const RankId rank : group.ranks) nic_of_.push_back(job.nic(rank));
    CollectiveCall call;
    call.kind = op.collective;
    call.size = op.size;
    call.group_size = static_cast<std::uint32_t>(ranks_.size());
    call.algorithm = choice.algorithm;
    call.max_chunk = choice.chunk;
    call.layout = choice.layout;
    call.custom = choice.custom;
    for (std::uint32_t p = 0; p < ranks_.size(); ++p) {
      call.position = p;
      ranks_[p].schedule = make_schedule(call);
      ranks_[p].channels.resize(ranks_[p].schedule->channels());
    }
  }

  /// From the first step to the end of the last.
  Duration longest() {
    std::vector<std::uint32_t> awake;  // ranks whose steps may go on
    for (std::uint32_t p = 0; p < ranks_.size(); ++p) awake.push_back(p);
    while (!awake.empty()) {
      const std::uint32_t p = awake.back();
      awake.pop_back();
      for (std::uint32_t c = 0; c < ranks_[p].channels.size(); ++c) advance(p, c, awake);
    }
    for (const Rank& rank : ranks_)
      for (std::uint32_t c = 0; c < rank.channels.size(); ++c)
        PLAIT_CHECK_EQ(rank.channels[c].next, rank.schedule->step_count(c));
    return std::max(end_.whole, end_.latency + busiest_port());
  }

 private:
  struct Channel {
    std::uint32_t next = 0;  // step
    Times ready, posted;
  };
  struct Rank {
    std::unique_ptr<CollectiveSchedule> schedule;
    std::vector<Channel> channels;
  };

  void advance(std::uint32_t p, std::uint32_t c, std::vector<std::uint32_t>& awake) {
    Channel& channel = ranks_[p].channels[c];
    for (; channel.next < ranks_[p].schedule->step_count(c); ++channel.next) {
      const CollectiveStep step = ranks_[p].schedule->step(c, channel.next);
      if (step.wait_from != kNoPeer && step.wait_count > 0) {
        const std::uint32_t on = step.wait_channel == kSameChannel ? c : step.wait_channel;
        const std::vector<Times>& arrived = arrivals_[{step.wait_from, p, on}];
        if (arrived.size() < step.wait_count) return;
        channel.ready.wait_for(arrived[step.wait_count - 1]);
      }
      Times at = channel.ready;
      at.add(step.work);
      if (step.send_to != kNoPeer) at.add(intra(p, step) ? choice_.step_intra : choice_.step_inter);
      end_.wait_for(at);
      if (step.send_to == kNoPeer) continue;
      channel.posted.wait_for(at);
      send(p, c, step, channel.posted);
      awake.push_back(step.send_to);
    }
  }

  bool intra(std::uint32_t p, const CollectiveStep& step) const {
    return layout_.host_of[p] == layout_.host_of[step.send_to];
  }

  void send(std::uint32_t p, std::uint32_t c, const CollectiveStep& step, Times at) {
    const Bytes bytes = choice_.wire_bytes(step.send_bytes);
    const bool on_host = intra(p, step);
    Traffic& from = on_host ? gpus_[p] : nics_[nic_of_[p]];
    Traffic& to = on_host ? gpus_[step.send_to] : nics_[nic_of_[step.send_to]];
    from.out += bytes;
    to.in += bytes;
    at.add(on_host ? flights_.intra : flights_.inter);
    if (bytes > Bytes{})
      at.whole += transmission_time(bytes, on_host ? facts_.scale_up : facts_.nic);
    arrivals_[{p, step.send_to, c}].push_back(at);
    end_.wait_for(at);
  }

  Duration busiest_port() const {
    Duration longest{};
    for (const Traffic& gpu : gpus_)
      if (gpu.larger() > Bytes{})
        longest = std::max(longest, transmission_time(gpu.larger(), facts_.scale_up));
    for (const auto& [nic, traffic] : nics_)
      if (traffic.larger() > Bytes{})
        longest = std::max(longest, transmission_time(traffic.larger(), facts_.nic));
    return longest;
  }

  const CollectiveFacts& facts_;
  const GroupLayout& layout_;
  const CollectiveChoice& choice_;
  const GroupFlights& flights_;
  std::vector<Rank> ranks_;                // by position
  std::vector<Traffic> gpus_;              // by position, within hosts
  std::vector<std::uint32_t> nic_of_;      // by position
  std::map<std::uint32_t, Traffic> nics_;  // between hosts
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::vector<Times>>
      arrivals_;  // by sender, receiver, channel
  Times end_;
};

}  // namespace

Duration custom_cost(const JobContext& job, const JobGroup& group, const Op& op,
                     const CollectiveChoice& choice, const GroupFlights& flights) {
  return choice.launch + StepTimes(job, group, op, choice, flights).longest();
}

}  // namespace plait
