// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "sim/channel.hpp"
#include "sim/chunk.hpp"

using namespace plait;

namespace {

// Whether [begin, begin + bytes) of all ranges are apart.
class Ranges {
 public:
  void add(const void* begin, std::size_t bytes) {
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    apart_ &= ends_.emplace(at, at + bytes).second;
  }
  bool are_apart() const {
    std::uintptr_t before = 0;
    for (const auto& [begin, end] : ends_) {
      if (begin < before) return false;
      before = end;
    }
    return apart_;
  }

 private:
  std::map<std::uintptr_t, std::uintptr_t> ends_;
  bool apart_ = true;
};

template <std::size_t kSize>
struct Item {
  std::array<std::uint8_t, kSize> bytes;
};

}  // namespace

TEMPLATE_TEST_CASE_SIG("chunks and annexes lie apart", "[chunk]", ((std::size_t kSize), kSize), 5,
                       8, 12, 24, 40) {
  using Pool = ChunkPool<Item<kSize>>;
  for (const std::size_t annex_bytes : {std::size_t{0}, std::size_t{8}, std::size_t{40}}) {
    CAPTURE(annex_bytes);
    Pool pool(annex_bytes);
    Ranges ranges;
    for (std::size_t i = 0; i < 3 * Pool::kBlockChunks; ++i) {
      const auto* chunk = pool.take();
      CHECK(chunk->next == nullptr);
      ranges.add(chunk, Chunk<Item<kSize>>::kBytes);
      if (annex_bytes == 0) continue;
      for (const Item<kSize>& item : chunk->items)
        ranges.add(annex(&item, annex_bytes), annex_bytes);
    }
    CHECK(ranges.are_apart());
  }
}

TEST_CASE("the place behind the last item of a chunk is known by its address", "[chunk]") {
  using Chunk24 = Chunk<Item<24>>;
  static_assert(Chunk24::kItems == 10);  // (256 - 16) / 24
  ChunkPool<Item<24>> pool;
  for (int i = 0; i < 600; ++i) {
    const Chunk24* chunk = pool.take();
    for (std::uint32_t n = 0; n < Chunk24::kItems; ++n)
      CHECK_FALSE(Chunk24::ends_at(&chunk->items[n]));
    CHECK(Chunk24::ends_at(chunk->items + Chunk24::kItems));
  }
  CHECK(Chunk24::ends_at(nullptr));
}

TEST_CASE("blocks of a pool grow up to a huge page", "[chunk]") {
  using Pool = ChunkPool<Item<24>>;
  static_assert(Pool::kBlockBytes == 64 * 1024);
  Pool pool;
  std::vector<std::size_t> blocks;  // KB
  for (int i = 0; i < 5 * 8192; ++i) {
    const std::size_t before = pool.memory_bytes();
    pool.take();
    if (pool.memory_bytes() != before) blocks.push_back((pool.memory_bytes() - before) / 1024);
  }
  // Each the largest power of two in what the pool has and 64 KB more: 0 + 64, 64 + 64 = 128,
  // 192 + 64 = 256 and so on, up to 2 MB. 40960 chunks are 10 MB.
  CHECK(blocks == std::vector<std::size_t>{64, 128, 256, 512, 1024, 2048, 2048, 2048, 2048, 2048});
}

TEST_CASE("a writer appends behind whatever a chain holds", "[chunk]") {
  ChunkPool<Item<24>> pool;
  for (std::uint8_t held = 0; held < 25; ++held) {
    CAPTURE(held);
    OutChain<Item<24>> chain;
    for (std::uint8_t i = 0; i < held; ++i) chain.append(pool, {{i}});
    ChainWriter<Item<24>> writer(chain);
    for (std::uint8_t i = held; i < held + 25; ++i) CHECK(writer.append(pool, {{i}}).bytes[0] == i);
    writer.finish();
    std::vector<std::uint8_t> found, expected;
    chain.for_each([&](const Item<24>& item) { found.push_back(item.bytes[0]); });
    for (std::uint8_t i = 0; i < held + 25; ++i) expected.push_back(i);
    CHECK(found == expected);
    CHECK(chain.tail->next == nullptr);
  }
}

TEST_CASE("a block is aligned as asked, or to huge pages", "[chunk]") {
  const auto at = [](const MemoryBlock& block) {
    return reinterpret_cast<std::uintptr_t>(block.get());
  };
  for (const std::size_t alignment : {64U, 4096U, 65536U}) {
    const MemoryBlock small = allocate_block(3 * 65536, alignment);
    CHECK(at(small) % alignment == 0);
    const MemoryBlock large = allocate_block(2 * kHugePage, alignment);
    CHECK(at(large) % kHugePage == 0);
    large[0] = large[2 * kHugePage - 1] = std::byte{1};
  }
}
