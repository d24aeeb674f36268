// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file node_faults.hpp
/// One node's walk through the fault plan: which step comes next, which frames its cables swallow,
/// which routes and ports it may use. Everything a switch or host needs to know about faults.

#include <cstdint>
#include <span>
#include <vector>

#include "models/fault_plan.hpp"
#include "models/network_context.hpp"
#include "models/records.hpp"

namespace plait {

class NodeFaults {
 public:
  NodeFaults(const NetworkContext& context, NodeId node);

  /// Anything ever happens to this node or to its cables.
  bool active() const { return active_; }
  /// Something changes here; it must be taken before anything else that happens at that time.
  std::int64_t next_ps() const { return next_ps_; }
  /// The same without changes of routes: they wait until somebody asks for a route.
  std::int64_t wish_ps() const { return at_ < steps_.size() ? steps_[at_].at_ps : INT64_MAX; }
  /// The next step at `now` == next_ps(), or null when all of that time are taken.
  const FaultStep* take(std::int64_t now);

  const RouteTable& routes() const { return *routes_; }
  /// Number of those routes in the plan.
  std::uint32_t table() const { return table_; }
  /// `hops` without the ports that this node knows to be dead, unless none remain.
  std::span<const std::uint16_t> usable(std::span<const std::uint16_t> hops) {
    if (avoided_count_ == 0) [[likely]]
      return hops;
    return without_avoided(hops);
  }
  bool avoids(std::uint32_t port) const { return avoided_count_ != 0 && avoided_[port]; }
  void count_unroutable() { ++unroutable_; }
  std::uint64_t unroutable() const { return unroutable_; }

  /// True if the cable of `port` is down at any time from the first bit until the last one has
  /// arrived; of a pause frame until it takes effect, so that none outlives a failure. Counts it.
  /// @pre active(); starts of one port do not decrease.
  bool loses(std::uint32_t port, const Packet& packet, std::int64_t start, std::int64_t end,
             std::int64_t known);
  /// A frame was lost by bit errors at `port`.
  void count_corrupted(std::uint32_t port) {
    if (active_) count(corrupting_[port]);
  }

  bool rebooting() const { return rebooting_ != FaultPlan::kNoEvent; }
  /// The reboot under way has swallowed a frame.
  void count_flushed() {
    ++lost_;
    count(rebooting_);
  }

  /// Frames swallowed by failed cables and reboots.
  std::uint64_t lost() const { return lost_; }
  std::uint64_t lost_at(std::uint32_t port) const { return active_ ? ports_[port].lost : 0; }
  void collect(std::vector<FaultRecord>& faults) const;

 private:
  struct Port {
    std::span<const DownSpan> downs;
    std::size_t at = 0;  // first that may still matter
    std::int64_t delay_ps = 0;
    std::uint64_t lost = 0;
  };
  void count(std::uint32_t event) {
    if (event != FaultPlan::kNoEvent) ++by_event_[event];
  }
  void set_next();
  std::span<const std::uint16_t> without_avoided(std::span<const std::uint16_t> hops);

  const FaultPlan& plan_;
  const RouteTable* routes_;
  bool active_ = false;
  std::uint32_t avoided_count_ = 0;
  std::int64_t next_ps_ = INT64_MAX;
  std::uint32_t table_ = 0;
  std::uint32_t rebooting_ = FaultPlan::kNoEvent;
  std::span<const FaultStep> steps_;
  std::span<const FaultPlan::Epoch> epochs_;
  std::size_t at_ = 0, epoch_ = 0;
  std::vector<bool> avoided_;              // by port
  std::vector<std::uint16_t> remaining_;   // what without_avoided() returned last
  std::vector<Port> ports_;                // empty unless active
  std::vector<std::uint32_t> corrupting_;  // by port: event, or kNoEvent
  std::vector<std::uint64_t> by_event_;
  std::uint64_t lost_ = 0, unroutable_ = 0;
};

}  // namespace plait
