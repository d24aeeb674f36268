// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>

#include "sim/arrival_batch.hpp"
#include "sim/hash.hpp"
#include "sim/random.hpp"

namespace plait {
namespace {

struct Item {
  std::uint32_t arrival = 0;
  std::uint32_t channel = 0;
  std::uint32_t number = 0;
};

}  // namespace

TEST_CASE("a batch is in order of (time, channel, sequence) and leaves later items", "[channel]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed, 1, 2);
    ChannelStore<Item> store(6);
    ChunkPool<Item> pool;
    ArrivalBatch<Item> batch;
    FetchQueue ahead;
    const std::int64_t window = 1 + static_cast<std::int64_t>(random.below(3000));
    std::int64_t begin = 5'000'000'000 - 1500;  // across the wrap of 32 bits at 4,294,967,296 * k
    std::vector<std::int64_t> last(6, begin);
    std::vector<std::uint32_t> sent(6, 0), seen(6, 0);
    for (unsigned w = 0; w < 40; ++w, begin += window) {
      // What was published in window w - 1 arrives from its end on, and some of it much later.
      for (std::uint32_t c = 0; c < 6 && w < 30; ++c) {
        Chain<Item> chain;
        for (std::uint64_t n = random.below(40); n > 0; --n) {
          last[c] = std::max(last[c], begin) + static_cast<std::int64_t>(random.below(120));
          chain.append(pool, {static_cast<std::uint32_t>(last[c]), c, sent[c]++});
        }
        store.publish((w & 1U) ^ 1U, c, chain);
      }
      batch.gather(store, 0, 6, w & 1U, begin, window, ahead);
      batch.sort();
      std::tuple<std::uint32_t, std::uint32_t, std::uint32_t> previous{0, 0, 0};
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto arrival = batch[i];
        CHECK(arrival.offset < window);
        CHECK(static_cast<std::uint32_t>(begin + arrival.offset) == arrival.item->arrival);
        CHECK(arrival.channel == arrival.item->channel);
        CHECK(arrival.item->number == seen[arrival.channel]++);
        const std::tuple key{arrival.offset, arrival.channel, arrival.item->number};
        CHECK((i == 0 || previous < key));
        previous = key;
      }
      CHECK(batch.next_arrival_ps() >= begin + window);
      batch.release(pool);
    }
    // Nothing is lost: what is left over is exactly what lies ahead of the last window.
    for (std::uint32_t c = 0; c < 6; ++c) {
      if (last[c] < begin) CHECK(seen[c] == sent[c]);
    }
  }
}

TEST_CASE("sorted by group, each group is in order and nothing is lost", "[channel]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed, 1, 3);
    const auto channels = static_cast<std::uint32_t>(1 + random.below(70));
    const auto groups = static_cast<std::uint32_t>(1 + random.below(70));
    const auto window = static_cast<std::int64_t>(1 + random.below(1 << 20));
    ChannelStore<Item> store(channels);
    ChunkPool<Item> pool;
    ArrivalBatch<Item> batch;
    FetchQueue ahead;
    for (std::uint32_t c = 0; c < channels; ++c) {
      Chain<Item> chain;
      std::uint32_t at = 0;
      for (std::uint32_t n = 0; n < 20; ++n) {
        at += static_cast<std::uint32_t>(random.below(static_cast<std::uint64_t>(window) / 20 + 1));
        if (at < window) chain.append(pool, {at, c, n});
      }
      store.publish(1, c, chain);
    }
    std::vector<std::uint32_t> group;
    batch.gather(
        store, 0, channels, 0, 0, window, ahead,
        [&](std::span<const Item> items, std::uint32_t channel, std::uint32_t* out) {
          for (const Item& item : items) {
            CHECK(channel == item.channel);
            group.push_back(static_cast<std::uint32_t>(hash64(seed, group.size()) % groups));
            *out++ = group.back();
          }
        });
    REQUIRE(batch.fits_groups(groups));
    batch.sort_by_group(groups);
    std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t> previous{};
    std::size_t seen = 0;
    for (auto arrivals = batch.groups(); arrivals.any();) {
      const std::uint32_t open = arrivals.open();
      CHECK(open < groups);
      CHECK(arrivals.more());
      for (; arrivals.more(); arrivals.next(), ++seen) {
        const Item& item = batch.item(arrivals.index());
        CHECK(arrivals.offset() == item.arrival);
        CHECK(batch.channel(arrivals.index()) == item.channel);
        CHECK(open == group[arrivals.index()]);
        const std::tuple key{open, item.arrival, item.channel, item.number};
        CHECK((seen == 0 || previous < key));
        previous = key;
      }
    }
    CHECK(seen == batch.size());
    batch.release(pool);
  }
}

TEST_CASE("sorting by group a batch that fills its memory exactly", "[channel]") {
  // Room is made for 256 items and a chunk of 20: 240 and 16 items, then a full chunk, make 276.
  static_assert(Chunk<Item>::kItems == 20);
  ChannelStore<Item> store(3);
  ChunkPool<Item> pool;
  ArrivalBatch<Item> batch;
  FetchQueue ahead;
  for (std::uint32_t c = 0; c < 3; ++c) {
    Chain<Item> chain;
    for (std::uint32_t n = 0; n < std::array{240U, 16U, 20U}[c]; ++n) chain.append(pool, {n, c, n});
    store.publish(1, c, chain);
  }
  batch.gather(store, 0, 3, 0, 0, 1000, ahead,
               [](std::span<const Item> items, std::uint32_t, std::uint32_t* out) {
                 for (const Item& item : items) *out++ = item.number % 7;
               });
  REQUIRE(batch.size() == 276);
  batch.sort_by_group(7);
  std::size_t seen = 0;
  for (auto arrivals = batch.groups(); arrivals.any();) {
    const std::uint32_t open = arrivals.open();
    for (; arrivals.more(); arrivals.next(), ++seen)
      CHECK(open == batch.item(arrivals.index()).number % 7);
  }
  CHECK(seen == 276);
  batch.release(pool);
}

TEST_CASE("chunks go back to the pool: memory does not grow with traffic", "[channel]") {
  ChannelStore<Item> store(1);
  ChunkPool<Item> pool;
  ArrivalBatch<Item> batch;
  FetchQueue ahead;
  std::size_t memory = 0;
  for (std::uint32_t w = 0; w < 2000; ++w) {
    Chain<Item> chain;
    for (std::uint32_t i = 0; i < 100; ++i) chain.append(pool, {w * 1000 + i, 0, i});
    store.publish((w & 1U) ^ 1U, 0, chain);
    batch.gather(store, 0, 1, w & 1U, std::int64_t{w} * 1000, 1000, ahead);
    CHECK(batch.size() == 100);
    batch.release(pool);
    if (w == 10) memory = pool.memory_bytes();
  }
  CHECK(pool.memory_bytes() == memory);
}

TEST_CASE("the bucket sort sorts", "[channel]") {
  for (const std::size_t count : {0, 1, 24, 25, 96, 300, 5000}) {
    RandomStream random(count, 3, 4);
    std::vector<std::uint64_t> keys(count), scratch(count);
    for (std::size_t i = 0; i < count; ++i)
      keys[i] = random.below(1'000'000) << 32 | i;  // 20 bits of time
    std::vector<std::uint64_t> expected = keys;
    std::sort(expected.begin(), expected.end());
    sort_keys(keys, count, 32 + 20, scratch);
    CHECK(keys == expected);
  }
}

}  // namespace plait
