// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file rank_files.hpp
/// The files of a trace with one file per rank, named by a pattern like "dir/meg.{rank}.et.gz".

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "workloads/trace_problems.hpp"

namespace plait {

class RankFiles {
 public:
  /// @throws UserError if the file name has no {rank}.
  explicit RankFiles(const std::string& pattern);

  std::filesystem::path file(std::uint32_t rank) const {
    return folder_ / (prefix_ + std::to_string(rank) + suffix_);
  }
  const std::string& pattern() const { return pattern_; }

  /// One more than the highest rank that has a file.
  /// @throws UserError if the folder cannot be read or there is no such file.
  std::uint32_t count() const;
  /// The lowest rank that has a file. @throws as count().
  std::uint32_t first() const;
  /// Reports each rank below `ranks` whose file is missing.
  void check_all_there(std::uint32_t ranks, const TraceLog& log) const;

 private:
  std::uint32_t rank_count_from(std::string_view name) const;

  std::string pattern_;
  std::filesystem::path folder_;
  std::string prefix_, suffix_;
};

}  // namespace plait
