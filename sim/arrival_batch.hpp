// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file arrival_batch.hpp
/// Everything that reaches one entity during one window. Gathered channel by channel; then put in
/// the order (time, channel, sequence on the channel), all or those of one group; or in that order
/// group by group. Scratch space of a worker, reused from visit to visit.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/arrival_groups.hpp"
#include "sim/channel.hpp"
#include "sim/key_sort.hpp"

namespace plait {

template <class Item>
class ArrivalBatch {
 public:
  struct Arrival {
    Item* item;
    std::uint32_t channel;  // relative to the entity's first
    std::uint32_t offset;   // picoseconds since the window's begin
  };

  /// Where the batch notes items that lie together, of one channel.
  struct Run {
    std::uint32_t channel;
    Item** items;
    std::uint32_t* channels;
    std::uint32_t* groups;

    void put(std::size_t i, Item& item) const {
      items[i] = &item;
      channels[i] = channel;
    }
  };
  /// Takes everything that arrives before `window_ps` after `begin_ps` from channels
  /// [first, first + channels), channel by channel. Items stay in place until release().
  /// @param survey  survey(items, run) is called for the items of each run, in this order. It puts
  ///                them all, beside what else it does with each, and may write their groups.
  template <class Survey>
  void gather(ChannelStore<Item>& store, std::uint32_t first, std::uint32_t channels,
              unsigned parity, std::int64_t begin_ps, std::int64_t window_ps, FetchQueue& ahead,
              Survey&& survey);
  /// The same without groups.
  void gather(ChannelStore<Item>& store, std::uint32_t first, std::uint32_t channels,
              unsigned parity, std::int64_t begin_ps, std::int64_t window_ps, FetchQueue& ahead) {
    gather(store, first, channels, parity, begin_ps, window_ps, ahead,
           [](std::span<Item> items, const Run& run) {
             for (std::size_t i = 0; i < items.size(); ++i) run.put(i, items[i]);
           });
  }

  std::size_t size() const { return count_; }

  /// By index().
  Item* const* items() const { return items_.data(); }
  Item& item(std::uint32_t index) const { return *items_[index]; }
  std::uint32_t channel(std::uint32_t index) const { return channel_[index]; }
  std::uint32_t group(std::uint32_t index) const { return group_[index]; }
  void set_group(std::uint32_t index, std::uint32_t group) { group_[index] = group; }
  /// Picoseconds since the window's begin.
  std::uint32_t offset(std::uint32_t index) const { return offset_of(*items_[index]); }

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

  /// The arrivals of one group in order: where they were gathered, in the lower half of each.
  /// Until the next sort of any kind; the order of all is not known then.
  std::span<const std::uint64_t> sort_only(std::uint32_t group);

  /// Whether keys have room for so many groups.
  bool fits_groups(std::uint32_t groups) const {
    return count_ <= Groups::kMostArrivals &&
           Groups::kIndexBits + time_bits_ + bits(groups + 1) <= 64;
  }
  /// Orders by group, and by (time, channel, sequence) within each, for groups().
  /// @pre all groups are below `groups`, fits_groups(groups), and not order_ties().
  void sort_by_group(std::uint32_t groups);

  using Groups = ArrivalGroups;
  /// @pre sort_by_group(); no more is gathered meanwhile.
  Groups groups() const { return Groups({keys_.data(), count_}, time_bits_); }

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
  static constexpr unsigned kLinesPerStep = 6;

  /// Of the largest number below `count`. @pre count > 0.
  static unsigned bits(std::uint32_t count) {
    return count <= 1 ? 0 : static_cast<unsigned>(32 - __builtin_clz(count - 1));
  }
  std::uint32_t offset_of(const Item& item) const { return item.arrival - begin_low_; }
  std::uint64_t time_key(std::uint32_t index) const {
    return std::uint64_t{offset_of(*items_[index])} << 32 | index;
  }
  void sort_by_time() {
    sort_keys(keys_, count_, 32 + time_bits_, scratch_,
              [this](std::size_t i) { return time_key(static_cast<std::uint32_t>(i)); });
    sorted_ = true;
  }
  void reserve(std::size_t more) {
    if (count_ + more > items_.size()) [[unlikely]]
      grow(more);
  }
  [[gnu::noinline, gnu::cold]] void grow(std::size_t more) {
    const std::size_t size = std::max<std::size_t>(2 * items_.size(), count_ + more + 256);
    items_.resize(size);
    channel_.resize(size);
    group_.resize(size);
    keys_.resize(size);
    scratch_.resize(size);
  }
  template <class Survey>
  void take(Rest<Item>& rest, std::uint32_t channel, Survey& survey);
  template <class Survey>
  void take_single(Rest<Item>& rest, std::uint32_t channel, Survey& survey);
  template <class Survey>
  void take_run(std::span<Item> items, std::uint32_t channel, Survey& survey);

  struct Used {
    Chunk<Item>* first;
    Chunk<Item>* last;
    std::size_t count;

