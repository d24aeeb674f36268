// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file arrival_batch.hpp
/// Everything that reaches one entity during one window. Gathered channel by channel; then put in
/// the order (time, channel, sequence on the channel), or in that order group by group. Scratch
/// space of a worker, reused from visit to visit.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "sim/channel.hpp"

namespace plait {

void insertion_sort(std::uint64_t* keys, std::size_t count);

/// Sorts keys below 2^key_bits whose upper bits are spread evenly: bucket sort, then one insertion
/// pass. Few keys: insertion only (below about 24 keys it wins; std::sort was 2-4 times slower at
/// the usual 50-500).
/// @param make_key  make_key(i) is sorted in the place of keys[i].
template <class MakeKey>
void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
               std::vector<std::uint64_t>& scratch, MakeKey&& make_key) {
  constexpr std::size_t kFew = 24;
  constexpr unsigned kMaxBucketBits = 10;
  std::uint64_t* const key = keys.data();
  if (count <= kFew) {
    for (std::size_t i = 0; i < count; ++i) key[i] = make_key(i);
    return insertion_sort(key, count);
  }
  // About one bucket a key.
  const auto count_bits = static_cast<unsigned>(64 - __builtin_clzll(count));
  const unsigned bucket_bits = std::min({count_bits, kMaxBucketBits, key_bits});
  const unsigned shift = key_bits - bucket_bits;
  std::array<std::uint32_t, (1U << kMaxBucketBits) + 1> start;
  std::fill_n(start.begin(), (std::size_t{1} << bucket_bits) + 1, 0U);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t made = make_key(i);
    key[i] = made;
    ++start[(made >> shift) + 1];
  }
  for (std::size_t b = 1; b <= (std::size_t{1} << bucket_bits); ++b) start[b] += start[b - 1];
  std::uint64_t* const sorted = scratch.data();
  for (std::size_t i = 0; i < count; ++i) sorted[start[key[i] >> shift]++] = key[i];
  insertion_sort(sorted, count);
  keys.swap(scratch);
}
inline void sort_keys(std::vector<std::uint64_t>& keys, std::size_t count, unsigned key_bits,
                      std::vector<std::uint64_t>& scratch) {
  sort_keys(keys, count, key_bits, scratch, [&](std::size_t i) { return keys[i]; });
}

template <class Item>
class ArrivalBatch {
 public:
  struct Arrival {
    Item* item;
    std::uint32_t channel;  // relative to the entity's first
    std::uint32_t offset;   // picoseconds since the window's begin
  };

  /// Takes everything that arrives before `window_ps` after `begin_ps` from channels
  /// [first, first + channels), channel by channel. Items stay in place until release().
  /// @param survey  survey(items, channel, groups) is called for each run of items that lie
  ///                together, in this order, and writes the group of each.
  template <class Survey>
  void gather(ChannelStore<Item>& store, std::uint32_t first, std::uint32_t channels,
              unsigned parity, std::int64_t begin_ps, std::int64_t window_ps, FetchQueue& ahead,
              Survey&& survey);
  /// The same without groups.
  void gather(ChannelStore<Item>& store, std::uint32_t first, std::uint32_t channels,
              unsigned parity, std::int64_t begin_ps, std::int64_t window_ps, FetchQueue& ahead) {
    gather(store, first, channels, parity, begin_ps, window_ps, ahead,
           [](std::span<const Item>, std::uint32_t, std::uint32_t*) {});
  }

  std::size_t size() const { return count_; }

  Item& item(std::uint32_t index) const { return *items_[index]; }
  std::uint32_t channel(std::uint32_t index) const { return channel_[index]; }
  std::uint32_t group(std::uint32_t index) const { return group_[index]; }

  /// Puts the arrivals in order for operator[]. Those of one channel are in order already.
  void sort() {
    if (runs_ > 1 && !sorted_) sort_by_time();
  }
  Arrival operator[](std::size_t i) const {
    const std::uint32_t at = index(i);
    return {items_[at], channel_[at], offset(at)};
  }
  /// Where the i-th in order was gathered.
  std::uint32_t index(std::size_t i) const {
    return static_cast<std::uint32_t>(sorted_ ? keys_[i] : i);
  }

