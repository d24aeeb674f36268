// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file file.hpp
/// Framing of a Chakra trace file: { varint32 length, protobuf message } repeated, the first
/// message a GlobalMetadata, the others Nodes; optionally gzip around it (told by the magic
/// number).

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace plait {

/// One message: `text` points into ChakraFile::data.
struct ChakraFrame {
  std::string_view text;
  std::uint64_t offset = 0;  ///< Of the length prefix, in the uncompressed file.
};

struct ChakraFile {
  std::string data;  ///< Uncompressed.
  std::vector<ChakraFrame> frames;
};

/// The file's bytes, uncompressed.
/// @throws UserError when it cannot be read, or its gzip stream is broken, truncated or followed by
/// something else.
std::string read_maybe_gzip(const std::filesystem::path& path);

/// @throws UserError naming `where`, byte offset and node number (the metadata is node 0).
std::vector<ChakraFrame> split_chakra_frames(std::string_view data, const std::string& where);

}  // namespace plait
