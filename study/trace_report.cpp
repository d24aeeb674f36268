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

/// Minimum, median and maximum of what rank_table() lists rank by rank.
std::string rank_summary(const WorkloadInfo& info) {
  TextTable table("Ranks", {"of a rank", "min", "median", "max"}, 1);
  const auto row = [&](const std::string& what, const auto& value, const auto& text) {
    using Value = decltype(value(info.ranks.front()));
    std::vector<Value> values;
    for (const RankInfo& rank : info.ranks) values.push_back(value(rank));
    std::sort(values.begin(), values.end());
    table.add({what, text(values.front()), text(values[values.size() / 2]), text(values.back())});
  };
  const auto plain = [](const auto& value) { return fmt::format("{}", value); };
  const auto with_unit = [](const auto& value) { return human(value); };
  for (const OpKind kind : {OpKind::kCompute, OpKind::kSend, OpKind::kRecv, OpKind::kCollective})
    row(
        std::string(to_string(kind)), [&](const RankInfo& r) { return r.count(kind); }, plain);
  row(
      "sent", [](const RankInfo& r) { return r.sent; }, with_unit);
  row(
      "in collectives", [](const RankInfo& r) { return r.collective_bytes; }, with_unit);
  row(
      "GPU time", [](const RankInfo& r) { return r.gpu_compute; }, with_unit);
  row(
      "CPU time", [](const RankInfo& r) { return r.cpu_compute; }, with_unit);
  row(
      "critical path", [](const RankInfo& r) { return r.critical_path; }, with_unit);
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
  constexpr std::size_t kMostListed = 32;
  const WorkloadInfo info = describe_workload(workload);
  std::uint64_t ops = 0;
  for (const auto& graph : workload.graphs) ops += graph->size();
  std::string text = fmt::format("{}: {} ranks, {} ops, {} process groups\n", title,
                                 info.ranks.size(), ops, workload.groups.size());
  text += fmt::format("critical path across ranks, without network: {}\n\n",
                      info.critical_path ? human(*info.critical_path) : std::string("not known"));
  text += info.ranks.size() > kMostListed ? rank_summary(info) : rank_table(info);
  return text + collective_table(workload, info);
}

std::string trace_check_report(const TraceCheck& check, const std::string& title, bool strict) {
  std::string text =
      fmt::format("{}: {} ranks, {} ops, {} of them without dependencies either way\n", title,
                  check.ranks, check.ops, check.isolated);
  for (const std::string& warning : check.warnings) text += fmt::format("note: {}\n", warning);
  for (std::size_t i = 0; i < kTraceProblems; ++i) {
    const auto problem = static_cast<TraceProblem>(i);
    const TraceProblems::OfClass& found = check.problems.of(problem);
    if (found.count == 0) continue;
    const bool repaired = problem == TraceProblem::kDependency && !strict;
    text += fmt::format("\n{}: {}{}\n", to_string(problem), found.count,
                        repaired ? ", dropped to repair the trace" : "");
    for (const std::string& line : found.shown) text += fmt::format("  {}\n", line);
    if (found.count > found.shown.size())
      text += fmt::format("  ... and {} more\n", found.count - found.shown.size());
  }
  text += check.runs
              ? check.problems.any() ? "\nThe trace runs when repaired.\n" : "\nThe trace runs.\n"
              : "\nThe trace cannot run.\n";
  return text;
}

}  // namespace plait
