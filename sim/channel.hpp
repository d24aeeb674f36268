// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file channel.hpp
/// Channels: FIFOs of small items by value from one entity to another, in time order, with a least
/// latency that is not below the engine's window. An item is a trivially copyable struct whose
/// member `arrival` holds the low 32 bits of its arrival time in picoseconds (so an item may be at
/// most 2^31 ps = 2.1 ms ahead of the receiver's window).
///
/// Items live in chains of 256-byte chunks. The sender appends to an OpenChain it owns and
/// publishes it once at the end of its visit; the receiver takes it over in the next window and
/// reads the items in place. Two publication slots alternate, so that a sender in window w and a
/// receiver in window w never touch the same word: no locks, no atomics.
///
/// A run whose items need more than an item holds (telemetry records) has pools with an annex: each
/// chunk is followed by `annex_bytes` for every item. Runs without pay nothing for it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/check.hpp"

namespace plait {

template <class Item>
struct Chunk {
  static constexpr std::size_t kBytes = 256, kBytesWithAnnex = 1024;
  static constexpr std::uint32_t kItems = (kBytes - 16) / sizeof(Item);
  static constexpr std::size_t kMaxAnnexBytes =
      (kBytesWithAnnex - kBytes) / kItems & ~std::size_t{7};
  static_assert(std::is_trivially_copyable_v<Item>);

  Chunk* next;
  std::uint32_t count;  // items written
  std::uint32_t begin;  // first item not yet consumed
  Item items[kItems];
};

/// Where the annex of an item lies. @pre the item is in a chunk of a pool with an annex; `size` is
/// the pool's annex_bytes.
template <class Item>
void* annex(Item* item, std::size_t size) {
  constexpr std::uintptr_t kStride = Chunk<Item>::kBytesWithAnnex;
  const std::uintptr_t chunk = reinterpret_cast<std::uintptr_t>(item) & ~(kStride - 1);
  const auto index = static_cast<std::size_t>(item - reinterpret_cast<Chunk<Item>*>(chunk)->items);
  return reinterpret_cast<char*>(chunk) + Chunk<Item>::kBytes + index * size;
}

/// LIFO pool of chunks, one per worker. Chunks may be taken from one pool and returned to another;
/// memory is freed when all pools of the run are destroyed together.
template <class Item>
class ChunkPool {
 public:
  /// @param annex_bytes  per item; at most Chunk::kMaxAnnexBytes, 0 for none.
  explicit ChunkPool(std::size_t annex_bytes = 0)
      : stride_(annex_bytes == 0 ? Chunk<Item>::kBytes : Chunk<Item>::kBytesWithAnnex) {
    PLAIT_CHECK_LE(annex_bytes, Chunk<Item>::kMaxAnnexBytes);
  }
  Chunk<Item>* take() {
    if (free_ == nullptr) [[unlikely]]
      refill();
    Chunk<Item>* chunk = free_;
    free_ = chunk->next;
    --free_count_;
    __builtin_prefetch(free_, 1);
    chunk->next = nullptr;
    chunk->count = 0;
    chunk->begin = 0;
    return chunk;
  }
  /// Returns a chain of `count` chunks.
  void give(Chunk<Item>* first, Chunk<Item>* last, std::size_t count) {
    last->next = free_;
    free_ = first;
    free_count_ += count;
  }
  std::size_t free_count() const { return free_count_; }
  /// Moves `count` free chunks from another pool here. @pre it has as many.
  void take_from(ChunkPool& other, std::size_t count) {
    for (; count > 0; --count) {
      Chunk<Item>* chunk = std::exchange(other.free_, other.free_->next);
      --other.free_count_;
      give(chunk, chunk, 1);
    }
  }
  std::size_t memory_bytes() const { return blocks_.size() * kBlockChunks * stride_; }

