// SPDX-License-Identifier: Apache-2.0
#include "workloads/byte_matrix.hpp"

#include <utility>

#include "sim/check.hpp"

namespace plait {

ByteMatrix::ByteMatrix(std::uint32_t positions, std::vector<Bytes> cells)
    : positions_(positions), cells_(std::move(cells)) {
  const std::size_t n = positions_;
  PLAIT_CHECK(n > 0 && (cells_.size() == n || cells_.size() == n * n),
              "a byte matrix has one row or as many rows as positions");
  for (const Bytes cell : cells_) PLAIT_CHECK_GE(cell.count(), 0);
}

Bytes ByteMatrix::sent_by(std::uint32_t from) const {
  Bytes sum;
  for (std::uint32_t to = 0; to < positions_; ++to) sum += at(from, to);
  return sum;
}

Bytes ByteMatrix::received_by(std::uint32_t to) const {
  Bytes sum;
  for (std::uint32_t from = 0; from < positions_; ++from) sum += at(from, to);
  return sum;
}

Bytes ByteMatrix::mean_sent() const {
  std::int64_t sum = 0;
  for (std::uint32_t from = 0; from < positions_; ++from) sum += sent_by(from).count();
  return Bytes((sum + positions_ - 1) / positions_);
}

}  // namespace plait
