// SPDX-License-Identifier: Apache-2.0
#include "topologies/generator.hpp"

#include <fmt/format.h>

#include "sim/error.hpp"

namespace plait {

void add_hosts(FabricGraph& graph, std::int64_t count, const FabricParts& parts) {
  if (count < 1) throw UserError(fmt::format("a fabric needs a host, {} were asked for", count));
  if (parts.host.nics < 1) throw UserError("a host needs a NIC: nics is 0, must be >= 1");
  for (std::int64_t i = 0; i < count; ++i)
    graph.add_host(fmt::format("host{}", i), parts.host.gpus);
}

void attach_host(FabricGraph& graph, NodeId host, NodeId sw, const FabricParts& parts) {
  connect_parallel(graph, host, sw, parts.host_link, parts.host.nics);
}

void connect_parallel(FabricGraph& graph, NodeId a, NodeId b, const LinkSpec& spec,
                      std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) graph.connect(a, b, spec);
}

}  // namespace plait
