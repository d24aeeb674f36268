// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file byte_matrix.hpp
/// Who sends how much to whom in an uneven all-to-all, as a mixture of experts makes it.

#include <cstdint>
#include <vector>

#include "sim/units.hpp"

namespace plait {

/// Positions of one group, each with what it sends to each; immutable. One row stands for all
/// senders where they send alike: n numbers instead of n^2.
class ByteMatrix {
 public:
  /// @param cells row after row: n rows of n, or one row that all senders share. None negative.
  ByteMatrix(std::uint32_t positions, std::vector<Bytes> cells);

  std::uint32_t positions() const { return positions_; }
  /// @pre both below positions(). What a position keeps for itself (from == to) is not sent.
  Bytes at(std::uint32_t from, std::uint32_t to) const {
    return cells_[cells_.size() == positions_ ? to : std::size_t{from} * positions_ + to];
  }
  Bytes sent_by(std::uint32_t from) const;    ///< To all, itself included.
  Bytes received_by(std::uint32_t to) const;  ///< From all, itself included.
  /// Mean of sent_by() over all positions, rounded up: the size that stands for the call in
  /// summaries.
  Bytes mean_sent() const;

 private:
  std::uint32_t positions_;
  std::vector<Bytes> cells_;
};

}  // namespace plait
