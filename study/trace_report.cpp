// SPDX-License-Identifier: Apache-2.0
#include "study/trace_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "sim/error.hpp"
#include "study/text_table.hpp"
#include "workloads/trace_info.hpp"

namespace plait {

namespace {

constexpr std::string_view kRank = "{rank}";

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// `file` with its number that starts at or before `position` replaced by {rank}.
std::string with_rank(const std::string& file, std::size_t position) {
  std::size_t begin = position;
  while (begin > 0 && is_digit(file[begin - 1])) --begin;
  std::size_t end = begin;
  while (end < file.size() && is_digit(file[end])) ++end;
  if (begin == end) return {};
  return file.substr(0, begin).append(kRank) + file.substr(end);
}

// The last number of the name, not counting one in the suffix such as ".et2".
std::string last_number_as_rank(const std::string& file) {
  const std::size_t folder = file.rfind('/') + 1;  // npos + 1 == 0
  for (std::size_t i = file.size(); i > folder; --i)
    if (is_digit(file[i - 1])) return with_rank(file, i - 1);
  return {};
}

std::string rank_table(const WorkloadInfo& info) {
  TextTable table("Ranks",
                  {"rank", "compute", "send", "recv", "collective", "sent", "in collectives",
                   "GPU time", "CPU time", "critical path"},
                  0);
  for (std::size_t rank = 0; rank < info.ranks.size(); ++rank) {
    const RankInfo& r = info.ranks[rank];
    table.add({fmt::format("{}", rank), fmt::format("{}", r.count(OpKind::kCompute)),
               fmt::format("{}", r.count(OpKind::kSend)), fmt::format("{}", r.count(OpKind::kRecv)),
               fmt::format("{}", r.count(OpKind::kCollective)), human(r.sent),
               human(r.collective_bytes), human(r.gpu_compute), human(r.cpu_compute),
               human(r.critical_path)});
  }
  return table.text();
}

std::string collective_table(const Workload& workload, const WorkloadInfo& info) {
  TextTable table("Collectives, summed over ranks",
                  {"kind", "group", "group size", "calls", "bytes"}, 2);
  for (const CollectiveInfo& c : info.collectives) {
    const Group& group = workload.groups[c.group.index()];
    table.add({std::string(to_string(c.kind)), group.name, fmt::format("{}", group.ranks.size()),
               fmt::format("{}", c.calls), human(c.bytes)});
  }
  return table.text();
}

}  // namespace

std::string trace_pattern(const std::vector<std::string>& files) {
  const std::string& first = files.front();
  std::error_code status;
  for (const std::string& file : files)
    if (std::filesystem::is_directory(file, status))
      throw UserError(fmt::format("'{}' is a folder; give a pattern such as '{}'", file,
                                  (std::filesystem::path(file) / "trace.{rank}.et").string()));
  if (first.find(kRank) != std::string::npos) {
    if (files.size() == 1) return first;
    throw UserError("give one pattern with {rank}, or files");
  }
  if (files.size() == 1 && is_one_file_trace(first)) return first;
  std::string pattern;
  if (files.size() == 1) {
    pattern = last_number_as_rank(first);
  } else {
    const auto differ = std::mismatch(first.begin(), first.end(), files[1].begin(), files[1].end());
    pattern = with_rank(first, static_cast<std::size_t>(differ.first - first.begin()));
  }
  if (pattern.empty())
    throw UserError(
        fmt::format("'{}' has no rank number in its name; give a pattern such as "
                    "dir/trace.{{rank}}.et",
                    first));
  std::vector<std::string> expected;
  for (std::size_t rank = 0; rank < files.size(); ++rank) {
    std::string file = pattern;
    expected.push_back(file.replace(file.find(kRank), kRank.size(), std::to_string(rank)));
  }
  if (files.size() > 1)
    for (const std::string& file : files)
      if (std::find(expected.begin(), expected.end(), file) == expected.end())
        throw UserError(fmt::format("'{}' is not one of '{}' with ranks 0 to {}", file, pattern,
                                    files.size() - 1));
  return pattern;
}

std::string trace_report(const Workload& workload, const std::string& title) {
  const WorkloadInfo info = describe_workload(workload);
  std::string text = fmt::format("{}: {} ranks, {} process groups\n\n", title, info.ranks.size(),
                                 workload.groups.size());
  return text + rank_table(info) + collective_table(workload, info);
}

}  // namespace plait
