// SPDX-License-Identifier: Apache-2.0
#include "workloads/trace_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "sim/check.hpp"
#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";

std::ifstream open(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw UserError(fmt::format("{}: is a folder, not a trace file", path.string()));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError(fmt::format("{}: cannot be opened", path.string()));
  return in;
}

}  // namespace

TraceInput::TraceInput(const std::filesystem::path& path)
    : name_(path.string()), file_(open(path)) {
  PLAIT_CHECK(inflateInit2(&zlib_, 16 + MAX_WBITS) == Z_OK, "zlib starts");
  setg(window_.data(), window_.data(), window_.data());
  refill();
  const std::string_view start(packed_.data(), zlib_.avail_in);
  gzip_ = start.starts_with(kGzipMagic);
  if (!gzip_ && path.extension() == ".gz") {
    inflateEnd(&zlib_);
    throw UserError(
        fmt::format("{}: {}", name_, start.empty() ? "the file is empty" : "is not a gzip file"));
  }
}

TraceInput::~TraceInput() { inflateEnd(&zlib_); }

/// The next block of the file, behind what zlib has not taken yet.
void TraceInput::refill() {
  const std::size_t left = zlib_.avail_in;
  if (left > 0) std::copy_n(reinterpret_cast<const char*>(zlib_.next_in), left, packed_.data());
  file_.read(packed_.data() + left, static_cast<std::streamsize>(kWindow - left));
  if (file_.bad()) throw UserError(fmt::format("{}: cannot be read", name_));
  const auto got = static_cast<std::size_t>(file_.gcount());
  packed_read_ += got;
  zlib_.next_in = reinterpret_cast<Bytef*>(packed_.data());
  zlib_.avail_in = static_cast<uInt>(left + got);
}

/// Another gzip member may follow; anything else may not. zlib's gzread would do all this in fewer
/// lines, but it takes garbage after the last member for its end.
void TraceInput::start_member_after(std::size_t leftover) {
  const std::string_view rest(reinterpret_cast<const char*>(zlib_.next_in), leftover);
  if (!rest.starts_with(kGzipMagic))
    throw UserError(fmt::format("{}: byte {}: data after the end of the gzip stream", name_,
                                packed_read_ - leftover));
  inflateReset(&zlib_);
  in_member_ = true;
}

std::size_t TraceInput::inflate_some() {
  zlib_.next_out = reinterpret_cast<Bytef*>(window_.data());
  zlib_.avail_out = static_cast<uInt>(kWindow);
  while (zlib_.avail_out == kWindow) {
    if (zlib_.avail_in < kGzipMagic.size()) refill();
    if (!in_member_) {
      if (zlib_.avail_in == 0) return 0;
      start_member_after(zlib_.avail_in);
    }
    const int status = inflate(&zlib_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      in_member_ = false;
    } else if (status == Z_BUF_ERROR) {
      throw UserError(
          fmt::format("{}: gzip data end after {} bytes (truncated)", name_, packed_read_));
    } else if (status != Z_OK) {
      throw UserError(fmt::format("{}: byte {}: broken gzip data ({})", name_,
                                  packed_read_ - zlib_.avail_in,
                                  zlib_.msg != nullptr ? zlib_.msg : "zlib error"));
    }
  }
  return kWindow - zlib_.avail_out;
}

TraceInput::int_type TraceInput::underflow() {
  if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
  before_window_ += static_cast<std::uint64_t>(egptr() - eback());
  setg(window_.data(), window_.data(), window_.data());
  if (before_window_ > stop_)
    throw UserError(fmt::format("{}: byte {}: {}", name_, before_window_, stop_reason_));
  std::size_t got = 0;
  if (gzip_) {
    got = inflate_some();
  } else {
    if (zlib_.avail_in == 0) refill();
    got = zlib_.avail_in;
    std::copy_n(reinterpret_cast<const char*>(zlib_.next_in), got, window_.data());
    zlib_.avail_in = 0;
  }
  setg(window_.data(), window_.data(), window_.data() + got);
  return got == 0 ? traits_type::eof() : traits_type::to_int_type(*gptr());
}

std::string_view TraceInput::peek(std::size_t count) {
  if (gptr() == egptr() && underflow() == traits_type::eof()) return {};
  return {gptr(), std::min(count, static_cast<std::size_t>(egptr() - gptr()))};
}

}  // namespace plait
