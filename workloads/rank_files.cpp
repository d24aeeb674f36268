// SPDX-License-Identifier: Apache-2.0
#include "workloads/rank_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <system_error>

#include "sim/error.hpp"

namespace plait {

namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPlaceholder = "{rank}";

}  // namespace

RankFiles::RankFiles(const std::string& pattern) : pattern_(pattern) {
  const fs::path path(pattern);
  folder_ = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string name = path.filename().string();
  const std::size_t at = name.find(kPlaceholder);
  if (at == std::string::npos || folder_.string().find(kPlaceholder) != std::string::npos)
    throw UserError(fmt::format(
        "{}: the trace's file name must contain {{rank}} in place of the rank's number", pattern));
  prefix_ = name.substr(0, at);
  suffix_ = name.substr(at + kPlaceholder.size());
}

/// Rank + 1 if `name` is a rank's file, else 0.
std::uint32_t RankFiles::rank_count_from(std::string_view name) const {
  constexpr std::uint32_t kMaxRanks = 1U << 20;
  if (name.size() <= prefix_.size() + suffix_.size() || !name.starts_with(prefix_) ||
      !name.ends_with(suffix_))
    return 0;
  const std::string_view digits =
      name.substr(prefix_.size(), name.size() - prefix_.size() - suffix_.size());
  std::uint32_t rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && rank < kMaxRanks && digits == std::to_string(rank) ? rank + 1 : 0;
}

std::uint32_t RankFiles::count() const {
  std::error_code error;
  const fs::directory_iterator entries(folder_, error);
  if (error)
    throw UserError(fmt::format("{}: folder {} cannot be read: {}", pattern_, folder_.string(),
                                error.message()));
  std::uint32_t count = 0;
  for (const fs::directory_entry& entry : entries)
    count = std::max(count, rank_count_from(entry.path().filename().string()));
  if (count == 0)
    throw UserError(fmt::format("{}: no file of this name in {}", pattern_, folder_.string()));
  return count;
}

std::uint32_t RankFiles::first() const {
  const std::uint32_t ranks = count();
  std::error_code ignored;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    if (fs::exists(file(rank), ignored)) return rank;
  return 0;
}

void RankFiles::check_all_there(std::uint32_t ranks, const TraceLog& log) const {
  std::error_code ignored;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    if (!fs::exists(file(rank), ignored))
      log.fail(TraceProblem::kFile, fmt::format("{}: the trace of rank {} of {} is missing",
                                                file(rank).string(), rank, ranks));
}

}  // namespace plait
