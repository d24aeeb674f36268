// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file chunk.hpp
/// Chunks of 256 bytes for small items by value, and the pools they come from.
///
/// A run whose items need more than an item holds (a ticket for telemetry, a lineage) has pools
/// with an annex: `annex_bytes` for every item, behind the chunks of a block. Runs without pay
/// nothing for it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "sim/check.hpp"
#include "sim/free_list.hpp"

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
  static constexpr std::size_t kBlockChunks = 256;
  static constexpr std::size_t kBlockBytes = kBlockChunks * Chunk<Item>::kBytes;
  static constexpr std::size_t kItemsOffset = offsetof(Chunk<Item>, items);
  static_assert(sizeof(Chunk<Item>) <= Chunk<Item>::kBytes);

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
  std::size_t memory_bytes() const { return blocks_.size() * block_bytes(); }

 private:
  std::size_t block_bytes() const {
    return kBlockBytes + kBlockChunks * Chunk<Item>::kItems * annex_bytes_;
  }
  [[gnu::noinline, gnu::cold]] void refill() {
    // annex() finds the block by its alignment.
    const std::align_val_t alignment{annex_bytes_ == 0 ? 64 : kBlockBytes};
    void* const memory = ::operator new(block_bytes(), alignment);
    blocks_.emplace_back(static_cast<std::byte*>(memory), Free{alignment});
    for (std::size_t i = kBlockChunks; i-- > 0;)
      free_.give(new (blocks_.back().get() + i * Chunk<Item>::kBytes) Chunk<Item>);
  }
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* block) const { ::operator delete(block, alignment); }
  };
  FreeList<Chunk<Item>> free_;
  std::size_t annex_bytes_;
  std::vector<std::unique_ptr<std::byte[], Free>> blocks_;
};

/// Where the annex of an item lies. @pre the item is in a chunk of a pool whose annex_bytes is
/// `size`, not 0.
template <class Item>
void* annex(const Item* item, std::size_t size) {
  using Pool = ChunkPool<Item>;
  constexpr std::size_t kChunkBytes = Chunk<Item>::kBytes;
  char* const place = const_cast<char*>(reinterpret_cast<const char*>(item));
  const std::size_t in_block = reinterpret_cast<std::uintptr_t>(place) & (Pool::kBlockBytes - 1);
  const std::size_t chunk = in_block / kChunkBytes;
  const std::size_t number = (in_block % kChunkBytes - Pool::kItemsOffset) / sizeof(Item);
  return place - in_block + Pool::kBlockBytes + (chunk * Chunk<Item>::kItems + number) * size;
}

}  // namespace plait
