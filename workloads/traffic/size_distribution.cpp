// SPDX-License-Identifier: Apache-2.0
#include "workloads/traffic/size_distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <utility>

#include "sim/error.hpp"
#include "sim/text_lines.hpp"

namespace plait {

namespace {

using Point = SizeDistribution::Point;

constexpr std::int64_t kMaxSize = std::int64_t{1} << 40;

// What point `next` may not be after `last`; empty if it may follow.
std::string wrong_step(const Point& last, const Point& next) {
  if (next.size < last.size)
    return fmt::format("size {} after {}: sizes may not fall", to_string(next.size),
                       to_string(last.size));
  if (next.percent < last.percent)
    return fmt::format("{} % after {} %: a cumulative share may not fall", next.percent,
                       last.percent);
  if (next.size == last.size && next.percent == last.percent)
    return fmt::format("the same point as before: {} {} %", to_string(next.size), next.percent);
  return {};
}

std::string wrong_point(const Point& point) {
  if (point.size < Bytes(0) || point.size.count() > kMaxSize)
    return fmt::format("size {}: legal is 0B to 1TiB", to_string(point.size));
  if (!(point.percent >= 0 && point.percent <= 100))
    return fmt::format("{} %: a cumulative share is 0 to 100 percent", point.percent);
  return {};
}

std::string wrong_ends(const std::vector<Point>& points) {
  if (points.size() < 2) return fmt::format("{} points; at least 2 are needed", points.size());
  if (points.front().percent != 0)
    return fmt::format("the first point is at {} %; it must be the smallest size, at 0 %",
                       points.front().percent);
  if (points.back().percent != 100)
    return fmt::format(
        "the last point is at {} %; it must be the largest size, at 100 %{}", points.back().percent,
        points.back().percent == 1 ? " (shares are in percent: multiply by 100)" : "");
  if (points.back().size < Bytes(1)) return "the largest size must be 1 byte at least";
  return {};
}

Bytes parse_size(const std::string& text) {
  if (!text.empty() && text.size() <= 13 &&
      text.find_first_not_of("0123456789") == std::string::npos)
    return Bytes(std::stoll(text));
  return parse_bytes(text);
}

double parse_percent(std::string text) {
  if (text.ends_with('%')) text.pop_back();
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || rest != end || text.empty())
    throw UserError(fmt::format("'{}' is not a share in percent", text));
  return value;
}

Point parse_point(const std::string& line) {
  std::istringstream words(line);
  std::string size, percent, rest;
  if (!(words >> size >> percent) || words >> rest)
    throw UserError(fmt::format("expected SIZE PERCENT, such as '10KB 15', got '{}'", line));
  const Point point{parse_size(size), parse_percent(percent)};
  const std::string wrong = wrong_point(point);
  if (!wrong.empty()) throw UserError(wrong);
  return point;
}

void require(const std::string& wrong) {
  if (!wrong.empty()) throw UserError("flow sizes: " + wrong);
}

}  // namespace

SizeDistribution::SizeDistribution(std::vector<Point> points) : points_(std::move(points)) {
  for (std::size_t i = 0; i < points_.size(); ++i) {
    require(wrong_point(points_[i]));
    if (i > 0) require(wrong_step(points_[i - 1], points_[i]));
  }
  require(wrong_ends(points_));
}

SizeDistribution SizeDistribution::fixed(Bytes size) {
  SizeDistribution distribution({{Bytes(1), 0}, {Bytes(1), 100}});
  distribution.points_ = {{size, 100}};
  return distribution;
}

SizeDistribution SizeDistribution::web_search() {
  return SizeDistribution({{Bytes(0), 0},
                           {Bytes(10'000), 15},
                           {Bytes(20'000), 20},
                           {Bytes(30'000), 30},
                           {Bytes(50'000), 40},
                           {Bytes(80'000), 53},
                           {Bytes(200'000), 60},
                           {Bytes(1'000'000), 70},
                           {Bytes(2'000'000), 80},
                           {Bytes(5'000'000), 90},
                           {Bytes(10'000'000), 97},
                           {Bytes(30'000'000), 100}});
}

SizeDistribution SizeDistribution::hadoop() {
  return SizeDistribution(
      {{Bytes(0), 0},          {Bytes(100), 1},         {Bytes(200), 2},
       {Bytes(300), 5},        {Bytes(350), 15},        {Bytes(400), 20},
       {Bytes(500), 30},       {Bytes(600), 40},        {Bytes(700), 50},
       {Bytes(1'000), 60},     {Bytes(2'000), 67},      {Bytes(7'000), 70},
       {Bytes(30'000), 72},    {Bytes(50'000), 82},     {Bytes(80'000), 87},
       {Bytes(120'000), 90},   {Bytes(300'000), 95},    {Bytes(1'000'000), 97.5},
       {Bytes(2'000'000), 99}, {Bytes(10'000'000), 100}});
}

SizeDistribution SizeDistribution::load(const std::filesystem::path& file) {
  TextLines lines(file);
  std::vector<Point> points;
  while (lines.next()) {
    const std::string line = lines.text().substr(0, lines.text().find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      const Point point = parse_point(line);
      const std::string wrong = points.empty() ? "" : wrong_step(points.back(), point);
      if (!wrong.empty()) throw UserError(wrong);
      points.push_back(point);
    } catch (const UserError& error) {
      throw UserError(lines.where(), error.what());
    }
  }
  const std::string wrong = wrong_ends(points);
  if (!wrong.empty()) throw UserError(fmt::format("{}: {}", file.string(), wrong));
  return SizeDistribution(std::move(points));
}

Bytes SizeDistribution::draw(RandomStream& random) const {
  if (points_.size() == 1) return points_.front().size;
  const double percent = random.uniform() * 100;
  const auto high =
      std::upper_bound(points_.begin(), points_.end(), percent,
                       [](double share, const Point& point) { return share < point.percent; });
  const Point& b = *high;  // exists: percent < 100
  const Point& a = *(high - 1);
  const double part = (percent - a.percent) / (b.percent - a.percent);
  const double bytes = static_cast<double>(a.size.count()) +
                       part * static_cast<double>(b.size.count() - a.size.count());
  return std::max(Bytes(1), Bytes(static_cast<std::int64_t>(bytes)));
}

double SizeDistribution::mean_bytes() const {
  if (points_.size() == 1) return static_cast<double>(points_.front().size.count());
  double mean = 0;
  for (std::size_t i = 1; i < points_.size(); ++i)
    mean += static_cast<double>(points_[i - 1].size.count() + points_[i].size.count()) / 2 *
            (points_[i].percent - points_[i - 1].percent) / 100;
  return mean;
}

}  // namespace plait
