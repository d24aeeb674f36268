// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/file.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>

#include "sim/check.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";

std::string read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw UserError(fmt::format("{}: is a folder, not a trace file", path.string()));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError(fmt::format("{}: cannot be opened", path.string()));
  std::string data{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) throw UserError(fmt::format("{}: cannot be read", path.string()));
  return data;
}

/// Inflates every member of a gzip file. zlib's gzread would do it in fewer lines, but it takes
/// garbage after the last member for its end.
std::string gunzip(const std::string& packed, const std::string& where) {
  z_stream stream{};
  PLAIT_CHECK(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "zlib starts");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end_guard(&stream, inflateEnd);
  std::string out;
  std::array<char, 1 << 16> block{};
  std::size_t fed = 0;
  bool in_member = true;
  while (in_member || fed < packed.size() || stream.avail_in > 0) {
    if (stream.avail_in == 0 && fed < packed.size()) {
      const std::size_t take = std::min<std::size_t>(packed.size() - fed, std::size_t{1} << 30);
      // zlib's interface is not const-correct; it does not write to its input.
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + fed));
      stream.avail_in = static_cast<uInt>(take);
      fed += take;
    }
    if (!in_member) {
      const std::size_t at = fed - stream.avail_in;
      if (packed.compare(at, kGzipMagic.size(), kGzipMagic) != 0)
        throw UserError(
            fmt::format("{}: byte {}: data after the end of the gzip stream", where, at));
      inflateReset(&stream);
      in_member = true;
    }
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.append(block.data(), block.size() - stream.avail_out);
    if (status == Z_STREAM_END) {
      in_member = false;
    } else if (status == Z_BUF_ERROR) {
      throw UserError(fmt::format("{}: gzip data end after {} bytes (truncated)", where, fed));
    } else if (status != Z_OK) {
      throw UserError(fmt::format("{}: byte {}: broken gzip data ({})", where,
                                  fed - stream.avail_in, stream.msg ? stream.msg : "zlib error"));
    }
  }
  return out;
}

}  // namespace

std::string read_maybe_gzip(const std::filesystem::path& path) {
  std::string data = read_file(path);
  if (data.starts_with(kGzipMagic)) return gunzip(data, path.string());
  if (path.extension() == ".gz")
    throw UserError(fmt::format("{}: {}", path.string(),
                                data.empty() ? "the file is empty" : "is not a gzip file"));
  return data;
}

std::vector<ChakraFrame> split_chakra_frames(std::string_view data, const std::string& where) {
  if (data.empty()) throw UserError(fmt::format("{}: the file is empty", where));
  std::vector<ChakraFrame> frames;
  std::size_t at = 0;
  while (at < data.size()) {
    const std::size_t start = at;
    const auto fail = [&](const std::string& what) {
      throw UserError(fmt::format("{}: byte {}, node {}: {}", where, start, frames.size(), what));
    };
    constexpr int kMaxVarint32Bytes = 5;
    std::uint64_t length = 0;
    for (int i = 0;; ++i) {
      if (i == kMaxVarint32Bytes) fail("not a message length; is this a Chakra trace?");
      if (at == data.size()) fail("the file ends inside a message length (truncated)");
      const auto byte = static_cast<unsigned char>(data[at++]);
      length |= std::uint64_t{byte & 0x7FU} << (7 * i);
      if (byte < 0x80) break;
    }
    if (length > UINT32_MAX) fail("not a message length; is this a Chakra trace?");
    if (length > data.size() - at)
      fail(fmt::format("a message of {} bytes, but only {} bytes are left (truncated?)", length,
                       data.size() - at));
    frames.push_back({data.substr(at, length), start});
    at += length;
  }
  return frames;
}

}  // namespace plait
