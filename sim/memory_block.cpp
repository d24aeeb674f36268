// SPDX-License-Identifier: Apache-2.0
#include "sim/memory_block.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace plait {

MemoryBlock allocate_block(std::size_t bytes, std::size_t alignment) {
  const bool huge = bytes % kHugePage == 0;
  const std::align_val_t aligned{huge ? std::max(alignment, kHugePage) : alignment};
  MemoryBlock block(static_cast<std::byte*>(::operator new(bytes, aligned)), {aligned});
  // A wish: without huge pages the memory is as good, only slower.
  if (huge) static_cast<void>(madvise(block.get(), bytes, MADV_HUGEPAGE));
  return block;
}

}  // namespace plait
