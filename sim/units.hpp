// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file units.hpp
/// Quantities as types: Duration and SimTime (int64 picoseconds, range +-106 days), Bytes and
/// BitRate (int64). A point in time and a span of time are different types. Additions of times are
/// checked for overflow. Text carries a unit: "400Gbps", "1.5us", "64KiB".

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "sim/check.hpp"

namespace plait {

namespace detail {
constexpr std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) [[unlikely]]
    check_op_failed(__FILE__, __LINE__, "a + b fits 64-bit picoseconds", a, b);
  return sum;
}
constexpr std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) [[unlikely]]
    check_op_failed(__FILE__, __LINE__, "a * b fits 64 bits", a, b);
  return product;
}
}  // namespace detail

/// Span of simulated time, whole picoseconds.
class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration ps(std::int64_t n) { return Duration(n); }
  static constexpr Duration ns(std::int64_t n) { return Duration(detail::checked_mul(n, 1'000)); }
  static constexpr Duration us(std::int64_t n) { return ns(detail::checked_mul(n, 1'000)); }
  static constexpr Duration ms(std::int64_t n) { return us(detail::checked_mul(n, 1'000)); }
  static constexpr Duration s(std::int64_t n) { return ms(detail::checked_mul(n, 1'000)); }
  static constexpr Duration max() { return Duration(INT64_MAX); }

  constexpr std::int64_t ps() const { return ps_; }
  constexpr double to_ns() const { return static_cast<double>(ps_) * 1e-3; }
  constexpr double to_us() const { return static_cast<double>(ps_) * 1e-6; }
  constexpr double to_ms() const { return static_cast<double>(ps_) * 1e-9; }
  constexpr double to_s() const { return static_cast<double>(ps_) * 1e-12; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) {
    return Duration(detail::checked_add(a.ps_, b.ps_));
  }
  friend constexpr Duration operator-(Duration a, Duration b) { return Duration(a.ps_ - b.ps_); }
  friend constexpr Duration operator*(Duration a, std::int64_t n) {
    return Duration(detail::checked_mul(a.ps_, n));
  }
  friend constexpr Duration operator*(std::int64_t n, Duration a) { return a * n; }
  friend constexpr Duration operator/(Duration a, std::int64_t n) { return Duration(a.ps_ / n); }
  friend constexpr std::int64_t operator/(Duration a, Duration b) { return a.ps_ / b.ps_; }
  constexpr Duration& operator+=(Duration d) { return *this = *this + d; }
  constexpr Duration& operator-=(Duration d) { return *this = *this - d; }

 private:
  constexpr explicit Duration(std::int64_t n) : ps_(n) {}
  std::int64_t ps_ = 0;
};

/// Point in simulated time, counted from the start of the run.
class SimTime {
 public:
  constexpr SimTime() = default;
  static constexpr SimTime at(Duration since_start) { return SimTime(since_start.ps()); }
  static constexpr SimTime ps(std::int64_t n) { return SimTime(n); }
  static constexpr SimTime zero() { return SimTime(); }
  /// Later than every event; means "never".
  static constexpr SimTime never() { return SimTime(INT64_MAX); }

  constexpr std::int64_t ps() const { return ps_; }
  constexpr double to_us() const { return static_cast<double>(ps_) * 1e-6; }
  constexpr Duration since_start() const { return Duration::ps(ps_); }

  friend constexpr auto operator<=>(SimTime, SimTime) = default;
  friend constexpr SimTime operator+(SimTime t, Duration d) {
    return SimTime(detail::checked_add(t.ps_, d.ps()));
  }
  friend constexpr SimTime operator-(SimTime t, Duration d) { return SimTime(t.ps_ - d.ps()); }
  friend constexpr Duration operator-(SimTime a, SimTime b) { return Duration::ps(a.ps_ - b.ps_); }
  constexpr SimTime& operator+=(Duration d) { return *this = *this + d; }

 private:
  constexpr explicit SimTime(std::int64_t n) : ps_(n) {}
  std::int64_t ps_ = 0;
};

/// Amount of data.
class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::int64_t n) : count_(n) {}
  static constexpr Bytes kilo(std::int64_t n) { return Bytes(n * 1'000); }
  static constexpr Bytes mega(std::int64_t n) { return Bytes(n * 1'000'000); }
  static constexpr Bytes kibi(std::int64_t n) { return Bytes(n << 10); }
  static constexpr Bytes mebi(std::int64_t n) { return Bytes(n << 20); }
  static constexpr Bytes gibi(std::int64_t n) { return Bytes(n << 30); }

  constexpr std::int64_t count() const { return count_; }

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.count_ + b.count_); }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return Bytes(a.count_ - b.count_); }
  friend constexpr Bytes operator*(Bytes a, std::int64_t n) {
    return Bytes(detail::checked_mul(a.count_, n));
  }
  friend constexpr Bytes operator/(Bytes a, std::int64_t n) { return Bytes(a.count_ / n); }
  constexpr Bytes& operator+=(Bytes b) { return *this = *this + b; }
  constexpr Bytes& operator-=(Bytes b) { return *this = *this - b; }

 private:
  std::int64_t count_ = 0;
};

/// Data rate in bits per second.
class BitRate {
 public:
  constexpr BitRate() = default;
  static constexpr BitRate bps(std::int64_t n) { return BitRate(n); }
  static constexpr BitRate mbps(std::int64_t n) { return BitRate(n * 1'000'000); }
  static constexpr BitRate gbps(std::int64_t n) { return BitRate(n * 1'000'000'000); }
  /// n * 10^9 bytes per second, the unit of NVLink data sheets.
  static constexpr BitRate gigabytes_per_s(std::int64_t n) { return gbps(8 * n); }

  constexpr std::int64_t bps() const { return bps_; }
  constexpr double to_gbps() const { return static_cast<double>(bps_) * 1e-9; }

  friend constexpr auto operator<=>(BitRate, BitRate) = default;
  friend constexpr BitRate operator*(BitRate r, std::int64_t n) {
    return BitRate(detail::checked_mul(r.bps_, n));
  }
  friend constexpr BitRate operator/(BitRate r, std::int64_t n) { return BitRate(r.bps_ / n); }

 private:
  constexpr explicit BitRate(std::int64_t n) : bps_(n) {}
  std::int64_t bps_ = 0;
};

/// Time to put `size` on a wire of `rate`: 8 * size / rate, rounded up to a whole picosecond.
/// @pre size >= 0, rate > 0.
Duration transmission_time(Bytes size, BitRate rate);

/// Whole bytes that `rate` carries in `span`, rounded down. @pre span >= 0, rate >= 0.
Bytes bytes_in(Duration span, BitRate rate);

/// Parsers of user text. Unit names are case-sensitive where SI is; a bare number is refused.
/// Durations: ps ns us ms s min h. Bytes: B KB MB GB TB (powers of 1000), KiB MiB GiB TiB. Rates:
/// bps Kbps Mbps Gbps Tbps, and B/s KB/s MB/s GB/s TB/s. A fraction is allowed where the result is
/// a whole number of picoseconds, bytes or bits per second (else it is rounded to nearest).
/// @throws UserError naming the text, what is wrong and the legal units.
Duration parse_duration(std::string_view text);
Bytes parse_bytes(std::string_view text);
BitRate parse_rate(std::string_view text);

/// Shortest text that the parser reads back to the same value: "1.5us", "64KiB", "400Gbps".
std::string to_string(Duration d);
std::string to_string(SimTime t);
std::string to_string(Bytes b);
std::string to_string(BitRate r);

std::ostream& operator<<(std::ostream& out, Duration d);
std::ostream& operator<<(std::ostream& out, SimTime t);
std::ostream& operator<<(std::ostream& out, Bytes b);
std::ostream& operator<<(std::ostream& out, BitRate r);

}  // namespace plait