  /// Whether keys have room for so many groups.
  bool fits_groups(std::uint32_t groups) const {
    return count_ <= kMostGrouped && kIndexBits + time_bits_ + bits(groups + 1) <= 64;
  }
  /// Gives the i-th in order another group.
  void set_group(std::size_t i, std::uint32_t group) { group_[index(i)] = group; }
  /// Orders by group, and by (time, channel, sequence) within each, for groups(); sorted or not.
  /// @pre all groups are below `groups`, and fits_groups(groups).
  void sort_by_group(std::uint32_t groups);

  /// Walks the arrivals in order of their groups, one group after another.
  class Groups {
   public:
    explicit Groups(const ArrivalBatch& batch)
        : key_(batch.keys_.data()), end_(key_ + batch.count_), time_bits_(batch.time_bits_) {}
    /// Some group is left.
    bool any() const { return key_ != end_; }
    /// Begins the group of the next arrival. @return its number.
    std::uint32_t open() {
      const std::uint64_t group = *key_ >> (kIndexBits + time_bits_);
      end_of_group_ = (group + 1) << (kIndexBits + time_bits_);
      before_ = group << time_bits_;
      return static_cast<std::uint32_t>(group);
    }
    /// Some arrival is left of the group. Behind the last of all lies a key of no group.
    bool more() const { return *key_ < end_of_group_; }
    /// Of the next arrival, in picoseconds since the window's begin.
    std::int64_t offset() const {
      return static_cast<std::int64_t>((*key_ >> kIndexBits) - before_);
    }
    /// Where it was gathered.
    std::uint32_t index() const { return static_cast<std::uint32_t>(*key_) & (kMostGrouped - 1); }
    void next() { ++key_; }

   private:
    const std::uint64_t* key_;
    const std::uint64_t* end_;
    std::uint64_t end_of_group_ = 0, before_ = 0;
    unsigned time_bits_;
  };
  /// @pre sort_by_group(); no more is gathered meanwhile.
  Groups groups() const { return Groups(*this); }

  /// Puts items of equal time in another order: before(a, b), equal ones as they are.
  template <class Before>
  void order_ties(Before&& before);

  /// Start of the earliest arrival left for later windows, or INT64_MAX.
  std::int64_t next_arrival_ps() const { return next_ps_; }

  /// Returns the chunks of the batch to the pool.
  void release(ChunkPool<Item>& pool) {
    for (const Used& used : consumed_) pool.give(used.first, used.last, used.count);
    consumed_.clear();
    count_ = 0;
  }

 private:
  static constexpr unsigned kIndexBits = 20;
  static constexpr unsigned kLinesPerStep = 6;
  static constexpr std::uint32_t kMostGrouped = 1U << kIndexBits;

  /// Of the largest number below `count`. @pre count > 0.
  static unsigned bits(std::uint32_t count) {
    return count <= 1 ? 0 : static_cast<unsigned>(32 - __builtin_clz(count - 1));
  }
  std::uint32_t offset(std::size_t at) const { return items_[at]->arrival - begin_low_; }
  void sort_by_time() {
    sort_keys(keys_, count_, 32 + time_bits_, scratch_,
              [this](std::size_t i) { return std::uint64_t{offset(i)} << 32 | i; });
    sorted_ = true;
  }
  void reserve(std::size_t more) {
    if (count_ + more <= items_.size()) return;
    const std::size_t size = std::max<std::size_t>(2 * items_.size(), count_ + more + 256);
    items_.resize(size);
    channel_.resize(size);
    group_.resize(size);
    keys_.resize(size);
    scratch_.resize(size);
  }
  template <class Survey>
  void take(Chain<Item>& pending, std::uint32_t channel, std::uint32_t window,
            std::int64_t begin_ps, Survey& survey);

  struct Used {
    Chunk<Item>* first;
    Chunk<Item>* last;
    std::size_t count;
  };
  std::size_t count_ = 0;
  std::uint32_t runs_ = 0;  // stretches in order of time
  unsigned time_bits_ = 0;  // of offsets
  std::uint32_t begin_low_ = 0;
  bool sorted_ = false;  // as `keys_` says
  std::int64_t next_ps_ = INT64_MAX;
  std::vector<Item*> items_;
  std::vector<std::uint32_t> channel_, group_;
  std::vector<std::uint64_t> keys_, scratch_;
  std::vector<Used> consumed_;
};

