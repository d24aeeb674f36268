// SPDX-License-Identifier: Apache-2.0
#include "workloads/goal/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "sim/error.hpp"
#include "workloads/goal/binary.hpp"
#include "workloads/goal/scanner.hpp"
#include "workloads/goal/text.hpp"
#include "workloads/message_tags.hpp"
#include "workloads/workload_check.hpp"

namespace plait {

namespace {

bool has_wildcards(const Workload& workload) {
  return std::any_of(workload.graphs.begin(), workload.graphs.end(), [](const auto& graph) {
    return std::any_of(graph->ops().begin(), graph->ops().end(),
                       [](const Op& op) { return op.is_wildcard(); });
  });
}

/// With wildcards only the totals can be compared before a run.
void check_totals(const Workload& workload, const std::string& file) {
  std::vector<std::uint64_t> sent(workload.graphs.size()), received(workload.graphs.size());
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank)
    for (const Op& op : workload.graphs[rank]->ops()) {
      if (op.kind == OpKind::kSend) ++sent[op.peer.index()];
      if (op.kind == OpKind::kRecv) ++received[rank];
    }
  for (std::size_t rank = 0; rank < sent.size(); ++rank)
    if (sent[rank] != received[rank])
      throw UserError(fmt::format("{}: {} messages are sent to rank {}, which receives {}", file,
                                  sent[rank], rank, received[rank]));
}

}  // namespace

bool is_goal(const std::string& file) {
  std::string head(8, '\0');
  std::ifstream(file, std::ios::binary).read(head.data(), 8);
  if (is_goal_binary(head)) return true;
  try {
    return GoalScanner(file).peek().is("num_ranks");
  } catch (const UserError&) {
    return false;
  }
}

Workload load_goal_workload(const std::string& file) {
  std::string head(8, '\0');
  std::ifstream(file, std::ios::binary).read(head.data(), 8);
  Workload workload;
  workload.graphs = is_goal_binary(head) ? read_goal_binary(file) : read_goal_text(file);
  Group all{"all", {}};
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) all.ranks.emplace_back(rank);
  workload.groups.push_back(std::move(all));
  if (has_wildcards(workload)) {
    check_totals(workload, file);
    return workload;
  }
  check_workload(workload, file);
  return compact_tags(std::move(workload));
}

}  // namespace plait
