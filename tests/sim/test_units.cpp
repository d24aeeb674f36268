// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>

#include "sim/error.hpp"
#include "sim/random.hpp"
#include "sim/units.hpp"

using namespace plait;

namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};

// Any magnitude and, half the time, a round one: whole multiples of a power of ten or of two.
std::int64_t some_count(RandomStream& random) {
  auto value = static_cast<std::int64_t>(random.next_u64() >> (1 + random.below(63)));
  const std::uint64_t shape = random.below(4);
  for (std::uint64_t i = random.below(13); shape == 0 && i > 0; --i)
    if (value < kLargest / 10) value *= 10;
  if (shape == 1) value = (value & 1023) << (10 * random.below(5));
  return value;
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no UserError";
}

}  // namespace

// Points in time do not add up, and quantities of different kinds do not mix.
static_assert(!Addable<SimTime, SimTime>);
static_assert(!Addable<Duration, SimTime>);
static_assert(!Addable<Bytes, Duration>);
static_assert(!std::is_convertible_v<std::int64_t, Bytes>);

TEST_CASE("named units", "[units]") {
  CHECK(Duration::s(1).ps() == 1'000'000'000'000);
  CHECK(Duration::us(2) == Duration::ns(2000));
  CHECK(Bytes::kilo(1).count() == 1000);
  CHECK(Bytes::kibi(1).count() == 1024);
  CHECK(Bytes::mebi(1) == Bytes::kibi(1024));
  CHECK(BitRate::gigabytes_per_s(25) == BitRate::gbps(200));
  CHECK(SimTime::at(Duration::us(3)) - SimTime::at(Duration::us(1)) == Duration::us(2));
}

TEST_CASE("times that overflow are faults, not wrong results", "[units]") {
  CHECK_THROWS_AS(Duration::max() + Duration::ps(1), InternalFault);
  CHECK_THROWS_AS(SimTime::never() + Duration::ps(1), InternalFault);
  CHECK_THROWS_AS(Duration::s(9'223'373), InternalFault);  // 2^63 ps = 9,223,372.04 s
  CHECK(Duration::s(9'223'372) < Duration::max());
  CHECK_THROWS_AS(Duration::max() * 2, InternalFault);
  CHECK_THROWS_AS(Bytes(kLargest) * 2, InternalFault);
  CHECK_THROWS_AS(BitRate::bps(kLargest) * 2, InternalFault);
}

