// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file data_movement.hpp
/// Executes the schedules of one collective call on real values, from CollectiveSchedule::payload()
/// alone. Messages of different (sender, receiver, channel) overtake each other at random, ranks
/// start and post late at random; values are read when a message is posted. One value of 64 random
/// bits stands for each byte, so that a contribution that is missing or counted twice shows.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "workloads/collectives/collective.hpp"

namespace plait::testing {

class DataMovement {
 public:
  using Values = std::vector<std::uint64_t>;
  using Decorate = std::unique_ptr<CollectiveSchedule> (*)(std::unique_ptr<CollectiveSchedule>);

  /// @param call without its position. @param decorate wraps every schedule (to break it).
  DataMovement(const CollectiveCall& call, std::uint64_t seed, Decorate decorate = nullptr)
      : call_(call), random_(seed), pair_begins_{0} {
    for (std::uint32_t i = 0; i < n() * n(); ++i)
      pair_begins_.push_back(pair_begins_.back() + pair_bytes(i / n(), i % n()));
    for (std::uint32_t p = 0; p < n(); ++p) {
      call_.position = p;
      schedules_.push_back(make_schedule(call_));
      if (decorate != nullptr) schedules_.back() = decorate(std::move(schedules_.back()));
      buffers_.emplace_back();
      for (std::int64_t i = 0; i < address_space(); ++i) buffers_.back().push_back(random_());
      next_step_.emplace_back(schedules_[p]->channels(), 0);
    }
    inputs_ = buffers_;
    sums_.resize(inputs_[0].size());
    for (const Values& input : inputs_)
      for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += input[i];
    sent_bytes_.resize(n());
    launched_.resize(n());
    for (std::uint32_t p = 0; p < n(); ++p) known_.push_back(std::uint64_t{1} << p);
  }

  /// @return what is wrong, empty if nothing is.
  std::string run() {
    for (std::uint32_t i = 0; i < n() && error_.empty(); ++i) {
      if (chance(2)) launch(below(n()));
      while (chance(2) && deliver_one()) {
      }
    }
    for (std::uint32_t p = 0; p < n(); ++p) launch(p);
    for (;;) {
      while (error_.empty() && deliver_one()) {
      }
      if (!error_.empty()) return error_;
      for (std::uint32_t p = 0; p < n(); ++p) post(p);
      if (in_flight_.empty()) break;
    }
    return verdict();
  }

  std::int64_t sent_bytes(std::uint32_t p) const { return sent_bytes_[p]; }
  const CollectiveSchedule& schedule(std::uint32_t p) const { return *schedules_[p]; }

 private:
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // from, to, channel
  struct Message {
    std::vector<DataRange> ranges;
    std::vector<Values> values;
    std::vector<std::uint32_t> to;  ///< More than one: a multicast.
    std::uint64_t known = 0;
  };

