// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file exchange_sizes.hpp
/// How much goes from whom to whom in an all-to-all, even or not, and how it is cut into messages.
/// A pair with nothing to send has no messages.

#include <algorithm>

#include "workloads/collectives/algorithms.hpp"

namespace plait {

class ExchangeSizes {
 public:
  explicit ExchangeSizes(const CollectiveCall& call)
      : size_(call.size),
        group_size_(call.group_size),
        max_chunk_(call.max_chunk),
        matrix_(call.matrix) {}

  Bytes pair(std::uint32_t from, std::uint32_t to) const {
    return matrix_ != nullptr ? matrix_->at(from, to) : part_of(size_, group_size_, to);
  }
  std::uint32_t messages(std::uint32_t from, std::uint32_t to) const {
    return static_cast<std::uint32_t>((pair(from, to).count() + max_chunk_.count() - 1) /
                                      max_chunk_.count());
  }
  /// Size of a message of the pair. @pre index < messages(from, to).
  Bytes message(std::uint32_t from, std::uint32_t to, std::uint32_t index) const {
    return part_of(pair(from, to), messages(from, to), index);
  }
  /// What that message carries, in the addresses of DataRange. Slow: adds up the rows before.
  DataRange range(std::uint32_t from, std::uint32_t to, std::uint32_t index) const {
    std::int64_t begin = 0;
    for (std::uint32_t row = 0; row < from; ++row) begin += row_bytes(row);
    for (std::uint32_t column = 0; column < to; ++column) begin += pair(from, column).count();
    const Extent part = cut({begin, pair(from, to).count()}, messages(from, to), index);
    return {part.begin, part.bytes, false};
  }

 private:
  std::int64_t row_bytes(std::uint32_t row) const {
    return matrix_ != nullptr ? matrix_->sent_by(row).count() : size_.count();
  }

  Bytes size_;
  std::uint32_t group_size_;
  Bytes max_chunk_;
  const ByteMatrix* matrix_;
};

}  // namespace plait
