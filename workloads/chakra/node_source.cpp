// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/node_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/error.hpp"

namespace plait {

namespace {

/// Reads `length` bytes in blocks, so that a wrong length costs no memory. The bytes it got.
std::uint64_t read_exactly(std::streambuf& bytes, std::uint64_t length, std::string& out) {
  constexpr std::uint64_t kBlock = 1 << 16;
  out.clear();
  while (out.size() < length) {
    const std::size_t before = out.size();
    const std::uint64_t want = std::min(kBlock, length - before);
    out.resize(before + want);
    const std::streamsize got =
        bytes.sgetn(out.data() + before, static_cast<std::streamsize>(want));
    out.resize(before + static_cast<std::size_t>(got));
    if (static_cast<std::uint64_t>(got) < want) break;
  }
  return out.size();
}

}  // namespace

std::string ChakraPlace::text() const {
  return fmt::format("{}: byte {}, node {} (id {})", *file, offset, number, id);
}

bool read_chakra_frame(std::streambuf& bytes, const std::string& file, std::uint64_t number,
                       std::uint64_t& offset, std::string& message) {
  using Traits = std::streambuf::traits_type;
  const auto fail = [&](const std::string& what) {
    throw UserError(fmt::format("{}: byte {}, node {}: {}", file, offset, number, what));
  };
  constexpr int kMaxVarint32Bytes = 5;
  constexpr std::uint64_t kLongestMessage = std::uint64_t{64} << 20;
  std::uint64_t length = 0;
  std::uint64_t prefix = 0;
  for (int i = 0;; ++i) {
    if (i == kMaxVarint32Bytes) fail("not a message length; is this a Chakra trace?");
    const Traits::int_type next = bytes.sbumpc();
    if (Traits::eq_int_type(next, Traits::eof())) {
      if (i == 0) return false;
      fail("the file ends inside a message length (truncated)");
    }
    const auto byte = static_cast<unsigned char>(Traits::to_char_type(next));
    ++prefix;
    length |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte < 0x80) break;
  }
  if (length > UINT32_MAX) fail("not a message length; is this a Chakra trace?");
  if (length > kLongestMessage)
    fail(fmt::format("a message of {} bytes, more than 64 MiB; is this a Chakra trace?", length));
  const std::uint64_t got = read_exactly(bytes, length, message);
  if (got < length)
    fail(
        fmt::format("a message of {} bytes, but only {} bytes are left (truncated?)", length, got));
  offset += prefix + length;
  return true;
}

void for_each_chakra_node(TraceInput& input, const ChakraVisitor& visit) {
  if (input.peek(1).empty()) throw UserError(fmt::format("{}: the file is empty", input.name()));
  if (begins_json_object(input.peek(256))) {
    for_each_chakra_json_node(input, visit);
    return;
  }
  const std::string& file = input.name();
  std::string message;
  std::uint64_t offset = 0;
  chakra::Node node;
  for (std::uint64_t number = 0;; ++number) {
    ChakraPlace place{&file, offset, number, 0};
    if (!read_chakra_frame(input, file, number, offset, message)) return;
    const auto size = static_cast<int>(message.size());
    const auto fail = [&](std::string_view what) {
      throw UserError(fmt::format("{}: byte {}, node {}: not {} (protobuf cannot read it)", file,
                                  place.offset, number, what));
    };
    if (number == 0) {
      chakra::GlobalMetadata metadata;
      if (!metadata.ParseFromArray(message.data(), size)) fail("Chakra metadata");
      continue;
    }
    node.Clear();
    if (!node.ParseFromArray(message.data(), size)) fail("a Chakra node");
    place.id = node.id();
    visit(node, place);
  }
}

}  // namespace plait
