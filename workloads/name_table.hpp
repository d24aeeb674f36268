// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file name_table.hpp
/// Names as numbers, each text once, in arrays that may lie in files (sim/spill.hpp): traces may
/// have as many names as ops.

#include <cstdint>
#include <string_view>

#include "sim/spill.hpp"

namespace plait {

class NameTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// The number of `name`, a new one (counted from 0) if it has none yet.
  std::uint32_t number_of(std::string_view name);
  /// The same, or kNone.
  std::uint32_t find(std::string_view name) const;
  std::string_view text(std::uint32_t number) const {
    return {text_.data() + begin_[number], begin_[number + 1] - begin_[number]};
  }
  std::size_t size() const { return begin_.size() - 1; }
  /// This table for good: number_of() and find() must not be called any more.
  NameTable finished() &&;

 private:
  /// Where `name` is in slots_, or the free slot where it belongs.
  std::size_t slot_of(std::string_view name) const;
  void grow();

  SpillVector<char> text_;             ///< Of all, one after another.
  SpillVector<std::size_t> begin_{0};  ///< Of each, and one more.
  SpillVector<std::uint32_t> slots_;   ///< Hash table with linear probing, at most half full.
};

}  // namespace plait
