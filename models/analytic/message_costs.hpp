// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file message_costs.hpp
/// When a message arrives if nothing but its own sender is in its way. The time itself is the ideal
/// time of the packet model, so that a lone message takes equally long in both. Equations and
/// deviations: docs/models/analytic.md.

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "models/host_services.hpp"
#include "models/network_context.hpp"
#include "models/path.hpp"
#include "models/scale_up.hpp"

namespace plait {

class MessageCosts {
 public:
  struct Times {
    SimTime delivered, acked;
    Duration ideal{};
  };

  /// @param context  outlives this.
  explicit MessageCosts(const NetworkContext& context);

  /// Takes the sender's port from when it is free. Messages of one pair of GPUs arrive in order.
  /// @throws UserError if nothing joins the two GPUs.
  Times send(SimTime now, const MessageKey& key, Bytes size);

  /// Of a message of `size` that nothing holds up. @throws UserError as send().
  Duration ideal(GpuId from, GpuId to, Bytes size);

  std::size_t memory_bytes() const;

 private:
  struct Route {  // of one pair of NICs
    Path path;
    Duration ack{};
    Bytes known_size{-1};  // the last size asked for, and its time
    Duration known_time{};
    SimTime last_delivered{};
  };

  bool same_host(GpuId from, GpuId to) const {
    return context_.graph.gpu_host(from) == context_.graph.gpu_host(to);
  }
  const ScaleUp& scale_up(GpuId gpu) const;
  Route& route(GpuId from, GpuId to);
  Duration time_on(Route& route, Bytes size) const;
  Bytes wire_bytes(Bytes size) const;

  const NetworkContext& context_;
  std::optional<ScaleUp> scale_up_;
  std::unordered_map<std::uint64_t, Route> routes_;  // looked up, never iterated
  std::vector<SimTime> nic_free_;                    // by endpoint
  std::vector<SimTime> gpu_free_;                    // by GPU: its port to the scale-up network
};

}  // namespace plait
