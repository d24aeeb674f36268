// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file due_list.hpp
/// The entities that one worker is to visit in a window. It takes them from the front; workers that
/// have done their own take from the back: a core that is slowed down, by a neighbour or by memory,
/// would otherwise hold up all.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plait {

/// 1. The owner alone calls clear(), add() and open().
/// 2. After open() anyone may take, at any time, and read what he took.
/// 3. All is taken before the next clear(), with a barrier between.
class DueList {
 public:
  /// Some entities in a row.
  struct Block {
    std::size_t begin = 0, end = 0;
    explicit operator bool() const { return begin != end; }
  };

  /// Begins a new list. Until open() there is nothing to take.
  void clear() { slots_.clear(); }
  void add(std::uint32_t slot) { slots_.push_back(slot); }
  void open() { left_.store(pack({0, slots_.size()}), std::memory_order_release); }

  /// The next at most `most` entities, or none: of the first ones, for the owner; of the last ones.
  Block take_front(std::size_t most) {
    return take([most](Block left) {
      return Block{left.begin, std::min(left.begin + most, left.end)};
    });
  }
  Block take_back(std::size_t most) {
    return take([most](Block left) {
      return Block{left.end - std::min(most, left.end - left.begin), left.end};
    });
  }

  std::size_t size() const { return slots_.size(); }
  std::uint32_t operator[](std::size_t i) const { return slots_[i]; }

 private:
  static std::uint64_t pack(Block block) { return std::uint64_t{block.end} << 32 | block.begin; }
  static Block unpack(std::uint64_t bits) { return {bits & UINT32_MAX, bits >> 32}; }

  template <class Choose>
  Block take(Choose&& choose) {
    std::uint64_t seen = left_.load(std::memory_order_acquire);
    for (;;) {
      const Block left = unpack(seen);
      if (!left) return {};
      const Block taken = choose(left);
      const Block rest =
          taken.begin == left.begin ? Block{taken.end, left.end} : Block{left.begin, taken.begin};
      if (left_.compare_exchange_weak(seen, pack(rest), std::memory_order_acquire)) return taken;
    }
  }

  std::vector<std::uint32_t> slots_;
  alignas(64) std::atomic<std::uint64_t> left_{0};  // what nobody has taken
};

}  // namespace plait