    void add(Chunk<Item>* chunk) {
      last = chunk;
      ++count;
    }
  };
  std::size_t count_ = 0;
  std::uint32_t runs_ = 0;     // stretches in order of time
  unsigned time_bits_ = 0;     // of offsets
  std::int64_t begin_ps_ = 0;  // of the window
  std::uint32_t begin_low_ = 0, window_ = 0;
  bool sorted_ = false;  // as `keys_` says
  std::int64_t next_ps_ = INT64_MAX;
  const ChannelStore<Item>* store_ = nullptr;  // that was gathered from
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
inline void ArrivalBatch<Item>::take_run(std::span<Item> items, std::uint32_t channel,
                                         Survey& survey) {
  reserve(Chunk<Item>::kItems);
  survey(items, Run{channel, &items_[count_], &channel_[count_], &group_[count_]});
  count_ += items.size();
}

template <class Item>
template <class Survey>
[[gnu::noinline]] void ArrivalBatch<Item>::take_single(Rest<Item>& rest, std::uint32_t channel,
                                                       Survey& survey) {
  const std::uint32_t offset = offset_of(rest.single());
  if (offset >= window_) {
    next_ps_ = std::min(next_ps_, begin_ps_ + offset);
    return;
  }
  take_run({&rest.single(), 1}, channel, survey);
  rest.leave(nullptr);
}

// Items of a channel are in order of time.
template <class Item>
template <class Survey>
void ArrivalBatch<Item>::take(Rest<Item>& rest, std::uint32_t channel, Survey& survey) {
  if (rest.is_single()) [[unlikely]]
    return take_single(rest, channel, survey);
  Used used{rest.head(), nullptr, 0};
  Chunk<Item>* chunk = used.first;
  std::uint32_t left = 0;  // items of `chunk` that come later
  for (; chunk != nullptr; chunk = chunk->next) {
    if (chunk->next != nullptr) {
      chunk->next->prefetch();
      if (store_->has_annexes()) [[unlikely]]
        store_->prefetch_annexes(*chunk->next);
    }
    std::uint32_t end = chunk->count;
    while (end != chunk->begin && offset_of(chunk->items[end - 1]) >= window_) --end;
    take_run({&chunk->items[chunk->begin], end - chunk->begin}, channel, survey);
    left = chunk->count - end;
    if (left != 0) break;
    used.add(chunk);
  }
  rest.leave(chunk);
  if (left != 0) {
    const Item& next = chunk->items[chunk->count - left];
    next_ps_ = std::min(next_ps_, begin_ps_ + offset_of(next));
    if (left == 1 && chunk->next == nullptr && !store_->has_annexes()) {
      rest.keep(next);
      used.add(chunk);
    } else {
      chunk->begin = chunk->count - left;
    }
  }
  if (used.count != 0) consumed_.push_back(used);
}

template <class Item>
template <class Survey>
void ArrivalBatch<Item>::gather(ChannelStore<Item>& store, std::uint32_t first,
                                std::uint32_t channels, unsigned parity, std::int64_t begin_ps,
                                std::int64_t window_ps, FetchQueue& ahead, Survey&& survey) {
  count_ = 0;
  sorted_ = false;
  next_ps_ = INT64_MAX;
  store_ = &store;
  begin_ps_ = begin_ps;
  begin_low_ = static_cast<std::uint32_t>(begin_ps);
  window_ = static_cast<std::uint32_t>(window_ps);
  time_bits_ = static_cast<unsigned>(32 - __builtin_clz(window_));
  runs_ = 0;
  for (std::uint32_t c = 0; c < channels; ++c) {
    store.absorb(parity, first + c);
  }
  for (std::uint32_t c = 0; c < channels; ++c) {
    Rest<Item>& rest = store.rest(first + c);
    if (rest.empty()) continue;
    const std::size_t before = count_;
    ahead.step(kLinesPerStep);
    take(rest, c, survey);
    runs_ += count_ != before;
  }
}

template <class Item>
std::span<const std::uint64_t> ArrivalBatch<Item>::sort_only(std::uint32_t group) {
  std::uint64_t* const chosen = scratch_.data();
  std::size_t count = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    chosen[count] = i;
    count += group_[i] == group;
  }
  sorted_ = false;
  sort_keys(keys_, count, 32 + time_bits_, scratch_,
            [=, this](std::size_t i) { return time_key(static_cast<std::uint32_t>(chosen[i])); });
  return {keys_.data(), count};
}

template <class Item>
void ArrivalBatch<Item>::sort_by_group(std::uint32_t groups) {
  const unsigned shift = Groups::kIndexBits + time_bits_;
  reserve(1);  // for the key behind the last
  const auto make_key = [=, this, group = group_.data()](std::size_t i) {
    return std::uint64_t{group[i]} << shift |
           std::uint64_t{offset_of(*items_[i])} << Groups::kIndexBits | i;
  };
  sort_keys(keys_, count_, shift + bits(groups), scratch_, make_key);
  sorted_ = false;  // as operator[] would have it
  keys_[count_] = ~std::uint64_t{0};
}

}  // namespace plait
