// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank_world.hpp
/// Runs the ranks of one job in a test: a small event loop that offers HostServices. Messages go
/// through one of two networks: `FixedNetwork` (every GPU sends one message after another at
/// `rate`, it arrives `latency` after its last byte, the acknowledgement takes `latency` again) or
/// ScaleUp.

#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "models/rank.hpp"
#include "models/scale_up.hpp"

namespace plait::testing {

/// Collects ops with ids 0, 1, 2 ... and builds the graph.
class Script {
 public:
  std::uint64_t compute(Duration duration, std::uint32_t stream = 0,
                        std::vector<std::uint64_t> after = {}) {
    Op op;
    op.duration = duration;
    return add(op, stream, "compute", std::move(after));
  }
  std::uint64_t send(std::size_t peer, Bytes size, std::uint32_t tag, std::uint32_t stream = 0,
                     std::vector<std::uint64_t> after = {}) {
    return message(OpKind::kSend, peer, size, tag, stream, std::move(after));
  }
  std::uint64_t recv(std::size_t peer, Bytes size, std::uint32_t tag, std::uint32_t stream = 0,
                     std::vector<std::uint64_t> after = {}) {
    return message(OpKind::kRecv, peer, size, tag, stream, std::move(after));
  }
  std::uint64_t collective(CollectiveKind kind, Bytes size, std::size_t group = 0,
                           std::uint32_t stream = 0, std::vector<std::uint64_t> after = {}) {
    Op op;
    op.kind = OpKind::kCollective;
    op.collective = kind;
    op.size = size;
    op.group = GroupId(group);
    op.peer = RankId(0);
    return add(op, stream, std::string(to_string(kind)), std::move(after));
  }
  std::shared_ptr<const OpGraph> build() {
    return std::make_shared<const OpGraph>(std::move(builder_).build("script"));
  }

 private:
  std::uint64_t message(OpKind kind, std::size_t peer, Bytes size, std::uint32_t tag,
                        std::uint32_t stream, std::vector<std::uint64_t> after) {
    Op op;
    op.kind = kind;
    op.peer = RankId(peer);
    op.size = size;
    op.tag = tag;
    return add(op, stream, std::string(to_string(kind)), std::move(after));
  }
  std::uint64_t add(Op op, std::uint32_t stream, const std::string& name,
                    std::vector<std::uint64_t> after) {
    op.stream = stream;
    builder_.add(op, name, next_, std::move(after));
    return next_++;
  }

  OpGraphBuilder builder_;
  std::uint64_t next_ = 0;
};

inline Workload workload_of(std::vector<Script>& scripts) {
  Workload workload;
  Group all{"all", {}};
  for (std::size_t rank = 0; rank < scripts.size(); ++rank) {
    workload.graphs.push_back(scripts[rank].build());
    all.ranks.push_back(RankId(rank));
  }
  workload.groups.push_back(all);
  return workload;
}

struct FixedNetwork {
  BitRate rate = BitRate::gigabytes_per_s(1);
  Duration latency = Duration::us(1);
};

/// All ranks on one host, unless `hosts` says otherwise; rank r runs on GPU r.
class World final : public HostServices, private ScaleUpSink {
 public:
  World(const Workload& workload, const CollectiveParams& collective,
        std::vector<std::uint32_t> hosts = {}) {
    const std::size_t count = workload.graphs.size();
    JobPlacement placement;
    placement.host = hosts.empty() ? std::vector<std::uint32_t>(count, 0) : std::move(hosts);
    for (std::size_t rank = 0; rank < count; ++rank) placement.gpu.emplace_back(rank);
    job_ = std::make_shared<const JobContext>(JobId(0), "test", workload, placement, collective,
                                              GpuParams{}, true);
    for (std::size_t rank = 0; rank < count; ++rank) {
      ranks_.push_back(std::make_unique<Rank>(job_, RankId(rank)));
      sender_free_.emplace_back();
    }
  }

  FixedNetwork network;
  std::optional<ScaleUp> scale_up;  // used instead of `network` if set

  /// Until nothing happens any more. @return time of the last event.
  SimTime run() {
    for (auto& rank : ranks_) rank->on_start(SimTime::zero(), *this);
    for (;;) {
      const SimTime mine = events_.empty() ? SimTime::never() : events_.top().at;
      const SimTime theirs = scale_up ? scale_up->next_time() : SimTime::never();
      if (mine == SimTime::never() && theirs == SimTime::never()) return now_;
      if (theirs <= mine) {
        now_ = theirs;
        scale_up->advance(theirs, *this);
        continue;
      }
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      event.handler(*this, event);
    }
  }

  const Rank& rank(std::size_t i) const { return *ranks_[i]; }
  const JobContext& job() const { return *job_; }
  std::vector<const Rank*> ranks() const {
    std::vector<const Rank*> all;
    for (const auto& rank : ranks_) all.push_back(rank.get());
    return all;
  }
  bool all_finished() const {
    for (const auto& rank : ranks_)
      if (!rank->finished()) return false;
    return true;
  }

  void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) override {
    if (scale_up) return scale_up->send(now, key, key.from.value(), key.to.value(), size, token);
    SimTime& free = sender_free_[key.from.index()];
    free = std::max(now, free) + transmission_time(size, network.rate);
    const SimTime there = free + network.latency;
    push(there, key, size, token,
         [](World& w, const Event& e) { w.delivered(e.at, e.key, e.size); });
    push(there + network.latency, key, size, token,
         [](World& w, const Event& e) { w.acked(e.at, e.key, e.token); });
  }
  void send_in_switch(SimTime now, const SwitchTransfer& transfer) override {
    scale_up->send_in_switch(now, transfer);
  }
  void call_at(SimTime at, GpuId gpu, std::uint64_t token) override {
    push(at, {gpu, gpu, 0}, Bytes{}, token,
         [](World& w, const Event& e) { w.ranks_[e.key.from.index()]->on_timer(e.at, e.token); });
  }

 private:
  struct Event {
    SimTime at;
    std::uint64_t sequence;
    MessageKey key;
    Bytes size;
    std::uint64_t token;
    void (*handler)(World&, const Event&);
    bool operator<(const Event& other) const {  // std::priority_queue gives the greatest
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };
  void push(SimTime at, MessageKey key, Bytes size, std::uint64_t token,
            void (*handler)(World&, const Event&)) {
    events_.push({at, next_sequence_++, key, size, token, handler});
  }
  void delivered(SimTime now, const MessageKey& key, Bytes size) override {
    ranks_[key.to.index()]->on_delivered(now, key, size);
  }
  void acked(SimTime now, const MessageKey& key, std::uint64_t token) override {
    ranks_[key.from.index()]->on_sent(now, token);
  }

  void switch_delivered(SimTime now, const MessageKey& key, Bytes size) override {
    delivered(now, key, size);
  }
  void switch_acked(SimTime now, const MessageKey& key, std::uint64_t token) override {
    acked(now, key, token);
  }

  std::shared_ptr<const JobContext> job_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::vector<SimTime> sender_free_;
  std::priority_queue<Event> events_;
  std::uint64_t next_sequence_ = 0;
  SimTime now_{};
};

}  // namespace plait::testing
