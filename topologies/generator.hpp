// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file generator.hpp
/// What every topology generator is given beside its own parameters. A generator is a parameter
/// struct with kKind, kHelp, a describe() and a build(); registry.hpp lists them all.

#include <cstdint>
#include <string>
#include <string_view>

#include "topologies/fabric_graph.hpp"

namespace plait {

constexpr std::int64_t kMaxHosts = 2'000'000;
constexpr std::int64_t kMaxFabricPorts = 1 << 24;

struct HostShape {
  std::uint32_t gpus = 8;  ///< >= 0; joined inside the host, so no node of the fabric.
  std::uint32_t nics = 1;  ///< >= 1; one port each.
};

/// What a fabric is made of, whatever its shape.
struct FabricParts {
  HostShape host;
  LinkSpec host_link;    ///< Host to switch.
  LinkSpec fabric_link;  ///< Switch to switch.
  std::string base_dir;  ///< Folder that relative file names start from; empty = current folder.
};

/// Refuses by estimate what would run out of memory while it is built.
/// @param cables between switches. @throws UserError naming what was asked for and the limit.
void check_size(std::string_view kind, std::int64_t hosts, std::int64_t cables,
                const FabricParts& parts);

/// Adds host0 .. host(count-1) without links.
/// @throws UserError if count < 1 or parts.host.nics < 1.
void add_hosts(FabricGraph& graph, std::int64_t count, const FabricParts& parts);

/// Cables every NIC of `host` to `sw`.
void attach_host(FabricGraph& graph, NodeId host, NodeId sw, const FabricParts& parts);

/// Cables a and b `count` times.
void connect_parallel(FabricGraph& graph, NodeId a, NodeId b, const LinkSpec& spec,
                      std::int64_t count);

}  // namespace plait
