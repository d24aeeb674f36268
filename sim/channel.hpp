// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file channel.hpp
/// Channels: FIFOs of small items by value from one entity to another, in time order, with a least
/// latency that is not below the engine's window. An item is a trivially copyable struct whose
/// member `arrival` holds the low 32 bits of its arrival time in picoseconds (so an item may be at
/// most 2^31 ps = 2.1 ms ahead of the receiver's window).
///
/// Items live in chains of chunks. The sender appends to an OutChain it owns and publishes it once
/// at the end of its visit; the receiver takes it over in its next window and reads the items in
/// place. There are two publication slots, and the one that senders of a window write is not the
/// one that receivers of that window read: no locks, no atomics.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sim/check.hpp"
#include "sim/chunk.hpp"
#include "sim/fetch_queue.hpp"

namespace plait {

/// A chain of chunks, oldest items first.
template <class Item>
struct Chain {
  Chunk<Item>* head = nullptr;
  Chunk<Item>* tail = nullptr;

  bool empty() const { return head == nullptr; }
  /// @tparam kRoom  places left free in front of the first item of all.
  /// @return the stored copy.
  template <std::uint32_t kRoom = 0>
  Item& append(ChunkPool<Item>& pool, const Item& item) {
    if (tail == nullptr || tail->count == Chunk<Item>::kItems) [[unlikely]]
      grow(pool, kRoom);
    return tail->items[tail->count++] = item;
  }
  void grow(ChunkPool<Item>& pool, std::uint32_t room) {
    Chunk<Item>* const chunk = pool.take();
    if (empty()) chunk->begin = chunk->count = room;
    splice({chunk, chunk});
  }
  /// The oldest item. @pre not empty.
  Item& front() { return head->items[head->begin]; }
  /// Drops the oldest item. At the end of a chunk the one after the next is fetched.
  void pop(ChunkPool<Item>& pool) {
    if (++head->begin < head->count) [[likely]]
      return;
    Chunk<Item>* used = std::exchange(head, head->next);
    if (head == nullptr) {
      tail = nullptr;
    } else if (head->next != nullptr) {
      head->next->prefetch();
    }
    pool.give(used, used, 1);
  }
  /// Names the oldest items and the place behind the newest. @pre not empty.
  void name_ends(FetchQueue& ahead) const {
    ahead.add(head, Chunk<Item>::kBytes);
    ahead.add(tail);
  }
  /// Visits all items, oldest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Chunk<Item>* chunk = head; chunk != nullptr; chunk = chunk->next)
      for (std::uint32_t i = chunk->begin; i < chunk->count; ++i) visit(chunk->items[i]);
  }
  void splice(Chain other) {
    (empty() ? head : tail->next) = other.head;
    tail = other.tail;
  }
};

/// What a sender writes. In front of its first item there is room for one that the receiver may
/// have kept back (see Rest).
template <class Item>
struct OutChain : Chain<Item> {
  static constexpr std::uint32_t kRoom = 1;
  static_assert(kRoom < Chunk<Item>::kItems);

  Item& append(ChunkPool<Item>& pool, const Item& item) {
    return Chain<Item>::template append<kRoom>(pool, item);
  }
};

/// Appends to a chain with its end at hand: a pointer that stays in a register, as nothing that is
/// not inlined sees it. The chain counts what was appended after finish().
template <class Item>
class ChainWriter {
 public:
  explicit ChainWriter(OutChain<Item>& chain) : chain_(chain) {
    if (!chain.empty()) next_ = chain.tail->items + chain.tail->count;
  }
  /// @return the stored copy.
  [[gnu::always_inline]] Item& append(ChunkPool<Item>& pool, const Item& item) {
    if (Chunk<Item>::ends_at(next_)) [[unlikely]]
      next_ = grow(chain_, pool, next_);
    return *next_++ = item;
  }
  void finish() { count(chain_, next_); }

 private:
  static void count(OutChain<Item>& chain, const Item* next) {
    if (!chain.empty()) chain.tail->count = static_cast<std::uint32_t>(next - chain.tail->items);
  }
  /// @return where the next one goes.
  [[gnu::noinline]] static Item* grow(OutChain<Item>& chain, ChunkPool<Item>& pool,
                                      const Item* next) {
    count(chain, next);
    chain.grow(pool, OutChain<Item>::kRoom);
    return chain.tail->items + chain.tail->count;
  }

  OutChain<Item>& chain_;
  Item* next_ = nullptr;
};