 private:
  static constexpr std::size_t kBlockChunks = 256;
  void refill() {
    void* const memory = ::operator new(kBlockChunks* stride_, kAlignment);
    blocks_.emplace_back(static_cast<std::byte*>(memory));
    for (std::size_t i = kBlockChunks; i-- > 0;) {
      auto* chunk = new (blocks_.back().get() + i * stride_) Chunk<Item>;
      chunk->next = free_;
      free_ = chunk;
    }
    free_count_ += kBlockChunks;
  }
  static constexpr std::align_val_t kAlignment{Chunk<Item>::kBytesWithAnnex};
  struct Free {
    void operator()(std::byte* block) const { ::operator delete(block, kAlignment); }
  };
  Chunk<Item>* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t stride_;
  std::vector<std::unique_ptr<std::byte[], Free>> blocks_;
};

/// Chunks drift from the pools of workers that send more to those that receive more; without this
/// the former would ask the system for memory for ever. Between windows only.
template <class Item>
void balance(const std::vector<ChunkPool<Item>*>& pools) {
  constexpr std::size_t kSlack = 1024;
  std::size_t total = 0;
  for (const auto* pool : pools) total += pool->free_count();
  const std::size_t fair = total / pools.size();
  for (auto* from : pools) {
    for (auto* to : pools) {
      if (from->free_count() <= fair + kSlack || to->free_count() >= fair) continue;
      to->take_from(*from, std::min(from->free_count() - fair, fair - to->free_count()));
    }
  }
}

/// A chain of chunks: what a sender is writing, or what a receiver still has to read.
template <class Item>
struct Chain {
  Chunk<Item>* head = nullptr;
  Chunk<Item>* tail = nullptr;

  bool empty() const { return head == nullptr; }
  /// @return the stored copy.
  Item& append(ChunkPool<Item>& pool, const Item& item) {
    if (tail == nullptr || tail->count == Chunk<Item>::kItems) [[unlikely]] {
      Chunk<Item>* chunk = pool.take();
      (tail == nullptr ? head : tail->next) = chunk;
      tail = chunk;
    }
    return tail->items[tail->count++] = item;
  }
  /// The oldest item. @pre not empty.
  Item& front() { return head->items[head->begin]; }
  /// Drops the oldest item.
  void pop(ChunkPool<Item>& pool) {
    if (++head->begin < head->count) [[likely]]
      return;
    Chunk<Item>* used = std::exchange(head, head->next);
    if (head == nullptr) tail = nullptr;
    pool.give(used, used, 1);
  }
  void splice(Chain other) {
    (tail == nullptr ? head : tail->next) = other.head;
    tail = other.tail;
  }
};

/// All channels of a simulation. Channel ids are dense and contiguous per receiver.
template <class Item>
class ChannelStore {
 public:
  explicit ChannelStore(std::size_t channels)
      : published_{std::vector<Chain<Item>>(channels), std::vector<Chain<Item>>(channels)},
        pending_(channels) {}

  std::size_t size() const { return pending_.size(); }

  /// Sender, once per visit and channel: hands over what it wrote in the window of this parity.
  void publish(unsigned parity, std::uint32_t channel, Chain<Item>& chain) {
    published_[parity][channel] = chain;
    chain = {};
  }
  /// Receiver, in the window after: takes over what was published. @return all unread items.
  Chain<Item>& absorb(unsigned parity, std::uint32_t channel) {
    Chain<Item>& slot = published_[parity ^ 1U][channel];
    Chain<Item>& pending = pending_[channel];
    if (!slot.empty()) {
      pending.splice(slot);
      slot = {};
    }
    return pending;
  }
  /// Items taken over and not yet read.
  Chain<Item>& pending(std::uint32_t channel) { return pending_[channel]; }
  std::size_t memory_bytes() const { return 3 * pending_.capacity() * sizeof(Chain<Item>); }

 private:
  std::vector<Chain<Item>> published_[2];
  std::vector<Chain<Item>> pending_;
};

}  // namespace plait
