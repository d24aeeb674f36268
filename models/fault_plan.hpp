// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fault_plan.hpp
/// All fault events of a run, compiled before it starts: per cable when it is down, per node what
/// changes when, and the routes of every state of the fabric. Constant during the run, so every
/// entity may look at its own part of it at any time.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "models/faults.hpp"
#include "models/loss.hpp"
#include "topologies/fabric_graph.hpp"
#include "topologies/route_table.hpp"

namespace plait {

struct WireParams;

/// [begin, end) in which a cable is down, and the event that did it.
struct DownSpan {
  std::int64_t begin_ps, end_ps;
  std::uint32_t event;
};

/// What happens to one node at one time. Steps of one time are taken in the order of the kinds.
struct FaultStep {
  enum class Kind : std::uint8_t {
    kReboot,     ///< The switch loses its queues and everything that reaches it.
    kBack,       ///< The switch works again.
    kLink,       ///< The cable of `port` went down or came up; `value`: up.
    kRate,       ///< The cable of `port` sends at link class `value` from now on.
    kBitErrors,  ///< Frames that arrive at `port` are lost by LossThresholds `value`.
    kAvoid,      ///< The switch leaves `port` out where it can.
    kUse,        ///< And takes it back.
  };
  std::int64_t at_ps = 0;
  Kind kind = Kind::kLink;
  std::uint32_t port = 0;  ///< Number at the node.
  std::uint32_t value = 0;
  std::uint32_t event = 0;
};

class FaultPlan {
 public:
  static constexpr std::uint32_t kNoEvent = UINT32_MAX;
  /// From here on all switches have table(`table`).
  struct Epoch {
    std::int64_t at_ps;
    std::uint32_t table;
  };
  struct Slowdown {
    std::int64_t begin_ps, end_ps;
    double factor;
  };
  /// Makes or finds the link class of an egress port at another rate.
  using ClassAt = std::function<std::uint16_t(PortId, BitRate)>;

  /// @param normal_class  link class by egress port, without faults.
  /// @throws UserError for routes that would take too much memory.
  FaultPlan(const FabricGraph& graph, const RouteTable& routes, const WireParams& wire,
            const std::vector<FaultEvent>& events, const RoutingParams& routing,
            const std::vector<std::uint16_t>& normal_class, const ClassAt& class_at);

  std::size_t event_count() const { return event_count_; }
  /// By time, then kind.
  std::span<const FaultStep> steps(NodeId node) const {
    return steps_.empty() ? std::span<const FaultStep>() : steps_[node.index()];
  }
  /// Ascending, disjoint.
  std::span<const DownSpan> downs(PortId port) const { return downs_[cable(port)]; }
  std::span<const Epoch> epochs() const { return epochs_; }
  const RouteTable& table(std::uint32_t index) const {
    return index == 0 ? routes_ : *tables_[index - 1];
  }
  std::uint32_t table_count() const { return static_cast<std::uint32_t>(tables_.size() + 1); }
  const LossThresholds& loss(std::uint32_t index) const { return losses_[index]; }
  /// Factor on compute ops that start on `host` at `now_ps`.
  double slowdown(NodeId host, std::int64_t now_ps) const;

  /// No fault and no change of routes is still to come, and no route leads there and back.
  bool cut_off_for_ever(std::int64_t now_ps, EndpointId from, EndpointId to) const;

 private:
  struct Transition {
    std::int64_t at_ps;
    std::size_t cable;
    bool up;
  };
  /// One number for both ports of a cable.
  std::size_t cable(PortId port) const { return std::min(port.index(), graph_.peer(port).index()); }
  void add_downs(const std::vector<FaultEvent>& events);
  void add_link_steps(const RoutingParams& routing);
  void add_reboots(const std::vector<FaultEvent>& events);
  void add_rates(const std::vector<FaultEvent>& events, const ClassAt& class_at,
                 const std::vector<std::uint16_t>& normal_class);
  void add_bit_errors(const std::vector<FaultEvent>& events, const WireParams& wire);
  void add_slowdowns(const std::vector<FaultEvent>& events);
  void add_epochs(const std::vector<Transition>& transitions, Duration convergence);
  void add_step(PortId port, std::int64_t at_ps, FaultStep::Kind kind, std::uint32_t value,
                std::uint32_t event);
  void settle();

  const FabricGraph& graph_;
  const RouteTable& routes_;
  std::size_t event_count_;
  std::vector<std::vector<FaultStep>> steps_;     // by node; empty without events
  std::vector<std::vector<DownSpan>> downs_;      // by cable()
  std::vector<std::vector<Slowdown>> slowdowns_;  // by node; empty without such events
  std::vector<Epoch> epochs_;
  std::vector<std::unique_ptr<const RouteTable>> tables_;  // from number 1 on
  std::vector<LossThresholds> losses_;
  std::int64_t settled_ps_ = 0;  // from here on nothing changes any more
};

}  // namespace plait
