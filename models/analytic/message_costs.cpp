// SPDX-License-Identifier: Apache-2.0
#include "models/analytic/message_costs.hpp"

#include <algorithm>

#include "sim/error.hpp"

namespace plait {

MessageCosts::MessageCosts(const NetworkContext& context)
    : context_(context),
      nic_free_(context.graph.endpoint_count()),
      gpu_free_(context.graph.gpu_count()) {
  if (context.params.scale_up.kind != ScaleUpKind::kNone)
    scale_up_.emplace(context.params.scale_up, 1U);
}

const ScaleUp& MessageCosts::scale_up(GpuId gpu) const {
  if (!scale_up_)
    throw UserError("host " + context_.graph.node(context_.graph.gpu_host(gpu)).name +
                    " has no scale-up network between its GPUs; set fabric.host.scale_up.kind");
  return *scale_up_;
}

MessageCosts::Route& MessageCosts::route(GpuId from, GpuId to) {
  for (const GpuId gpu : {from, to})
    if (context_.graph.node(context_.graph.gpu_host(gpu)).ports == 0)
      throw UserError("host " + context_.graph.node(context_.graph.gpu_host(gpu)).name +
                      " has no NIC, but a message must leave or reach it");
  const EndpointId out = context_.endpoint_of(from), in = context_.endpoint_of(to);
  const std::uint64_t key = static_cast<std::uint64_t>(out.value()) << 32 | in.value();
  const auto found = routes_.find(key);
  if (found != routes_.end()) return found->second;
  const Duration ack =
      Path(context_, in, out).delivery(1, context_.ack_wire(), context_.ack_wire());
  return routes_.emplace(key, Route{Path(context_, out, in), ack}).first->second;
}

Duration MessageCosts::time_on(Route& route, Bytes size) const {
  if (route.known_size == size) return route.known_time;
  const std::int64_t mtu = context_.params.transport.mtu.count();
  const std::int64_t packets = std::max<std::int64_t>(1, (size.count() + mtu - 1) / mtu);
  const auto last = static_cast<std::uint32_t>(size.count() - (packets - 1) * mtu);
  route.known_size = size;
  route.known_time =
      route.path.delivery(static_cast<std::uint64_t>(packets), context_.full_packet_wire(),
                          context_.data_overhead() + last);
  return route.known_time;
}

// Headers and gaps included.
Bytes MessageCosts::wire_bytes(Bytes size) const {
  const std::int64_t mtu = context_.params.transport.mtu.count();
  const std::int64_t packets = std::max<std::int64_t>(1, (size.count() + mtu - 1) / mtu);
  return size + Bytes(context_.data_overhead()) * packets;
}

MessageCosts::Times MessageCosts::send(SimTime now, const MessageKey& key, Bytes size) {
  if (same_host(key.from, key.to)) {
    const Duration ideal = scale_up(key.from).ideal(size);
    const Duration latency = context_.params.scale_up.latency;
    SimTime& free = gpu_free_[key.from.index()];
    const SimTime start = std::max(now, free);
    free = start + (ideal - latency);
    const SimTime delivered = start + ideal;
    return {delivered, delivered + latency, ideal};
  }
  Route& way = route(key.from, key.to);
  const Duration ideal = time_on(way, size);
  const EndpointId out = context_.endpoint_of(key.from);
  SimTime& free = nic_free_[out.index()];
  const SimTime start = std::max(now, free);
  free = start + transmission_time(wire_bytes(size),
                                   context_.graph.egress(context_.graph.endpoint_port(out)).rate);
  // A slower link further on may still be busy with the message before this one.
  const SimTime delivered = std::max(start + ideal, way.last_delivered);
  way.last_delivered = delivered;
  return {delivered, delivered + way.ack, ideal};
}

Duration MessageCosts::ideal(GpuId from, GpuId to, Bytes size) {
  if (same_host(from, to)) return scale_up(from).ideal(size);
  return time_on(route(from, to), size);
}

std::size_t MessageCosts::memory_bytes() const {
  constexpr std::size_t kNode = sizeof(std::uint64_t) + sizeof(Route) + 2 * sizeof(void*);
  return routes_.size() * kNode + (nic_free_.size() + gpu_free_.size()) * sizeof(SimTime);
}

}  // namespace plait