  std::uint32_t n() const { return call_.group_size; }
  std::uint64_t random() { return random_(); }
  std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random() % limit); }
  bool chance(std::uint32_t of) { return below(of) != 0; }

  std::int64_t pair_bytes(std::uint32_t from, std::uint32_t to) const {
    if (call_.matrix != nullptr) return call_.matrix->at(from, to).count();
    const std::int64_t size = call_.size.count();
    return size / n() + (to < size % n() ? 1 : 0);
  }
  std::int64_t pair_begin(std::uint32_t from, std::uint32_t to) const {
    return pair_begins_[std::size_t{from} * n() + to];
  }
  std::int64_t address_space() const {
    switch (call_.kind) {
      case CollectiveKind::kAllGather:
      case CollectiveKind::kGather:
      case CollectiveKind::kScatter:
        return call_.size.count() * n();
      case CollectiveKind::kAllToAll:
        return pair_begins_.back();
      default:
        return call_.size.count();
    }
  }

  void launch(std::uint32_t p) {
    launched_[p] = true;
    post(p);
  }

  void post(std::uint32_t p) {
    if (!launched_[p]) return;
    for (std::uint32_t channel = 0; channel < schedules_[p]->channels(); ++channel) {
      std::uint32_t& next = next_step_[p][channel];
      for (; next < schedules_[p]->step_count(channel) && error_.empty(); ++next) {
        const CollectiveStep step = schedules_[p]->step(channel, next);
        const std::uint32_t other = step.wait_channel == kSameChannel ? channel : step.wait_channel;
        if (step.wait_from != kNoPeer && received_[{step.wait_from, p, other}] < step.wait_count)
          break;
        if (step.send_to != kNoPeer) send(p, channel, next, step);
      }
    }
  }

  void send(std::uint32_t p, std::uint32_t channel, std::uint32_t index,
            const CollectiveStep& step) {
    Message message{schedules_[p]->payload(channel, index), {}, {step.send_to}, known_[p]};
    std::int64_t bytes = 0;
    for (const DataRange& range : message.ranges) {
      bytes += range.bytes;
      if (range.begin < 0 || range.bytes < 0 || range.begin + range.bytes > address_space())
        return fail("a range outside the data");
      const auto from = buffers_[p].begin() + range.begin;
      message.values.emplace_back(from, from + range.bytes);
      if (step.mode == StepMode::kReduce) std::fill(from, from + range.bytes, 0);
    }
    if (bytes != step.send_bytes.count()) return fail("send_bytes is not what the payload has");
    if (step.send_to == p && step.mode == StepMode::kMessage) return fail("a message to oneself");
    if (call_.kind == CollectiveKind::kAllToAll && bytes == 0) return fail("an empty message");
    sent_bytes_[p] += bytes;
    if (step.mode == StepMode::kReduce) return contribute(p, channel, message);
    if (step.mode == StepMode::kMulticast) message.to = colleagues(p);
    for (const std::uint32_t to : message.to) fly({p, to, channel}, message);
  }

  const std::vector<std::uint32_t>& colleagues(std::uint32_t p) const {
    return call_.layout->hosts[call_.layout->host_of[p]];
  }

  /// The switch: the k-th contributions of all members of the host to one owner make one message.
  void contribute(std::uint32_t p, std::uint32_t channel, const Message& message) {
    const std::uint32_t owner = message.to[0];
    if (call_.layout->host_of[owner] != call_.layout->host_of[p])
      return fail("a contribution leaves its host");
    std::deque<Message>& own = contributions_[{owner, channel}][p];
    own.push_back(message);
    std::map<std::uint32_t, std::deque<Message>>& all = contributions_[{owner, channel}];
    if (all.size() < colleagues(p).size()) return;
    for (const auto& [from, queue] : all)
      if (queue.empty()) return;
    Message sum = own.front();
    for (auto& [from, queue] : all) {
      if (from != p)
        for (std::size_t r = 0; r < sum.values.size(); ++r)
          for (std::size_t i = 0; i < sum.values[r].size(); ++i)
            sum.values[r][i] += queue.front().values.at(r).at(i);
      queue.pop_front();
    }
    fly({owner, owner, channel}, sum);
  }

  void fly(const Key& key, const Message& message) {
    std::deque<Message>& queue = flights_[key];
    if (queue.empty()) in_flight_.push_back(key);
    queue.push_back(message);
  }

  bool deliver_one() {
    if (in_flight_.empty()) return false;
    std::swap(in_flight_[below(in_flight_.size())], in_flight_.back());
    const Key key = in_flight_.back();
    std::deque<Message>& queue = flights_[key];
    const std::uint32_t to = std::get<1>(key);
    const Message message = std::move(queue.front());
    queue.pop_front();
    ++received_[key];
    known_[to] |= message.known;
    if (queue.empty()) in_flight_.pop_back();
    for (std::size_t r = 0; r < message.ranges.size(); ++r)
      for (std::size_t i = 0; i < message.values[r].size(); ++i) {
        std::uint64_t& value = buffers_[to][static_cast<std::size_t>(message.ranges[r].begin) + i];
        value = message.values[r][i] + (message.ranges[r].reduce ? value : 0);
      }
    if (chance(3)) post(to);
    return true;
  }

  /// What must be at address i of rank p in the end; false: anything.
  bool wanted(std::uint32_t p, std::int64_t i, std::uint64_t& value) const {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t size = call_.size.count();
    const std::int64_t longer = n() == 0 ? 0 : size % n();
    const std::int64_t own = size / n() * p + std::min<std::int64_t>(p, longer);
    switch (call_.kind) {
      case CollectiveKind::kAllReduce:
        value = sums_[at];
        return true;
      case CollectiveKind::kReduce:
        value = sums_[at];
        return p == call_.root;
      case CollectiveKind::kReduceScatter:
        value = sums_[at];
        return i >= own && i < own + size / n() + (p < longer ? 1 : 0);
      case CollectiveKind::kBroadcast:
        value = inputs_[call_.root][at];
        return true;
      case CollectiveKind::kAllGather:
        value = inputs_[static_cast<std::size_t>(i / size)][at];
        return true;
      case CollectiveKind::kGather:
        value = inputs_[static_cast<std::size_t>(i / size)][at];
        return p == call_.root;
      case CollectiveKind::kScatter:
        value = inputs_[call_.root][at];
        return i / size == p;
      case CollectiveKind::kAllToAll:
        for (std::uint32_t s = 0; s < n(); ++s) {
          const std::int64_t begin = pair_begin(s, p);
          if (i < begin || i >= begin + pair_bytes(s, p)) continue;
          value = inputs_[s][at];
          return true;
        }
        return false;
      case CollectiveKind::kBarrier:
        return false;
    }
    return false;
  }

  std::string verdict() {
    for (std::uint32_t p = 0; p < n(); ++p) {
      for (std::uint32_t channel = 0; channel < schedules_[p]->channels(); ++channel)
        if (next_step_[p][channel] != schedules_[p]->step_count(channel))
          return "rank " + std::to_string(p) + " is stuck at step " +
                 std::to_string(next_step_[p][channel]) + " of channel " + std::to_string(channel);
      if (call_.kind == CollectiveKind::kBarrier &&
          std::popcount(known_[p]) < static_cast<int>(n()))
        return "rank " + std::to_string(p) + " leaves the barrier before all have come";
      for (std::int64_t i = 0; i < address_space(); ++i) {
        std::uint64_t value = 0;
        if (wanted(p, i, value) && buffers_[p][static_cast<std::size_t>(i)] != value)
          return "rank " + std::to_string(p) + " has a wrong value at " + std::to_string(i);
      }
    }
    std::map<Key, std::uint32_t> promised;
    for (std::uint32_t p = 0; p < n(); ++p)
      for (const CollectiveSource& source : schedules_[p]->sources())
        if (!promised.insert({{source.from, p, source.channel}, source.count}).second)
          return "a source is named twice";
    std::erase_if(received_, [](const auto& entry) { return entry.second == 0; });
    return promised == received_ ? "" : "sources() is not what arrives";
  }

  void fail(const std::string& what) {
    if (error_.empty()) error_ = what;
  }

  CollectiveCall call_;
  std::mt19937_64 random_;
  std::vector<std::int64_t> pair_begins_;  // row after row, and the end
  std::string error_;
  std::vector<std::unique_ptr<CollectiveSchedule>> schedules_;
  std::vector<Values> inputs_, buffers_;
  Values sums_;
  std::vector<std::vector<std::uint32_t>> next_step_;
  std::vector<std::int64_t> sent_bytes_;
  std::vector<bool> launched_;
  std::vector<std::uint64_t> known_;  // ranks that one has heard of, directly or not: a bit each
  std::map<Key, std::deque<Message>> flights_;
  std::vector<Key> in_flight_;  // those of flights_ that are not empty
  std::map<Key, std::uint32_t> received_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::map<std::uint32_t, std::deque<Message>>>
      contributions_;  // by (owner, channel), then by contributor
};

}  // namespace plait::testing
