// SPDX-License-Identifier: Apache-2.0
#include "sim/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "sim/error.hpp"

namespace plait {

namespace {

__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using): keeps -Wpedantic quiet

struct Unit {
  const char* name;
  std::int64_t scale;  // in base units: ps, bytes, bits per second
};

constexpr std::int64_t kSmallest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

constexpr std::array<Unit, 7> kDurationUnits{{{"ps", 1},
                                              {"ns", 1'000},
                                              {"us", 1'000'000},
                                              {"ms", 1'000'000'000},
                                              {"s", 1'000'000'000'000},
                                              {"min", 60'000'000'000'000},
                                              {"h", 3'600'000'000'000'000}}};
constexpr std::array<Unit, 9> kByteUnits{{{"B", 1},
                                          {"KB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"TB", 1'000'000'000'000},
                                          {"KiB", std::int64_t{1} << 10},
                                          {"MiB", std::int64_t{1} << 20},
                                          {"GiB", std::int64_t{1} << 30},
                                          {"TiB", std::int64_t{1} << 40}}};
constexpr std::array<Unit, 10> kRateUnits{{{"bps", 1},
                                           {"Kbps", 1'000},
                                           {"Mbps", 1'000'000},
                                           {"Gbps", 1'000'000'000},
                                           {"Tbps", 1'000'000'000'000},
                                           {"B/s", 8},
                                           {"KB/s", 8'000},
                                           {"MB/s", 8'000'000},
                                           {"GB/s", 8'000'000'000},
                                           {"TB/s", 8'000'000'000'000}}};

std::string legal(std::span<const Unit> units, std::string_view example) {
  std::string text = "write a number and a unit, one of";
  for (const Unit& unit : units) text += std::string(" ") + unit.name;
  return text + fmt::format(" (for example {})", example);
}

// number * scale, rounded to nearest; nothing if it does not fit. Decimals are taken digit by
// digit, so that 1392171910881941.41ns is exact; only an exponent or very many digits go through
// double.
std::optional<std::int64_t> scaled(std::string_view text, double number, std::int64_t scale) {
  std::string digits(text);
  std::size_t decimals = 0;
  if (const std::size_t point = digits.find('.'); point != std::string::npos) {
    decimals = digits.size() - point - 1;
    digits.erase(point, 1);
  }
  std::int64_t mantissa = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, status] = std::from_chars(digits.data(), end, mantissa);
  if (status == std::errc() && rest == end && decimals <= 18) {
    Wide divisor = 1;
    for (; decimals > 0; --decimals) divisor *= 10;
    const Wide product = static_cast<Wide>(mantissa) * scale;
    const Wide value = (product + (product < 0 ? -divisor : divisor) / 2) / divisor;
    if (value < kSmallest || value > kLargest) return std::nullopt;
    return static_cast<std::int64_t>(value);
  }
  const double value = std::nearbyint(number * static_cast<double>(scale));
  if (std::abs(value) >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::int64_t parse(std::string_view text, std::string_view what, std::span<const Unit> units,
                   std::string_view example) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, number);
  if (status != std::errc() || !std::isfinite(number))
    throw UserError(fmt::format("'{}' is not a {}: {}", text, what, legal(units, example)));
  std::string_view name(rest, static_cast<std::size_t>(end - rest));
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  if (name.empty())
    throw UserError(fmt::format("{} '{}' lacks a unit: {}", what, text, legal(units, example)));
  for (const Unit& unit : units) {
    if (name != unit.name) continue;
    if (const auto value = scaled(std::string_view(text.data(), rest), number, unit.scale))
      return *value;
    throw UserError(fmt::format("{} '{}' is out of range", what, text));
  }
  std::vector<std::string> names;
  for (const Unit& unit : units) names.emplace_back(unit.name);
  throw UserError(fmt::format("{} '{}' has an unknown unit '{}'{}: {}", what, text, name,
                              did_you_mean(name, names), legal(units, example)));
}

// `value` in `unit` with as many decimals as it needs, or nothing if more than six would be needed.
std::string in_unit(std::int64_t value, const Unit& unit) {
  constexpr std::int64_t kMillion = 1'000'000;
  const Wide rest = static_cast<Wide>(value % unit.scale) * kMillion;
  if (rest % unit.scale != 0) return "";
  const auto millionths = static_cast<std::int64_t>(rest / unit.scale);
  std::string text = std::to_string(value / unit.scale);
  if (millionths != 0) {
    std::string decimals = fmt::format("{:06}", millionths < 0 ? -millionths : millionths);
    while (decimals.back() == '0') decimals.pop_back();
    text += "." + decimals;
  }
  return text + unit.name;
}

// The exact text with the fewest letters and digits; of equally short ones, that of the largest
// unit. Units above the value are not considered, so that no text starts with "0." (or loses its
// sign).
std::string print(std::int64_t value, std::span<const Unit> units) {
  const auto length = [](const std::string& text) {
    return text.size() - (text.find('.') != std::string::npos);
  };
  std::string best = std::to_string(value) + units.front().name;
  for (const Unit& unit : units) {
    if (value / unit.scale == 0) continue;
    const std::string text = in_unit(value, unit);
    if (!text.empty() && length(text) <= length(best)) best = text;
  }
  return best;
}

}  // namespace

Duration transmission_time(Bytes size, BitRate rate) {
  PLAIT_CHECK_LT(std::int64_t{0}, rate.bps());
  PLAIT_CHECK_LE(std::int64_t{0}, size.count());
  // A packet's time fits 64 bits; a division of 128 is a call of several times the cost.
  constexpr std::int64_t kBytePs = 8'000'000'000'000, kPacket = 1 << 16;
  if (size.count() <= kPacket && rate.bps() <= kLargest - kPacket * kBytePs) [[likely]]
    return Duration::ps((size.count() * kBytePs + rate.bps() - 1) / rate.bps());
  const Wide bit_ps = static_cast<Wide>(size.count()) * 8 * 1'000'000'000'000;
  const Wide ps = (bit_ps + rate.bps() - 1) / rate.bps();
  PLAIT_CHECK(ps <= kLargest, "transmission time overflows");
  return Duration::ps(static_cast<std::int64_t>(ps));
}

Bytes bytes_in(Duration span, BitRate rate) {
  PLAIT_CHECK_LE(std::int64_t{0}, span.ps());
  PLAIT_CHECK_LE(std::int64_t{0}, rate.bps());
  const Wide bytes = static_cast<Wide>(span.ps()) * rate.bps() / 8 / 1'000'000'000'000;
  PLAIT_CHECK(bytes <= kLargest, "byte count overflows");
  return Bytes(static_cast<std::int64_t>(bytes));
}

Duration parse_duration(std::string_view text) {
  return Duration::ps(parse(text, "duration", kDurationUnits, "1.5us"));
}
Bytes parse_bytes(std::string_view text) { return Bytes(parse(text, "size", kByteUnits, "64KiB")); }
BitRate parse_rate(std::string_view text) {
  return BitRate::bps(parse(text, "rate", kRateUnits, "400Gbps"));
}

std::string to_string(Duration d) { return print(d.ps(), std::span(kDurationUnits).first(5)); }
std::string to_string(SimTime t) {
  return t == SimTime::never() ? "never" : to_string(t.since_start());
}
std::string to_string(Bytes b) { return print(b.count(), kByteUnits); }
std::string to_string(BitRate r) { return print(r.bps(), std::span(kRateUnits).first(5)); }

std::ostream& operator<<(std::ostream& out, Duration d) { return out << to_string(d); }
std::ostream& operator<<(std::ostream& out, SimTime t) { return out << to_string(t); }
std::ostream& operator<<(std::ostream& out, Bytes b) { return out << to_string(b); }
std::ostream& operator<<(std::ostream& out, BitRate r) { return out << to_string(r); }

}  // namespace plait
