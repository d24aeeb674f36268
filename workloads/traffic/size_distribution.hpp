// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file size_distribution.hpp
/// Sizes of flows drawn from a cumulative distribution (CDF) that is linear between its points.
///
/// Named distributions are the ones with which the field compares congestion controls, with the
/// points of HPCC's artefact (github.com/alibaba-edu/High-Precision-Congestion-Control,
/// traffic_gen/): WebSearch_distribution.txt (after Alizadeh et al., "Data Center TCP", SIGCOMM
/// 2010) and FbHdp_distribution.txt (after Roy et al., "Inside the Social Network's (Datacenter)
/// Network", SIGCOMM 2015, Hadoop). Its sampling too: a uniform draw, interpolated, cut to a whole
/// number of bytes, at least 1.

#include <filesystem>
#include <vector>

#include "sim/random.hpp"
#include "sim/units.hpp"

namespace plait {

class SizeDistribution {
 public:
  struct Point {
    Bytes size;
    double percent;  ///< Of flows that are not larger.
  };

  /// @throws UserError unless there are two points at least, from 0 to 100 percent, neither sizes
  /// nor shares fall, each point differs from the one before, and the largest size is 1 at least.
  explicit SizeDistribution(std::vector<Point> points);
  static SizeDistribution fixed(Bytes size);
  static SizeDistribution web_search();
  static SizeDistribution hadoop();
  /// Lines `SIZE PERCENT`, for example `10KB 15` or `10000 15`: a size without a unit is in bytes.
  /// Empty lines and what follows a # are skipped. @throws UserError naming file and line.
  static SizeDistribution load(const std::filesystem::path& file);

  Bytes draw(RandomStream& random) const;
  /// Of the continuous distribution; draws are half a byte smaller on average.
  double mean_bytes() const;
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point> points_;  // one alone: that size always
};

}  // namespace plait
