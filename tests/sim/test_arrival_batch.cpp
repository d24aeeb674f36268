// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <numeric>

#include "sim/arrival_batch.hpp"
#include "sim/hash.hpp"
#include "sim/key_sort.hpp"
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
    const std::size_t annex = seed % 2 * 8;  // items with one stay in their chunks
    ChannelStore<Item> store(6, annex);
    ChunkPool<Item> pool(annex);
    ArrivalBatch<Item> batch;
    FetchQueue ahead;
    const std::int64_t window = 1 + static_cast<std::int64_t>(random.below(3000));
    std::int64_t begin = 5'000'000'000 - 1500;  // across the wrap of 32 bits at 4,294,967,296 * k
    std::vector<std::int64_t> last(6, begin);
    std::vector<std::uint32_t> sent(6, 0), seen(6, 0);
    for (unsigned w = 0; w < 40; ++w, begin += window) {
      // What was published in window w - 1 arrives from its end on, and some of it much later.
      for (std::uint32_t c = 0; c < 6 && w < 30; ++c) {
        OutChain<Item> chain;
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

TEST_CASE("an item that crosses the window's end goes in front of what comes next", "[channel]") {
  const std::size_t annex = GENERATE(0U, 8U);
  ChannelStore<Item> store(1, annex);
  ChunkPool<Item> pool(annex);
  ArrivalBatch<Item> batch;
  FetchQueue ahead;
  std::vector<std::size_t> runs;
  std::vector<std::uint32_t> numbers;
  std::uint32_t sent = 0;
  // What arrives at `times` is published, then the window [begin, begin + 1000) is gathered.
  const auto gather = [&](std::int64_t begin, const std::vector<std::uint32_t>& times) {
    OutChain<Item> chain;
    for (const std::uint32_t time : times) chain.append(pool, {time, 0, sent++});
    if (!times.empty()) store.publish(1, 0, chain);
    runs.clear();
    numbers.clear();
    batch.gather(store, 0, 1, 0, begin, 1000, ahead, [&](std::span<Item> items, const auto& run) {
      if (!items.empty()) runs.push_back(items.size());
      for (std::size_t i = 0; i < items.size(); ++i) run.put(i, items[i]);
    });
    for (std::size_t i = 0; i < batch.size(); ++i) numbers.push_back(batch[i].item->number);
    batch.release(pool);
  };
  const std::size_t chunks = ChunkPool<Item>::kBlockChunks;
  using Numbers = std::vector<std::uint32_t>;
  using Runs = std::vector<std::size_t>;

  gather(0, {10, 990, 1010});
  CHECK(numbers == Numbers{0, 1});
  CHECK(batch.next_arrival_ps() == 1010);
  CHECK(pool.free_list().size() == chunks - (annex == 0 ? 0 : 1));  // it needs no chunk

  // One stretch with the next ones, though these fill the first of their chunks.
  std::vector<std::uint32_t> times(Chunk<Item>::kItems - 1, 1500);
  times.push_back(5500);
  gather(1000, times);
  Numbers expected(Chunk<Item>::kItems);
  std::iota(expected.begin(), expected.end(), 2U);
  CHECK(numbers == expected);
  CHECK(runs == (annex == 0 ? Runs{Chunk<Item>::kItems} : Runs{1, Chunk<Item>::kItems - 1}));
  CHECK(batch.next_arrival_ps() == 5500);

  // It waits while its time has not come.
  for (const std::int64_t begin : {2000, 3000, 4000}) {
    gather(begin, {});
    CHECK(numbers.empty());
    CHECK(batch.next_arrival_ps() == 5500);
  }
  // Two visits of the sender before one of the receiver: the place in front is the first one's.
  OutChain<Item> early;
  early.append(pool, {5600, 0, sent++});
  store.publish(1, 0, early);
  gather(5000, {5700});
  CHECK(numbers == Numbers{sent - 3, sent - 2, sent - 1});
  CHECK(runs == (annex == 0 ? Runs{2, 1} : Runs{1, 1, 1}));
  gather(6000, {6500, 7500});
  gather(7000, {});  // alone
  CHECK(numbers == Numbers{sent - 1});
  CHECK(batch.next_arrival_ps() == INT64_MAX);
  CHECK(pool.free_list().size() == chunks);
}

TEST_CASE("sorted by group, each group is in order and nothing is lost", "[channel]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    RandomStream random(seed, 1, 3);
    const auto channels = static_cast<std::uint32_t>(1 + random.below(70));
    const auto groups = static_cast<std::uint32_t>(1 + random.below(70));
    const auto window = static_cast<std::int64_t>(1 + random.below(1 << 20));
    ChannelStore<Item> store(channels, 0);
    ChunkPool<Item> pool;
    ArrivalBatch<Item> batch;
    FetchQueue ahead;
    for (std::uint32_t c = 0; c < channels; ++c) {
      OutChain<Item> chain;
      std::uint32_t at = 0;
      for (std::uint32_t n = 0; n < 20; ++n) {
        at += static_cast<std::uint32_t>(random.below(static_cast<std::uint64_t>(window) / 20 + 1));
        if (at < window) chain.append(pool, {at, c, n});
      }
      store.publish(1, c, chain);
    }
    std::vector<std::uint32_t> group;
    batch.gather(
        store, 0, channels, 0, 0, window, ahead, [&](std::span<Item> items, const auto& run) {
          for (std::size_t i = 0; i < items.size(); ++i) {
            CHECK(run.channel == items[i].channel);
            run.put(i, items[i]);
            group.push_back(static_cast<std::uint32_t>(hash64(seed, group.size()) % groups));
            run.groups[i] = group.back();
          }
        });
    REQUIRE(batch.fits_groups(groups));
    if (seed % 2 != 0) {  // makes no difference to what follows
      batch.sort();
      std::vector<std::uint32_t> chosen;  // by order of time, from the order of all
      for (std::size_t i = 0; i < batch.size(); ++i)
        if (group[batch.index(i)] == 0) chosen.push_back(batch.index(i));
      std::vector<std::uint32_t> only;
      for (const std::uint64_t key : batch.sort_only(0))
        only.push_back(static_cast<std::uint32_t>(key));
      CHECK(only == chosen);
    }
    batch.sort_by_group(groups);
    std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t> previous{};
    std::size_t seen = 0;
    for (auto arrivals = batch.groups(); arrivals.any();) {
      const std::uint32_t open = arrivals.open();
      CHECK(open < groups);
      CHECK(arrivals.offset_or(window) < window);
      for (; arrivals.offset_or(window) != window; arrivals.next(), ++seen) {
        const Item& item = batch.item(arrivals.index());
        CHECK(arrivals.offset_or(window) == item.arrival);
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
  // Room is made for 256 items and a chunk of 20: 276. The last chain begins at 237 with a chunk of
  // 19 (one place is left free) and ends with a full one at 256.
  static_assert(Chunk<Item>::kItems == 20);
  ChannelStore<Item> store(3, 0);
  ChunkPool<Item> pool;
  ArrivalBatch<Item> batch;
  FetchQueue ahead;
  for (std::uint32_t c = 0; c < 3; ++c) {
    OutChain<Item> chain;
    for (std::uint32_t n = 0; n < std::array{221U, 16U, 39U}[c]; ++n) chain.append(pool, {n, c, n});
    store.publish(1, c, chain);
  }
  batch.gather(store, 0, 3, 0, 0, 1000, ahead, [](std::span<Item> items, const auto& run) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      run.put(i, items[i]);
      run.groups[i] = items[i].number % 7;
    }
  });
  REQUIRE(batch.size() == 276);
  // 3, 10, ... below 221, 16 and 39: 32, 2 and 6.
  if (GENERATE(false, true)) CHECK(batch.sort_only(3).size() == 40);
  batch.sort_by_group(7);
  std::size_t seen = 0;
  for (auto arrivals = batch.groups(); arrivals.any();) {
    const std::uint32_t open = arrivals.open();
    for (; arrivals.offset_or(1000) != 1000; arrivals.next(), ++seen)
      CHECK(open == batch.item(arrivals.index()).number % 7);
  }
  CHECK(seen == 276);
  batch.release(pool);
}

TEST_CASE("chunks go back to the pool: memory does not grow with traffic", "[channel]") {
  ChannelStore<Item> store(1, 0);
  ChunkPool<Item> pool;
  ArrivalBatch<Item> batch;
  FetchQueue ahead;
  std::size_t memory = 0;
  for (std::uint32_t w = 0; w < 2000; ++w) {
    OutChain<Item> chain;
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
  // A counter holds 65,535.
  for (const std::size_t count : {0, 1, 24, 25, 96, 300, 5000, 65'535, 65'536, 80'000}) {
    RandomStream random(count, 3, 4);
    std::vector<std::uint64_t> keys(count), scratch(count);
    for (std::size_t i = 0; i < count; ++i)
      keys[i] = random.below(1'000'000) << 32 | i;  // 20 bits of time
    std::vector<std::uint64_t> expected = keys;
    std::sort(expected.begin(), expected.end());
    sort_keys(keys, count, 32 + 20, scratch);
    CHECK((keys == expected));
  }
}

TEST_CASE("the bucket sort sorts keys that share a bucket, and keys of few bits", "[channel]") {
  const std::size_t count = GENERATE(100, 2000);
  std::vector<std::uint64_t> keys(count), scratch(count);
  for (std::size_t i = 0; i < count; ++i) keys[i] = count - i;
  sort_keys(keys, count, 64, scratch);  // all in the lowest bucket
  for (std::size_t i = 0; i < count; ++i) REQUIRE(keys[i] == i + 1);

  for (std::size_t i = 0; i < count; ++i) keys[i] = i % 2;
  sort_keys(keys, count, 1, scratch);  // two buckets: less than a word of counters
  for (std::size_t i = 0; i < count; ++i) REQUIRE(keys[i] == (i < count / 2 ? 0U : 1U));
}

}  // namespace plait