/// What a receiver has taken over and not read. Mostly that is one item, which crosses the end of
/// the window. It is kept here, not in its chunk, and goes in front of the chain that comes next:
/// so a channel is one stretch of memory in most visits, and its chunks are free after one.
template <class Item>
class Rest {
 public:
  Rest() : tail_(nullptr) {}

  bool empty() const { return head_ == nullptr; }
  bool is_single() const { return head_ == single_mark(); }
  /// @pre is_single(). Stays where it is until something is taken over.
  Item& single() { return item_; }
  /// The oldest chunk. @pre not empty(), not is_single().
  Chunk<Item>* head() const { return head_; }

  void take_over(const OutChain<Item>& more) {
    if (!empty() && !is_single()) [[unlikely]] {
      tail_->next = more.head;
    } else {
      if (is_single()) {
        PLAIT_CHECK_LT(0U, more.head->begin);
        more.head->items[--more.head->begin] = item_;
      }
      head_ = more.head;
    }
    tail_ = more.tail;
  }
  void keep(const Item& item) {
    head_ = single_mark();
    std::construct_at(&item_, item);
  }
  /// All before `head` have been read; with nullptr all.
  void leave(Chunk<Item>* head) { head_ = head; }

 private:
  // No chunk lies here.
  static Chunk<Item>* single_mark() { return reinterpret_cast<Chunk<Item>*>(std::uintptr_t{1}); }

  Chunk<Item>* head_ = nullptr;
  union {
    Chunk<Item>* tail_;
    Item item_;
  };
};

/// All channels of a simulation. Channel ids are dense and contiguous per receiver.
template <class Item>
class ChannelStore {
 public:
  /// @param annex_bytes  of the pools.
  ChannelStore(std::size_t channels, std::size_t annex_bytes)
      : published_{std::vector<OutChain<Item>>(channels), std::vector<OutChain<Item>>(channels)},
        rests_(channels),
        annex_bytes_(annex_bytes) {}

  std::size_t size() const { return rests_.size(); }
  /// Then Rest may not keep single items: their annex would stay behind.
  bool has_annexes() const { return annex_bytes_ != 0; }

  /// Sender, once per visit and channel: hands over what it wrote in the window of this parity,
  /// behind what the receiver has not yet taken over.
  void publish(unsigned parity, std::uint32_t channel, OutChain<Item>& chain) {
    published_[parity][channel].splice(chain);
    chain = {};
  }
  /// Receiver, in a later window: takes over what was published.
  void absorb(unsigned parity, std::uint32_t channel) {
    OutChain<Item>& slot = published_[parity ^ 1U][channel];
    if (slot.empty()) return;
    rests_[channel].take_over(slot);
    slot = {};
  }
  /// Items taken over and not yet read.
  Rest<Item>& rest(std::uint32_t channel) { return rests_[channel]; }

  /// Names what the receiver of these channels will read first.
  void name_slots(unsigned parity, std::uint32_t first, std::uint32_t channels,
                  FetchQueue& ahead) const {
    ahead.add(&published_[parity ^ 1U][first], channels * sizeof(OutChain<Item>));
    ahead.add(&rests_[first], channels * sizeof(Rest<Item>));
  }
  /// What it reads then.
  static constexpr std::size_t kNamed = 192;
  void name_items(unsigned parity, std::uint32_t channel, FetchQueue& ahead) const {
    const Rest<Item>& rest = rests_[channel];
    if (!rest.empty() && !rest.is_single()) ahead.add(rest.head(), 64);
    const Chunk<Item>* const head = published_[parity ^ 1U][channel].head;
    if (head == nullptr) return;
    ahead.add(head, kNamed);
    if (has_annexes()) [[unlikely]]
      ahead.add(annex(head->items, annex_bytes_), annexes());
  }
  /// Fetches what lies beside the items of a chunk. @pre has_annexes().
  [[gnu::noinline, gnu::cold]] void prefetch_annexes(const Chunk<Item>& chunk) const {
    const char* const first = static_cast<const char*>(annex(chunk.items, annex_bytes_));
    for (std::size_t byte = 0; byte < annexes(); byte += FetchQueue::kLine)
      __builtin_prefetch(first + byte);
  }
  std::size_t memory_bytes() const {
    return rests_.capacity() * (2 * sizeof(OutChain<Item>) + sizeof(Rest<Item>));
  }

 private:
  // Of a chunk; of large ones the first only.
  std::size_t annexes() const {
    return std::min(ChunkPool<Item>::annex_offset(Chunk<Item>::kBytes, annex_bytes_), kNamed);
  }

  std::vector<OutChain<Item>> published_[2];
  std::vector<Rest<Item>> rests_;
  std::size_t annex_bytes_;
};

}  // namespace plait
