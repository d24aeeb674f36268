// SPDX-License-Identifier: Apache-2.0
#include "models/deadlock_report.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

#include "sim/check.hpp"

namespace plait {

namespace {

constexpr std::size_t kMaxLines = 12;

// "0-3, 5"; long lists end in a count.
std::string list(const std::vector<RankId>& ranks) {
  constexpr std::size_t kMaxRuns = 8;
  std::string text;
  std::size_t runs = 0;
  for (std::size_t i = 0; i < ranks.size();) {
    if (++runs > kMaxRuns) return text + fmt::format(" and {} more", ranks.size() - i);
    std::size_t j = i + 1;
    while (j < ranks.size() && ranks[j].value() == ranks[j - 1].value() + 1) ++j;
    text += text.empty() ? "" : ", ";
    text += fmt::format("{}", ranks[i].value());
    if (j - i > 1) text += fmt::format("{}{}", j - i > 2 ? "-" : ", ", ranks[j - 1].value());
    i = j;
  }
  return text.empty() ? "none" : text;
}

std::string describe_op(const Rank& rank, OpId op) {
  const OpGraph& graph = rank.plan().graph();
  return fmt::format("'{}' (id {})", graph.name(op), graph.source_id(op));
}

const Op& op_of(const Rank& rank, OpId op) { return rank.plan().graph().op(op); }

// "finished", or the op before which the rank makes no progress.
std::string whereabouts(const Rank& rank) {
  if (!rank.started()) return "not started";
  if (rank.finished()) return "finished";
  const std::vector<WaitInfo> waits = rank.waits();
  if (waits.empty()) return "nothing to wait for";
  const Op& op = op_of(rank, waits.front().op);
  return fmt::format("in {} {}",
                     op.kind == OpKind::kCollective ? to_string(op.collective) : to_string(op.kind),
                     describe_op(rank, waits.front().op));
}

std::string collective_line(std::span<const Rank* const> ranks, const Rank& witness,
                            const WaitInfo& wait) {
  const Op& op = op_of(witness, wait.op);
  const JobContext& job = witness.job();
  const GroupId id = job.group_id(witness.id(), op.group);
  const JobGroup& group = job.group(id);
  std::vector<RankId> joined, absent;
  for (const RankId rank : group.ranks) {
    const bool here = ranks[rank.index()]->calls_joined(id) > wait.call;
    (here ? joined : absent).push_back(rank);
  }
  std::string text =
      fmt::format("{} {} of group '{}' (call {}): joined by ranks {}", to_string(op.collective),
                  describe_op(witness, wait.op), group.name, wait.call, list(joined));
  if (absent.empty())
    return text + fmt::format("; rank {} waits for rank {}", wait.rank.value(), list(wait.silent));
  return text + fmt::format(", not by ranks {} (rank {}: {})", list(absent), absent[0].value(),
                            whereabouts(*ranks[absent[0].index()]));
}

std::string point_to_point_line(const Rank& rank, const WaitInfo& wait) {
  const Op& op = op_of(rank, wait.op);
  return fmt::format("rank {}: {} {} waits for {} rank {} (tag {})", wait.rank.value(),
                     to_string(op.kind), describe_op(rank, wait.op),
                     op.kind == OpKind::kRecv ? "a message from" : "the acknowledgement of",
                     rank.job().peer(rank.id(), op).value(), op.tag);
}

}  // namespace

std::string deadlock_report(std::span<const Rank* const> ranks) {
  std::vector<RankId> stuck;
  std::map<std::pair<GroupId, std::uint32_t>, std::string> collectives;
  std::vector<std::string> others;
  for (const Rank* rank : ranks) {
    if (rank->finished()) continue;
    stuck.push_back(rank->id());
    for (const WaitInfo& wait : rank->waits()) {
      const Op& op = op_of(*rank, wait.op);
      if (wait.waits_for_turn) continue;  // the call before it is in the report
      if (op.kind == OpKind::kCollective) {
        std::string& line = collectives[{rank->job().group_id(rank->id(), op.group), wait.call}];
        if (line.empty()) line = collective_line(ranks, *rank, wait);
      } else if (op.kind != OpKind::kCompute) {
        others.push_back(point_to_point_line(*rank, wait));
      }
    }
  }
  if (stuck.empty()) return {};
  std::vector<std::string> lines{fmt::format(
      "job '{}' cannot go on: {} of {} ranks wait for something that never comes (ranks {})",
      ranks.front()->job().name(), stuck.size(), ranks.size(), list(stuck))};
  for (auto& [call, line] : collectives) lines.push_back(std::move(line));
  for (std::string& line : others) lines.push_back(std::move(line));
  if (lines.size() > kMaxLines) {
    const std::size_t left_out = lines.size() - (kMaxLines - 1);
    lines.resize(kMaxLines - 1);
    lines.push_back(fmt::format("and {} more waits", left_out));
  }
  return fmt::format("{}", fmt::join(lines, "\n  "));
}

std::string cycle_name(const PauseCycle& cycle, const FabricGraph& graph) {
  const auto node_of = [&](PortId port) { return graph.node(graph.port_node(port)).name; };
  std::string text;
  for (const PortId port : cycle.ports)
    text += fmt::format("{}:{} -> ", node_of(port), graph.port_number(port));
  return fmt::format("{}{} (priority {})", text, node_of(cycle.ports.front()), cycle.priority);
}

std::string standing_cycles(const std::vector<PauseCycle>& cycles, const FabricGraph& graph) {
  std::vector<std::string> lines;
  for (const PauseCycle& cycle : cycles)
    if (cycle.resolved == SimTime::never())
      lines.push_back(fmt::format("PFC deadlock: {} have paused each other since {:.3f} us",
                                  cycle_name(cycle, graph), cycle.since.to_us()));
  if (lines.size() > kMaxLines) {
    const std::size_t left_out = lines.size() - (kMaxLines - 1);
    lines.resize(kMaxLines - 1);
    lines.push_back(fmt::format("and {} more cycles of pauses", left_out));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace plait
