// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file edge_list.hpp
/// Two plain text formats. The edge list is Plait's own; the other is that of the ns-3 RDMA
/// simulators (HPCC and its descendants). Both: docs/topology-files.md.

#include <cstdint>
#include <istream>
#include <ostream>
#include <string>

#include "topologies/fabric_graph.hpp"

namespace plait {

/// `file` is the name used in errors. A host line without gpus= has `default_gpus`.
/// @throws UserError with file and line.
FabricGraph read_edge_list(std::istream& in, const std::string& file, std::uint32_t default_gpus);

/// Reads back to the same graph: names, order of nodes, port numbers, link properties.
void write_edge_list(std::ostream& out, const FabricGraph& graph);

/// Node ids of the file are node ids of the graph; hosts are called host<id>, switches switch<id>.
/// Every host has `gpus` GPUs. @throws UserError with file and line.
FabricGraph read_ns3_topology(std::istream& in, const std::string& file, std::uint32_t gpus);

}  // namespace plait
