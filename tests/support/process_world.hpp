// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file process_world.hpp
/// Runs processes on GPUs 0, 1, 2 ... in a test: an event loop that offers HostServices over a
/// network of closed form. Every GPU sends one message after another at `rate`; a message arrives
/// `latency` after its last byte, its acknowledgement `latency` later.

#include <memory>
#include <queue>
#include <vector>

#include "models/host_services.hpp"

namespace plait::testing {

class ProcessWorld final : public HostServices {
 public:
  BitRate rate = BitRate::gigabytes_per_s(1);
  Duration latency = Duration::us(1);

  template <class Process>
  Process& add(std::unique_ptr<Process> process) {
    Process& added = *process;
    processes_.push_back(std::move(process));
    sender_free_.emplace_back();
    return added;
  }

  /// Until nothing happens any more. @return time of the last event.
  SimTime run() {
    for (auto& process : processes_) process->on_start(SimTime::zero(), *this);
    SimTime now;
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now = event.at;
      RankProcess& process = *processes_[event.gpu.index()];
      switch (event.kind) {
        case Kind::kTimer:
          process.on_timer(now, event.token);
          break;
        case Kind::kSent:
          process.on_sent(now, event.token);
          break;
        case Kind::kDelivered:
          process.on_delivered(now, event.key, event.size);
          break;
      }
    }
    return now;
  }

  bool all_finished() const {
    for (const auto& process : processes_)
      if (!process->finished()) return false;
    return true;
  }

  void send(SimTime now, const MessageKey& key, Bytes size, std::uint64_t token) override {
    SimTime& free = sender_free_[key.from.index()];
    free = std::max(now, free) + transmission_time(size, rate);
    const SimTime there = free + latency;
    events_.push({there, next_sequence_++, Kind::kDelivered, key.to, token, key, size});
    events_.push({there + latency, next_sequence_++, Kind::kSent, key.from, token, key, size});
  }
  void call_at(SimTime at, GpuId gpu, std::uint64_t token) override {
    events_.push({at, next_sequence_++, Kind::kTimer, gpu, token, {}, {}});
  }

 private:
  enum class Kind : std::uint8_t { kTimer, kSent, kDelivered };
  struct Event {
    SimTime at;
    std::uint64_t sequence;
    Kind kind;
    GpuId gpu;
    std::uint64_t token;
    MessageKey key;
    Bytes size;
    bool operator<(const Event& other) const {  // std::priority_queue gives the greatest
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };

  std::vector<std::unique_ptr<RankProcess>> processes_;  // by GPU
  std::vector<SimTime> sender_free_;
  std::priority_queue<Event> events_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace plait::testing
