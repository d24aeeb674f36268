// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file trace_input.hpp
/// A trace file as a stream of bytes, plain or gzip (RFC 1952, told by its first bytes), through a
/// window of fixed size: memory does not grow with the file. JSON traces come element by element.

#include <zlib.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <streambuf>
#include <string>
#include <string_view>

namespace plait {

/// @throws UserError, from reading too, when the file cannot be read, or its gzip stream is broken,
/// truncated or followed by something else.
class TraceInput : public std::streambuf {
 public:
  explicit TraceInput(const std::filesystem::path& path);
  ~TraceInput() override;
  TraceInput(const TraceInput&) = delete;
  TraceInput& operator=(const TraceInput&) = delete;

  const std::string& name() const { return name_; }
  /// Bytes read so far, uncompressed.
  std::uint64_t offset() const {
    return before_window_ + static_cast<std::uint64_t>(gptr() - eback());
  }
  /// The first bytes, without reading them: at most `count` of them.
  std::string_view peek(std::size_t count);
  /// Reading far beyond `offset` throws a UserError with this text.
  void stop_at(std::uint64_t offset, std::string_view why) {
    stop_ = offset;
    stop_reason_ = why;
  }

 protected:
  int_type underflow() override;

 private:
  void refill();
  std::size_t inflate_some();
  void start_member_after(std::size_t leftover);

  static constexpr std::size_t kWindow = std::size_t{1} << 16;
  std::string name_;
  std::ifstream file_;
  bool gzip_ = false;
  bool in_member_ = true;
  z_stream zlib_{};
  std::uint64_t before_window_ = 0;  ///< Uncompressed bytes before the window.
  std::uint64_t stop_ = UINT64_MAX;
  std::string_view stop_reason_;
  std::uint64_t packed_read_ = 0;  ///< Bytes taken from the file.
  std::array<char, kWindow> packed_{};
  std::array<char, kWindow> window_{};
};

/// Whether a file with these first bytes holds a JSON object. A protobuf trace may begin with '{',
/// too (a first message of 123 bytes), but then no quote follows.
bool begins_json_object(std::string_view start);

/// Reads a JSON object and hands out its values one by one: `{"a": [x, y], "b": z}` as ("a", x),
/// ("a", y), ("b", z). Only one is held at a time. Numbers with a fraction that a double cannot
/// hold to a thousandth come as text.
/// @param take whether the values of this key are wanted; the others are read over.
/// @throws UserError naming file and byte if it is no JSON, no object, an element is longer than
/// 64 MiB or nested deeper than 64.
void for_each_json_value(
    TraceInput& input, const std::function<bool(const std::string& key)>& take,
    const std::function<void(const std::string& key, const nlohmann::json& value,
                             std::uint64_t offset)>& visit);

}  // namespace plait