template <class Item>
template <class Before>
void ArrivalBatch<Item>::order_ties(Before&& before) {
  if (!sorted_) sort_by_time();
  const auto time = [&](std::size_t i) { return keys_[i] >> 32; };
  const auto item = [&](std::uint64_t key) -> Item& {
    return *items_[static_cast<std::uint32_t>(key)];
  };
  for (std::size_t begin = 0, end = 0; begin < count_; begin = end) {
    while (end < count_ && time(end) == time(begin)) ++end;
    std::stable_sort(keys_.begin() + static_cast<std::ptrdiff_t>(begin),
                     keys_.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](std::uint64_t a, std::uint64_t b) { return before(item(a), item(b)); });
  }
}

template <class Item>
template <class Survey>
void ArrivalBatch<Item>::take(Chain<Item>& pending, std::uint32_t channel, std::uint32_t window,
                              std::int64_t begin_ps, Survey& survey) {
  const auto offset_of = [this](const Item& item) { return item.arrival - begin_low_; };
  Chunk<Item>* chunk = pending.head;
  Chunk<Item>* last_used = nullptr;
  std::size_t used = 0;
  while (chunk != nullptr) {
    if (chunk->next != nullptr) chunk->next->prefetch();
    Item* const begin = &chunk->items[chunk->begin];
    Item* end = &chunk->items[chunk->count];
    bool whole = true;
    // Items of a channel are in order of time.
    while (end != begin && offset_of(end[-1]) >= window) {
      --end;
      whole = false;
    }
    reserve(Chunk<Item>::kItems);
    const std::size_t count = count_;
    Item** const items = &items_[count];
    std::uint32_t* const channels = &channel_[count];
    const auto size = static_cast<std::size_t>(end - begin);
    for (std::size_t i = 0; i < size; ++i) {
      items[i] = &begin[i];
      channels[i] = channel;
    }
    survey(std::span<const Item>(begin, size), channel, &group_[count]);
    count_ = count + size;
    if (!whole) {
      next_ps_ = std::min(next_ps_, begin_ps + offset_of(*end));
      chunk->begin = static_cast<std::uint32_t>(end - chunk->items);
      break;
    }
    last_used = chunk;
    ++used;
    chunk = chunk->next;
  }
  if (last_used != nullptr) consumed_.push_back({pending.head, last_used, used});
  pending.head = chunk;
  if (chunk == nullptr) pending.tail = nullptr;
}

template <class Item>
template <class Survey>
void ArrivalBatch<Item>::gather(ChannelStore<Item>& store, std::uint32_t first,
                                std::uint32_t channels, unsigned parity, std::int64_t begin_ps,
                                std::int64_t window_ps, FetchQueue& ahead, Survey&& survey) {
  count_ = 0;
  sorted_ = false;
  next_ps_ = INT64_MAX;
  begin_low_ = static_cast<std::uint32_t>(begin_ps);
  const auto window = static_cast<std::uint32_t>(window_ps);
  time_bits_ = static_cast<unsigned>(32 - __builtin_clz(window));
  runs_ = 0;
  for (std::uint32_t c = 0; c < channels; ++c) {
    store.absorb(parity, first + c);
  }
  for (std::uint32_t c = 0; c < channels; ++c) {
    Chain<Item>& pending = store.pending(first + c);
    if (pending.empty()) continue;
    const std::size_t before = count_;
    ahead.step(kLinesPerStep);
    take(pending, c, window, begin_ps, survey);
    runs_ += count_ != before;
  }
}

template <class Item>
void ArrivalBatch<Item>::sort_by_group(std::uint32_t groups) {
  const unsigned shift = kIndexBits + time_bits_;
  reserve(1);  // for the key behind the last
  sort_keys(keys_, count_, shift + bits(groups), scratch_,
            [=, this, group = group_.data()](std::size_t i) {
              return std::uint64_t{group[i]} << shift | std::uint64_t{offset(i)} << kIndexBits | i;
            });
  sorted_ = false;  // as operator[] would have it
  keys_[count_] = ~std::uint64_t{0};
}

}  // namespace plait
