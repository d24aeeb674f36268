// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file chunk.hpp
/// Chunks of 256 bytes for small items by value, and the pools they come from.
///
/// A run whose items need more than an item holds (a ticket for telemetry, a lineage) has pools
/// with an annex: `annex_bytes` for each item, behind the chunks of a block. Runs without pay
/// nothing for it.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

#include "sim/check.hpp"
#include "sim/free_list.hpp"
#include "sim/memory_block.hpp"

namespace plait {

template <class Item>
struct Chunk {
  static constexpr std::size_t kBytes = 256;
  static constexpr std::uint32_t kItems = (kBytes - 16) / sizeof(Item);
  static_assert(std::is_trivially_copyable_v<Item>);

  Chunk* next;
  std::uint32_t count;  // items written
  std::uint32_t begin;  // first item not yet consumed
  Item items[kItems];

  /// Whether a place for the next item is behind the last of its chunk, or null. Chunks are aligned
  /// and full to the last byte, so the address tells.
  static bool ends_at(const Item* next) {
    static_assert(sizeof(Chunk) == kBytes && offsetof(Chunk, items) + sizeof items == kBytes);
    return reinterpret_cast<std::uintptr_t>(next) % kBytes == 0;
  }
  void prefetch() const {
    const char* bytes = reinterpret_cast<const char*>(this);
    for (std::size_t b = 0; b < kBytes; b += 64) __builtin_prefetch(bytes + b);
  }
};

/// LIFO pool of chunks, one per worker. Chunks may be taken from one pool and returned to another;
/// memory is freed when all pools of the run are destroyed together.
template <class Item>
class ChunkPool {
 public:
  /// Of the first block, and of all that have annexes.
  static constexpr std::size_t kBlockChunks = 256;
  static constexpr std::size_t kBlockBytes = kBlockChunks * Chunk<Item>::kBytes;
  static_assert(sizeof(Chunk<Item>) <= Chunk<Item>::kBytes);

  /// How far behind the chunks of its block the annex of an item lies. There is one for every 2^k
  /// bytes of a block, 2^k the largest power of two that is no more than the size of an item: some
  /// stay unused, but there is no division.
  /// @param in_block  where the item lies, from the begin of its block.
  static std::size_t annex_offset(std::size_t in_block, std::size_t annex_bytes) {
    constexpr std::size_t kGrain = std::bit_floor(sizeof(Item));
    return in_block / kGrain * annex_bytes;
  }

  /// @param annex_bytes  per item; a multiple of 8, 0 for none.
  explicit ChunkPool(std::size_t annex_bytes = 0) : annex_bytes_(annex_bytes) {
    PLAIT_CHECK_EQ(annex_bytes % 8, std::size_t{0});
  }
  Chunk<Item>* take() {
    if (free_.empty()) [[unlikely]]
      refill();
    Chunk<Item>* chunk = free_.take();
    chunk->next = nullptr;
    chunk->count = 0;
    chunk->begin = 0;
    return chunk;
  }
  /// Returns a chain of `count` chunks.
  void give(Chunk<Item>* first, Chunk<Item>* last, std::size_t count) {
    free_.give(first, last, count);
  }
  FreeList<Chunk<Item>>& free_list() { return free_; }
  std::size_t memory_bytes() const { return memory_bytes_; }

 private:
  [[gnu::noinline, gnu::cold]] void refill() {
    const bool plain = annex_bytes_ == 0;  // else annex() finds the block by its alignment
    const std::size_t bytes = plain ? next_block_bytes(memory_bytes_, kBlockBytes) : kBlockBytes;
    const std::size_t all = bytes + annex_offset(bytes, annex_bytes_);
    blocks_.push_back(allocate_block(all, plain ? Chunk<Item>::kBytes : kBlockBytes));
    memory_bytes_ += all;
    for (std::size_t at = bytes; at > 0; at -= Chunk<Item>::kBytes)
      free_.give(new (blocks_.back().get() + at - Chunk<Item>::kBytes) Chunk<Item>);
  }
  FreeList<Chunk<Item>> free_;
  std::size_t annex_bytes_;
  std::vector<MemoryBlock> blocks_;
  std::size_t memory_bytes_ = 0;
};

/// Where the annex of an item lies, in a chunk of a pool whose annex_bytes is `size`, not 0.
template <class Item>
void* annex(const Item* item, std::size_t size) {
  using Pool = ChunkPool<Item>;
  char* const place = const_cast<char*>(reinterpret_cast<const char*>(item));
  const std::size_t in_block = reinterpret_cast<std::uintptr_t>(place) % Pool::kBlockBytes;
  return place - in_block + Pool::kBlockBytes + Pool::annex_offset(in_block, size);
}

}  // namespace plait
