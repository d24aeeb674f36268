// SPDX-License-Identifier: Apache-2.0
#include "models/path.hpp"

#include <algorithm>

#include "models/network_context.hpp"
#include "sim/error.hpp"

namespace plait {

Path::Path(const NetworkContext& context, EndpointId from, EndpointId to) {
  const FabricGraph& graph = context.graph;
  PortId port = graph.endpoint_port(from);
  for (;;) {
    links_.push_back(&context.link_class(port));
    const NodeId node = graph.port_node(graph.peer(port));
    if (graph.node(node).kind == NodeKind::kHost) return;
    const auto hops = context.routes.next_hops(node, to);
    if (hops.empty())
      throw UserError("no path from NIC " + graph.link_name(graph.endpoint_port(from)) +
                      " to NIC " + graph.link_name(graph.endpoint_port(to)) +
                      "; rails without spines reach only the same rail");
    port = graph.port(node, hops[0]);
  }
}

Duration Path::delivery(std::uint64_t packets, std::uint32_t full_wire,
                        std::uint32_t last_wire) const {
  // first: arrival of the first full packet at each hop; slowest: the hop that spaces the train.
  std::int64_t first = 0, slowest = 0, last = 0;
  for (const LinkClass* link : links_) {
    const std::int64_t full = link->serialisation_ps(full_wire);
    std::int64_t wire_free = 0;  // the packet before the last has left this wire
    if (packets > 1) {
      slowest = std::max(slowest, full);
      wire_free = first + full + static_cast<std::int64_t>(packets - 2) * slowest;
    }
    const std::int64_t start = std::max(last, wire_free);
    last = link->known_ps(start, start + link->serialisation_ps(last_wire));
    first = link->known_ps(first, first + full);
  }
  return Duration::ps(last);
}

}  // namespace plait
