// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file node_source.hpp
/// The nodes of one Chakra file, one after another, whatever its form. Protobuf: { varint32 length,
/// message } repeated, the first message a GlobalMetadata, the others Nodes. JSON: the form that
/// Chakra's feeder reads (src/feeder/json_node.cpp), {"workload_graph": [{"Id": ...}, ...]}.

#include <cstdint>
#include <functional>
#include <streambuf>
#include <string>

#include "workloads/chakra/chakra.pb.h"
#include "workloads/trace_input.hpp"

namespace plait {

/// Where a node stands, for messages.
struct ChakraPlace {
  const std::string* file = nullptr;
  std::uint64_t offset = 0;  ///< In the uncompressed file.
  std::uint64_t number = 0;  ///< Counted from 1; of protobuf, the metadata is number 0.
  std::uint64_t id = 0;

  /// "FILE: byte 7, node 1 (id 9)".
  std::string text() const;
};

using ChakraVisitor = std::function<void(const chakra::Node& node, const ChakraPlace& where)>;

/// @throws UserError naming file, byte and node when there is something else; it may also come
/// from `visit`.
void for_each_chakra_node(TraceInput& input, const ChakraVisitor& visit);

/// The next message of the protobuf form in `bytes`; false at the end.
/// @param offset of the message in the file; advanced past it.
bool read_chakra_frame(std::streambuf& bytes, const std::string& file, std::uint64_t number,
                       std::uint64_t& offset, std::string& message);

/// Reads the JSON form. Used by for_each_chakra_node.
void for_each_chakra_json_node(TraceInput& input, const ChakraVisitor& visit);

}  // namespace plait
