// SPDX-License-Identifier: Apache-2.0
#include "topologies/generator.hpp"

#include <fmt/format.h>

#include "sim/error.hpp"

namespace plait {

void check_size(std::string_view kind, std::int64_t hosts, std::int64_t cables,
                const FabricParts& parts) {
  if (hosts > kMaxHosts)
    throw UserError(fmt::format("{}: {} hosts were asked for; at most {} are supported", kind,
                                hosts, kMaxHosts));
  const std::int64_t ports = 2 * (hosts * parts.host.nics + cables);
  if (ports > kMaxFabricPorts)
    throw UserError(
        fmt::format("{}: {} hosts with {} NICs each make a fabric of {} ports; at most "
                    "{} are supported",
                    kind, hosts, parts.host.nics, ports, kMaxFabricPorts));
}

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
