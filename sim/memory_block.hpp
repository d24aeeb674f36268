// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file memory_block.hpp
/// Blocks of memory for pools. Large ones lie on huge pages where the system has them: what is
/// spread over many megabytes and touched at random costs a walk through the page tables at many a
/// touch otherwise (2 to 4 % of the speed of a fat tree, 6 % with telemetry).

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>

namespace plait {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

struct AlignedDelete {
  std::align_val_t alignment;
  void operator()(std::byte* block) const { ::operator delete(block, alignment); }
};
using MemoryBlock = std::unique_ptr<std::byte[], AlignedDelete>;

/// @param alignment  a power of two, of whole huge pages at least theirs: the C library then takes
///                   twice the addresses, but no more memory.
MemoryBlock allocate_block(std::size_t bytes, std::size_t alignment);

/// Size of the next block of a pool that has `have` bytes: powers of two that grow with the pool,
/// so that a large run has huge pages and a small one little memory. @param first  a power of two.
constexpr std::size_t next_block_bytes(std::size_t have, std::size_t first) {
  return std::min(std::bit_floor(have + first), kHugePage);
}

}  // namespace plait
