// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file chakra_writer.hpp
/// Small Chakra traces for tests, written to a folder under the working directory.

#include <zlib.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "workloads/chakra/chakra.pb.h"

namespace plait::test {

enum NodeType : std::uint32_t {
  kMetadata = 1,
  kMemLoad = 2,
  kComp = 4,
  kSend = 5,
  kRecv = 6,
  kColl = 7
};

inline chakra::Node node(std::uint64_t id, std::uint32_t type,
                         const std::vector<std::uint64_t>& data_deps = {}) {
  chakra::Node result;
  result.set_id(id);
  result.set_name("op" + std::to_string(id));
  result.set_type(type);
  for (const std::uint64_t dep : data_deps) result.add_data_deps(dep);
  return result;
}

inline chakra::Node with(chakra::Node n, const std::string& name, std::int64_t value) {
  chakra::Attribute* attribute = n.add_attr();
  attribute->set_name(name);
  attribute->set_int64_val(value);
  return n;
}

inline chakra::Node with(chakra::Node n, const std::string& name, const std::string& value) {
  chakra::Attribute* attribute = n.add_attr();
  attribute->set_name(name);
  attribute->set_string_val(value);
  return n;
}

inline chakra::Node collective(std::uint64_t id, std::int64_t comm_type, std::int64_t size,
                               const std::vector<std::uint64_t>& data_deps = {}) {
  return with(with(node(id, kColl, data_deps), "comm_type", comm_type), "comm_size", size);
}

inline chakra::Node message(std::uint64_t id, NodeType type, std::int64_t peer, std::int64_t size,
                            std::int64_t tag, const std::vector<std::uint64_t>& data_deps = {}) {
  return with(with(with(node(id, type, data_deps), type == kSend ? "comm_dst" : "comm_src", peer),
                   "comm_size", size),
              "comm_tag", tag);
}

inline std::string framed(const std::string& text) {
  std::string out;
  std::size_t length = text.size();
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(0x80 | (length & 0x7F));
  return out + static_cast<char>(length) + text;
}

inline std::string trace(const std::vector<chakra::Node>& nodes) {
  chakra::GlobalMetadata metadata;
  metadata.set_version("test");
  std::string out = framed(metadata.SerializeAsString());
  for (const chakra::Node& n : nodes) out += framed(n.SerializeAsString());
  return out;
}

inline std::string gzip(const std::string& data) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, data.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// A fresh folder with the files of ranks 0, 1, ...
class TraceFolder {
 public:
  explicit TraceFolder(const std::string& name) : path_("traces_" + name) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }

  TraceFolder& rank(const std::vector<chakra::Node>& nodes) { return raw(trace(nodes)); }
  TraceFolder& raw(const std::string& bytes) {
    file("t." + std::to_string(next_rank_++) + ".et", bytes);
    return *this;
  }
  std::filesystem::path file(const std::string& name, const std::string& bytes) {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }
  std::string pattern() const { return (path_ / "t.{rank}.et").string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int next_rank_ = 0;
};

}  // namespace plait::test
