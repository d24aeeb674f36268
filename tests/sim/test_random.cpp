// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sim/error.hpp"
#include "sim/hash.hpp"
#include "sim/random.hpp"

using namespace plait;

TEST_CASE("random bits are Philox4x32-10's", "[random]") {
  // tests/kat_vectors of the Random123 distribution (D. E. Shaw Research), rows "philox4x32 10":
  // counter words, key words, expected words. Our counter is (index low, index high, entity,
  // purpose), our key (seed low, seed high).
  using Block = RandomStream::Block;
  CHECK(RandomStream::block(0, 0, 0, 0) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(RandomStream::block(~0ULL, ~0U, ~0U, ~0ULL) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(RandomStream::block(0x299f31d0a4093822, 0x13198a2e, 0x03707344, 0x85a308d3243f6a88) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream hands out its blocks in order", "[random]") {
  RandomStream stream(7, 3, 2);
  for (std::uint64_t index = 0; index < 3; ++index)
    for (const std::uint32_t word : RandomStream::block(7, 3, 2, index))
      CHECK(stream.next_u32() == word);
  RandomStream again(7, 3, 2);
  const RandomStream::Block block = RandomStream::block(7, 3, 2, 0);
  CHECK(again.next_u64() == ((std::uint64_t{block[1]} << 32) | block[0]));
}

TEST_CASE("a stream's draws do not depend on other streams", "[random]") {
  RandomStream alone(1, 5, 0);
  std::vector<std::uint64_t> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(alone.next_u64());

  RandomStream one(1, 5, 0), other_entity(1, 6, 0), other_purpose(1, 5, 1), other_seed(2, 5, 0);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t a = other_entity.next_u64(), b = other_purpose.next_u64(),
                        c = other_seed.next_u64();
    CHECK(one.next_u64() == expected[i]);
    equal += (a == expected[i]) + (b == expected[i]) + (c == expected[i]);
  }
  CHECK(equal == 0);
}

TEST_CASE("uniform draws have the moments of a uniform distribution", "[random]") {
  // Mean 1/2, variance 1/12. Standard error of the mean of n = 1e6 draws: sqrt(1/12/n) = 2.9e-4;
  // of the variance: sqrt((1/80 - 1/144)/n) = 7.5e-5. Bounds are 4 standard errors; seed fixed.
  RandomStream stream(42, 0, 0);
  const int n = 1'000'000;
  double sum = 0, sum_of_squares = 0, smallest = 1, largest = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    smallest = std::min(smallest, u);
    largest = std::max(largest, u);
    sum += u;
    sum_of_squares += u * u;
  }
  const double mean = sum / n;
  CHECK(std::abs(mean - 0.5) < 4 * 2.9e-4);
  CHECK(std::abs(sum_of_squares / n - mean * mean - 1.0 / 12) < 4 * 7.5e-5);
  CHECK(smallest >= 0);
  CHECK(largest < 1);
}

TEST_CASE("below draws each number equally often", "[random]") {
  // Chi-squared of 7 cells, 6 degrees of freedom: 99.9 % quantile 22.46 (any table).
  RandomStream stream(42, 1, 0);
  const int n = 70'000;
  std::vector<int> hits(7);
  for (int i = 0; i < n; ++i) ++hits.at(stream.below(7));
  double chi_squared = 0;
  for (const int h : hits) chi_squared += (h - n / 7.0) * (h - n / 7.0) / (n / 7.0);
  CHECK(chi_squared < 22.46);
  for (int i = 0; i < 10; ++i) CHECK(stream.below(1) == 0);
  CHECK_THROWS_AS(stream.below(0), InternalFault);
}

TEST_CASE("below has no bias where 2^64 is far from a multiple of n", "[random]") {
  // n = 3 * 2^62: of every four draws d, d * n / 2^64 takes the values 3k, 3k, 3k + 1, 3k + 2, so
  // without rejection multiples of 3 come with probability 1/2, not 1/3. Standard error
  // sqrt(2/9/90000) = 1.6e-3; bound 4 of them.
  RandomStream stream(42, 2, 0);
  const std::uint64_t n = std::uint64_t{3} << 62;
  int multiples = 0;
  for (int i = 0; i < 90'000; ++i) multiples += stream.below(n) % 3 == 0;
  CHECK(std::abs(multiples / 90'000.0 - 1.0 / 3) < 4 * 1.6e-3);
}

TEST_CASE("exponential draws have the moments and the tail of the distribution", "[random]") {
  // Mean 1 and variance 1; standard error of the mean 1e-3 at n = 1e6, of the variance
  // sqrt((9 - 1)/n) = 2.8e-3. P(X > 3) = exp(-3) = 0.049787, standard error 2.2e-4.
  RandomStream stream(42, 3, 0);
  const int n = 1'000'000;
  double sum = 0, sum_of_squares = 0;
  int beyond = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.exponential();
    sum += x;
    sum_of_squares += x * x;
    beyond += x > 3;
  }
  const double mean = sum / n;
  CHECK(std::abs(mean - 1) < 4e-3);
  CHECK(std::abs(sum_of_squares / n - mean * mean - 1) < 4 * 2.8e-3);
  CHECK(std::abs(beyond / 1e6 - 0.049787) < 4 * 2.2e-4);
}

TEST_CASE("an exponential duration scales the unit draw", "[random]") {
  RandomStream unit(9, 9, 9), scaled(9, 9, 9);
  for (int i = 0; i < 100; ++i)
    CHECK(scaled.exponential(Duration::ms(1)).ps() == std::llround(unit.exponential() * 1e9));
  CHECK(scaled.exponential(Duration()) == Duration());
}

TEST_CASE("mix64 is SplitMix64's finaliser", "[random]") {
  // First outputs of splitmix64 with seed 1234567, as published in Rosetta Code's task
  // "Pseudo-random numbers/Splitmix64".
  const std::vector<std::uint64_t> expected{6457827717110365317U, 3203168211198807973U,
                                            9817491932198370423U, 4593380528125082431U,
                                            16408922859458223821U};
  std::uint64_t state = 1234567;
  for (const std::uint64_t value : expected) CHECK(mix64(state += kGolden64) == value);
}

TEST_CASE("hash64 distinguishes order and hash_below stays in range", "[random]") {
  CHECK(hash64(1, 2) != hash64(2, 1));
  CHECK(hash64(0, 0) != hash64(0, 1));
  CHECK(hash_below(0, 5) == 0);
  CHECK(hash_below(~0ULL, 5) == 4);
  // 64 consecutive flows over 4 paths: 16 expected each, standard deviation sqrt(64*3/16) = 3.5.
  std::vector<int> hits(4);
  for (std::uint64_t flow = 0; flow < 64; ++flow) ++hits.at(hash_below(hash64(1, flow), 4));
  for (const int h : hits) CHECK(std::abs(h - 16) < 4 * 3.5);
}