TEST_CASE("transmission time is exact where it is whole", "[units]") {
  CHECK(transmission_time(Bytes(1), BitRate::gbps(400)) == Duration::ps(20));  // 8 / 400e9 s
  CHECK(transmission_time(Bytes(1), BitRate::gbps(800)) == Duration::ps(10));
  // 1048 B at 100 Gb/s: 8384 bits / 100e9 = 83.84 ns
  CHECK(transmission_time(Bytes(1048), BitRate::gbps(100)) == Duration::ps(83'840));
  CHECK(transmission_time(Bytes(0), BitRate::gbps(100)) == Duration());
}

TEST_CASE("transmission time is rounded up", "[units]") {
  // 8 bits / 3 bps = 2.666... s
  CHECK(transmission_time(Bytes(1), BitRate::bps(3)) == Duration::ps(2'666'666'666'667));
  // 8 bits / 1.6 Tb/s = 5 ps; at 1.7 Tb/s 4.7 ps
  CHECK(transmission_time(Bytes(1), BitRate::gbps(1600)) == Duration::ps(5));
  CHECK(transmission_time(Bytes(1), BitRate::gbps(1700)) == Duration::ps(5));
  // 2^40 bytes at 400 Gb/s: 20 ps each; the product 8 * 2^40 * 10^12 needs 83 bits
  CHECK(transmission_time(Bytes(std::int64_t{1} << 40), BitRate::gbps(400)) ==
        Duration::ps(20 * (std::int64_t{1} << 40)));
}

TEST_CASE("transmission time on both sides of what 64 bits hold", "[units]") {
  // 8e12 * 65,536 = 524,288e12 and 8e12 more, over 1e9: exact. At 3e9 both are rounded up.
  CHECK(transmission_time(Bytes(65'536), BitRate::gbps(1)) == Duration::ps(524'288'000));
  CHECK(transmission_time(Bytes(65'537), BitRate::gbps(1)) == Duration::ps(524'296'000));
  CHECK(transmission_time(Bytes(65'536), BitRate::gbps(3)) == Duration::ps(174'762'667));
  CHECK(transmission_time(Bytes(65'537), BitRate::gbps(3)) == Duration::ps(174'765'334));
  // At 2^63 - 1 bit/s a byte takes 8e12 / 9.2e18 ps, rounded up to one.
  CHECK(transmission_time(Bytes(65'536), BitRate::bps(kLargest)) == Duration::ps(1));
  const std::int64_t most = kLargest - 65'536 * 8'000'000'000'000;  // with which the sum fits
  CHECK(transmission_time(Bytes(65'536), BitRate::bps(most)) == Duration::ps(1));
  CHECK(transmission_time(Bytes(65'536), BitRate::bps(most + 1)) == Duration::ps(1));
}

TEST_CASE("transmission time refuses what has no answer", "[units]") {
  CHECK_THROWS_AS(transmission_time(Bytes(1), BitRate()), InternalFault);
  CHECK_THROWS_AS(transmission_time(Bytes(-1), BitRate::gbps(1)), InternalFault);
  CHECK_THROWS_AS(transmission_time(Bytes(kLargest), BitRate::bps(1)), InternalFault);
}

TEST_CASE("bytes_in is the inverse of transmission_time", "[units][property]") {
  // With t = ceil(8e12 * b / r): t carries at least b, and t - 1 ps less than b.
  RandomStream random(3, 0, 0);
  for (int i = 0; i < 2'000; ++i) {
    // Half of the sizes are those of packets, which are computed in 64 bits.
    const std::uint64_t most = i % 2 == 0 ? 70'000 : 1'000'000'000;
    const Bytes size(static_cast<std::int64_t>(1 + random.below(most)));
    // Above 8 Tb/s a picosecond carries several bytes and the inverse is not unique.
    const BitRate rate =
        BitRate::bps(static_cast<std::int64_t>(1'000 + random.below(8'000'000'000'000)));
    const Duration time = transmission_time(size, rate);
    CHECK(bytes_in(time, rate) == size);
    CHECK(bytes_in(time - Duration::ps(1), rate) == size - Bytes(1));
  }
  CHECK(bytes_in(Duration::us(1), BitRate::gbps(100)) == Bytes(12'500));  // 1e-6 * 100e9 / 8
}

TEST_CASE("text is parsed with its unit", "[units]") {
  CHECK(parse_duration("1.5us") == Duration::ns(1500));
  CHECK(parse_duration(" 20 ps ") == Duration::ps(20));
  CHECK(parse_duration("2min") == Duration::s(120));
  CHECK(parse_duration("1h") == Duration::s(3600));
  CHECK(parse_duration("-3ns") == Duration::ns(-3));
  CHECK(parse_duration("1e3ns") == Duration::us(1));
  CHECK(parse_duration("0.4ps") == Duration());  // rounded to nearest
  CHECK(parse_duration("0.6ps") == Duration::ps(1));
  CHECK(parse_bytes("64KiB") == Bytes(65'536));
  CHECK(parse_bytes("64KB") == Bytes(64'000));
  CHECK(parse_bytes("1.5MB") == Bytes(1'500'000));
  CHECK(parse_rate("400Gbps") == BitRate::gbps(400));
  CHECK(parse_rate("25GB/s") == BitRate::gbps(200));
  CHECK(parse_rate("12.5Mbps") == BitRate::bps(12'500'000));
  // Above 2^53 a whole number still is exact: it does not pass through double.
  CHECK(parse_duration("9007199254740993ps") == Duration::ps(9'007'199'254'740'993));
  CHECK(parse_duration("9007199254740.993ns") == Duration::ps(9'007'199'254'740'993));
  CHECK(parse_duration("0.0000000000010000000001s") == Duration::ps(1));  // 22 decimals
  CHECK(parse_duration("-0.0000000000006s") == Duration::ps(-1));
  CHECK(parse_duration("1.5e-6s") == Duration::ns(1500));
}

TEST_CASE("wrong text says what is wrong and what is legal", "[units]") {
  using Catch::Contains;
  CHECK_THAT(message_of([] { parse_rate("400"); }),
             Contains("rate '400' lacks a unit") && Contains("Gbps"));
  CHECK_THAT(message_of([] { parse_rate("400Gbsp"); }),
             Contains("unknown unit 'Gbsp'") && Contains("did you mean 'Gbps'?"));
  CHECK_THAT(message_of([] { parse_bytes("64kib"); }), Contains("did you mean 'KiB'?"));
  CHECK_THAT(message_of([] { parse_duration("fast"); }), Contains("'fast' is not a duration"));
  CHECK_THAT(message_of([] { parse_duration(""); }), Contains("'' is not a duration"));
  CHECK_THAT(message_of([] { parse_duration("infs"); }), Contains("not a duration"));
  CHECK_THAT(message_of([] { parse_duration("nans"); }), Contains("not a duration"));
  CHECK_THAT(message_of([] { parse_duration("3000h"); }), Contains("out of range"));
  CHECK_THAT(message_of([] { parse_duration("1e300s"); }), Contains("out of range"));
  CHECK_THAT(message_of([] { parse_bytes("99999999999999999999B"); }), Contains("out of range"));
  CHECK_THAT(message_of([] { parse_bytes("1KB2"); }), Contains("unknown unit 'KB2'"));
}

TEST_CASE("values print in the unit in which they are short", "[units]") {
  CHECK(to_string(Duration::ns(1500)) == "1.5us");
  CHECK(to_string(Duration::ps(83'840)) == "83.84ns");
  CHECK(to_string(Duration()) == "0ps");
  CHECK(to_string(Duration::ns(-1500)) == "-1.5us");
  CHECK(to_string(Duration::s(7200)) == "7200s");
  CHECK(to_string(Bytes::kibi(64)) == "64KiB");
  CHECK(to_string(Bytes::mega(2)) == "2MB");
  CHECK(to_string(Bytes(1048)) == "1048B");
  CHECK(to_string(Bytes::kilo(400)) == "400KB");
  CHECK(to_string(Bytes::mebi(32)) == "32MiB");
  CHECK(to_string(Duration::ps(17'002'842)) == "17.002842us");
  CHECK(to_string(BitRate::gbps(400)) == "400Gbps");
  CHECK(to_string(BitRate::gbps(1600)) == "1.6Tbps");
  CHECK(to_string(SimTime::at(Duration::us(2))) == "2us");
  CHECK(to_string(SimTime::never()) == "never");
}

TEST_CASE("what is printed reads back to the same value", "[units][property]") {
  RandomStream random(4, 0, 0);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t n = some_count(random);
    CAPTURE(n);
    REQUIRE(parse_duration(to_string(Duration::ps(n))) == Duration::ps(n));
    REQUIRE(parse_duration(to_string(Duration::ps(-n))) == Duration::ps(-n));
    REQUIRE(parse_bytes(to_string(Bytes(n))) == Bytes(n));
    REQUIRE(parse_rate(to_string(BitRate::bps(n))) == BitRate::bps(n));
  }
  for (const std::int64_t n : {kLargest, -kLargest, std::int64_t{0}, std::int64_t{1}})
    CHECK(parse_duration(to_string(Duration::ps(n))) == Duration::ps(n));
}
