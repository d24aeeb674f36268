// SPDX-License-Identifier: Apache-2.0
#include "study/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "sim/check.hpp"

namespace plait {
namespace {

constexpr std::size_t kIndent = 2, kGap = 2;
constexpr std::size_t kNarrowest = 8;  // left-aligned cells are not cut below this

/// `value` with `digits` significant digits and never an exponent.
std::string significant(double value, int digits) {
  const int before = value == 0 ? 1 : static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  return fmt::format("{:.{}f}", value, std::max(0, digits - std::max(before, 1)));
}

struct Prefix {
  double factor;
  const char* name;
};

/// Without zeros at the end of its fraction.
std::string trimmed(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return number;
}

template <std::size_t N>
std::string scaled(double value, int digits, const std::array<Prefix, N>& prefixes) {
  const Prefix* chosen = &prefixes[0];
  for (const Prefix& prefix : prefixes)
    if (std::abs(value) >= prefix.factor) chosen = &prefix;
  return trimmed(significant(value / chosen->factor, digits)) + chosen->name;
}

std::string fitted(const std::string& text, std::size_t width, bool left) {
  if (text.size() > width) return text.substr(0, width - 2) + "..";
  return left ? fmt::format("{:<{}}", text, width) : fmt::format("{:>{}}", text, width);
}

}  // namespace

TextTable::TextTable(std::string title, std::vector<std::string> header, std::size_t left_columns)
    : title_(std::move(title)), left_columns_(left_columns), rows_{std::move(header)} {}

void TextTable::add(std::vector<std::string> cells) {
  PLAIT_CHECK_EQ(cells.size(), rows_[0].size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TextTable::column_widths(std::size_t width) const {
  std::vector<std::size_t> widths(rows_[0].size(), 0);
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::size_t total = kIndent;
  for (std::size_t w : widths) total += w + kGap;
  total -= kGap;
  while (total > width) {
    const auto left_end = widths.begin() + static_cast<std::ptrdiff_t>(left_columns_);
    const auto widest = std::max_element(widths.begin(), left_end);
    if (widest == left_end || *widest <= kNarrowest) break;
    --*widest;
    --total;
  }
  return widths;
}

std::string TextTable::text(std::size_t width) const {
  if (size() == 0) return "";
  const std::vector<std::size_t> widths = column_widths(width);
  std::string out = title_ + "\n";
  for (const auto& row : rows_) {
    std::string line(kIndent, ' ');
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) line.append(kGap, ' ');
      line += fitted(row[c], widths[c], c < left_columns_);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out + "\n";
}

TimeUnit time_unit(Duration largest) {
  if (largest < Duration::us(1)) return {"ns", 1e3};
  if (largest < Duration::ms(1)) return {"us", 1e6};
  if (largest < Duration::s(1)) return {"ms", 1e9};
  return {"s", 1e12};
}

std::string human(Duration d, int digits) {
  if (d == Duration()) return "0";
  const TimeUnit unit = time_unit(d);
  return significant(static_cast<double>(d.ps()) / unit.picoseconds, digits) + " " + unit.name;
}

std::string human(Bytes b) {
  static constexpr std::array<Prefix, 5> kPrefixes{{{1, " B"},
                                                    {1024.0, " KiB"},
                                                    {1048576.0, " MiB"},
                                                    {1073741824.0, " GiB"},
                                                    {1099511627776.0, " TiB"}}};
  if (b < Bytes::kibi(1)) return fmt::format("{} B", b.count());
  return scaled(static_cast<double>(b.count()), 4, kPrefixes);
}

std::string human_rate(double bits_per_s) {
  static constexpr std::array<Prefix, 4> kPrefixes{
      {{1e3, " Kb/s"}, {1e6, " Mb/s"}, {1e9, " Gb/s"}, {1e12, " Tb/s"}}};
  return scaled(bits_per_s, 3, kPrefixes);
}

std::string human_count(double count) {
  static constexpr std::array<Prefix, 4> kPrefixes{
      {{1, ""}, {1e3, " k"}, {1e6, " M"}, {1e9, " G"}}};
  return count < 10'000 ? fmt::format("{:.0f}", count) : scaled(count, 3, kPrefixes);
}

std::string counted(std::size_t count, std::string_view noun, std::string_view plural) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : plural);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace plait
