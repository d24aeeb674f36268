// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <utility>

#include "sim/error.hpp"
#include "workloads/chakra/process_groups.hpp"
#include "workloads/chakra/rank.hpp"
#include "workloads/message_tags.hpp"
#include "workloads/op_order.hpp"
#include "workloads/workload_check.hpp"

namespace plait {

namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPlaceholder = "{rank}";

/// The files of a pattern like "dir/meg.{rank}.et.gz".
class RankFiles {
 public:
  explicit RankFiles(const std::string& pattern) : pattern_(pattern) {
    const fs::path path(pattern);
    folder_ = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const std::string name = path.filename().string();
    const std::size_t at = name.find(kPlaceholder);
    if (at == std::string::npos || folder_.string().find(kPlaceholder) != std::string::npos)
      throw UserError(fmt::format(
          "{}: the trace's file name must contain {{rank}} in place of the rank's number",
          pattern));
    prefix_ = name.substr(0, at);
    suffix_ = name.substr(at + kPlaceholder.size());
  }

  fs::path file(std::uint32_t rank) const {
    return folder_ / (prefix_ + std::to_string(rank) + suffix_);
  }

  /// One more than the highest rank that has a file.
  std::uint32_t count() const {
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

 private:
  /// Rank + 1 if `name` is a rank's file, else 0.
  std::uint32_t rank_count_from(std::string_view name) const {
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

  std::string pattern_;
  fs::path folder_;
  std::string prefix_, suffix_;
};

void check_all_there(const RankFiles& files, std::uint32_t ranks) {
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    std::error_code ignored;
    if (!fs::exists(files.file(rank), ignored))
      throw UserError(fmt::format("{}: the trace of rank {} of {} is missing",
                                  files.file(rank).string(), rank, ranks));
  }
}

}  // namespace

Workload load_chakra_workload(const std::string& pattern, const TraceOptions& options,
                              std::vector<std::string>* warnings) {
  const RankFiles files(pattern);
  const std::uint32_t ranks = options.ranks ? *options.ranks : files.count();
  if (ranks == 0) throw UserError(fmt::format("{}: a workload has at least 1 rank", pattern));
  check_all_there(files, ranks);

  ProcessGroups groups(ranks);
  if (!options.group_file.empty()) groups.load(options.group_file);
  Workload workload;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    ChakraRepairs repairs;
    workload.graphs.push_back(std::make_shared<const OpGraph>(read_chakra_rank(
        files.file(rank), RankId(rank), groups, options.strict ? nullptr : &repairs)));
    if (repairs.any() && warnings != nullptr)
      warnings->push_back(fmt::format(
          "{}: dropped dependencies: {} on the op itself, {} on missing ops, {} in cycles",
          files.file(rank).string(), repairs.self, repairs.dangling, repairs.forward));
  }
  workload.groups = groups.groups();
  check_workload(workload, pattern);
  return order_across_ranks(compact_tags(std::move(workload)));
}

}  // namespace plait
