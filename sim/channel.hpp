// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file channel.hpp
/// Channels: FIFOs of small items by value from one entity to another, in time order, with a least
/// latency that is not below the engine's window. An item is a trivially copyable struct whose
/// member `arrival` holds the low 32 bits of its arrival time in picoseconds (so an item may be at
/// most 2^31 ps = 2.1 ms ahead of the receiver's window).
///
/// Items live in chains of 256-byte chunks. The sender appends to an OpenChain it owns and
/// publishes it once at the end of its visit; the receiver takes it over in its next window and
/// reads the items in place. There are two publication slots, and the one that senders of a window
/// write is not the one that receivers of that window read: no locks, no atomics.
///
/// A run whose items need more than an item holds (telemetry records) has pools with an annex:
/// `annex_bytes` for every item, behind the chunks of a block. Runs without pay nothing for it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/check.hpp"
#include "sim/fetch_queue.hpp"

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
    for (std::size_t i = kBlockChunks; i-- > 0;) {
      auto* chunk = new (blocks_.back().get() + i * Chunk<Item>::kBytes) Chunk<Item>;
      chunk->next = free_;
      free_ = chunk;
    }
    free_count_ += kBlockChunks;
  }
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* block) const { ::operator delete(block, alignment); }
  };
  Chunk<Item>* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t annex_bytes_;
  std::vector<std::unique_ptr<std::byte[], Free>> blocks_;
};

/// Where the annex of an item lies. @pre the item is in a chunk of a pool whose annex_bytes is
/// `size`, not 0.
template <class Item>
void* annex(Item* item, std::size_t size) {
  using Pool = ChunkPool<Item>;
  constexpr std::size_t kChunkBytes = Chunk<Item>::kBytes;
  char* const place = reinterpret_cast<char*>(item);
  const std::size_t in_block = reinterpret_cast<std::uintptr_t>(place) & (Pool::kBlockBytes - 1);
  const std::size_t chunk = in_block / kChunkBytes;
  const std::size_t number = (in_block % kChunkBytes - Pool::kItemsOffset) / sizeof(Item);
  return place - in_block + Pool::kBlockBytes + (chunk * Chunk<Item>::kItems + number) * size;
}

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
  /// Names the oldest item and the place behind the newest. @pre not empty.
  void name_ends(FetchQueue& ahead) const {
    ahead.add(head);
    ahead.add(tail);
  }
  /// Visits all items, oldest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Chunk<Item>* chunk = head; chunk != nullptr; chunk = chunk->next)
      for (std::uint32_t i = chunk->begin; i < chunk->count; ++i) visit(chunk->items[i]);
  }
  void splice(Chain other) {
    (tail == nullptr ? head : tail->next) = other.head;
    tail = other.tail;
  }
};

/// Appends to a chain with its end at hand. The chain counts what was appended after finish().
template <class Item>
class ChainWriter {
 public:
  explicit ChainWriter(const Chain<Item>& chain) : chain_(chain) {
    if (!chain.empty()) reach(chain.tail->count);
  }
  /// @return the stored copy.
  Item& append(ChunkPool<Item>& pool, const Item& item) {
    if (next_ == end_) [[unlikely]]
      grow(pool);
    return *next_++ = item;
  }
  const Chain<Item>& finish() {
    if (!chain_.empty())
      chain_.tail->count = static_cast<std::uint32_t>(next_ - chain_.tail->items);
    return chain_;
  }

 private:
  void reach(std::uint32_t count) {
    next_ = chain_.tail->items + count;
    end_ = chain_.tail->items + Chunk<Item>::kItems;
  }
  void grow(ChunkPool<Item>& pool) {
    Chunk<Item>* const chunk = pool.take();
    if (!chain_.empty()) chain_.tail->count = Chunk<Item>::kItems;
    chain_.splice({chunk, chunk});
    reach(0);
  }

  Chain<Item> chain_;
  Item* next_ = nullptr;
  Item* end_ = nullptr;
};

/// All channels of a simulation. Channel ids are dense and contiguous per receiver.
template <class Item>
class ChannelStore {
 public:
  explicit ChannelStore(std::size_t channels)
      : published_{std::vector<Chain<Item>>(channels), std::vector<Chain<Item>>(channels)},
        pending_(channels) {}

  std::size_t size() const { return pending_.size(); }

  /// Sender, once per visit and channel: hands over what it wrote in the window of this parity,
  /// behind what the receiver has not yet taken over.
  void publish(unsigned parity, std::uint32_t channel, Chain<Item>& chain) {
    Chain<Item>& slot = published_[parity][channel];
    if (slot.empty()) [[likely]] {
      slot = chain;
    } else {
      slot.splice(chain);
    }
    chain = {};
  }
  /// Receiver, in a later window: takes over what was published. @return all unread items.
  Chain<Item>& absorb(unsigned parity, std::uint32_t channel) {
    Chain<Item>& slot = published_[parity ^ 1U][channel];
    Chain<Item>& pending = pending_[channel];
    if (!slot.empty()) {
      pending.splice(slot);
      slot = {};
    }
    return pending;
  }
  /// Names what the receiver of these channels will read first.
  void name_slots(unsigned parity, std::uint32_t first, std::uint32_t channels,
                  FetchQueue& ahead) const {
    ahead.add(&published_[parity ^ 1U][first], channels * sizeof(Chain<Item>));
    ahead.add(&pending_[first], channels * sizeof(Chain<Item>));
  }
  /// What it reads then.
  static constexpr std::size_t kNamed = 192;
  void name_items(unsigned parity, std::uint32_t channel, FetchQueue& ahead) const {
    if (const Chunk<Item>* left = pending_[channel].head) ahead.add(left, 64);
    if (const Chunk<Item>* head = published_[parity ^ 1U][channel].head) ahead.add(head, kNamed);
  }
  /// Items taken over and not yet read.
  Chain<Item>& pending(std::uint32_t channel) { return pending_[channel]; }
  std::size_t memory_bytes() const { return 3 * pending_.capacity() * sizeof(Chain<Item>); }

 private:
  std::vector<Chain<Item>> published_[2];
  std::vector<Chain<Item>> pending_;
};

}  // namespace plait
