// SPDX-License-Identifier: Apache-2.0
#include "workloads/chakra/reader.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "sim/error.hpp"
#include "workloads/chakra/process_groups.hpp"
#include "workloads/chakra/rank.hpp"
#include "workloads/rank_files.hpp"
#include "workloads/trace_finish.hpp"
#include "workloads/uneven.hpp"

namespace plait {

namespace {

std::string describe(const ChakraRepairs& repairs) {
  const DependencyRepairs& dropped = repairs.dependencies;
  std::string text;
  if (dropped.any())
    text = fmt::format("dropped dependencies: {} on the op itself, {} on missing ops, {} in cycles",
                       dropped.self, dropped.dangling, dropped.forward);
  if (repairs.opaque_collectives > 0)
    text += fmt::format(
        "{}{} collectives have neither comm_type nor comm_size: replayed as compute of their "
        "recorded duration",
        text.empty() ? "" : "; ", repairs.opaque_collectives);
  return text;
}

}  // namespace

Workload read_chakra_workload(const std::string& pattern, const TraceOptions& options,
                              const TraceLog& log) {
  const RankFiles files(pattern);
  const std::uint32_t ranks = options.ranks ? *options.ranks : files.count();
  if (ranks == 0) throw UserError(fmt::format("{}: a workload has at least 1 rank", pattern));
  files.check_all_there(ranks, log);

  ProcessGroups groups(ranks);
  if (!options.group_file.empty()) groups.load(options.group_file);
  Workload workload;
  std::vector<UnevenCall> uneven;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    ChakraRepairs repairs;
    auto graph = std::make_shared<const OpGraph>();
    log.attempt(TraceProblem::kFile, [&] {
      graph = std::make_shared<const OpGraph>(
          read_chakra_rank(files.file(rank), RankId(rank), groups, log, repairs, uneven));
    });
    workload.graphs.push_back(std::move(graph));
    if (const std::string text = describe(repairs); !text.empty())
      log.warn(fmt::format("{}: {}", files.file(rank).string(), text));
  }
  if (groups.cut_groups() > 0)
    log.warn(fmt::format(
        "{}: {} declarations of process groups name ranks that are not there; cut to the {} ranks "
        "that are, {} members dropped in all",
        pattern, groups.cut_groups(), ranks, groups.absent_members()));
  workload.groups = groups.groups();
  join_uneven_calls(workload, uneven, log);
  return workload;
}

Workload load_chakra_workload(const std::string& pattern, const TraceOptions& options,
                              std::vector<std::string>* warnings) {
  const TraceLog log{options.strict, warnings, nullptr};
  return finish_trace(read_chakra_workload(pattern, options, log), pattern);
}

}  // namespace plait
