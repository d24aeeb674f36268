// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file fetch_queue.hpp
/// Memory that will be needed soon, fetched into the caches bit by bit beside other work. A
/// processor has few buffers for lines that are under way (measured on a Zen 4: of 16 prefetches in
/// a row all arrive, of 64 fewer than half; the others are dropped), so a visit that names a
/// hundred lines of its successors must spread them over its own work.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace plait {

class FetchQueue {
 public:
  static constexpr std::size_t kLine = 64;
  /// Lines that may be under way at once.
  static constexpr unsigned kBurst = 16;

  /// Names the lines of [begin, begin + bytes).
  void add(const void* begin, std::size_t bytes = 1) {
    const std::size_t before = reinterpret_cast<std::uintptr_t>(begin) % kLine;
    const char* const first = static_cast<const char*>(begin) - before;
    const std::size_t count = std::min((before + bytes + kLine - 1) / kLine, lines_.size() - end_);
    for (std::size_t i = 0; i < count; ++i) lines_[end_ + i] = first + i * kLine;
    end_ += count;
  }
  /// Fetches the next few.
  void step(unsigned lines) {
    const char* const* line = lines_.data() + at_;
    const char* const* const end = line + std::min<std::size_t>(lines, end_ - at_);
    for (; line != end; ++line) __builtin_prefetch(*line, 1);
    at_ = static_cast<std::size_t>(end - lines_.data());
  }
  /// Lines named and not fetched.
  std::size_t waiting() const { return end_ - at_; }
  /// Fetches what may be fetched at once, and forgets the rest.
  void finish() {
    step(kBurst);
    at_ = end_ = 0;
  }

 private:
  std::array<const char*, 512> lines_;
  std::size_t at_ = 0, end_ = 0;
};

}  // namespace plait
