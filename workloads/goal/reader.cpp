// SPDX-License-Identifier: Apache-2.0
#include "workloads/goal/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

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

/// One end of messages.
struct End {
  RankId rank;
  OpId op;
  Bytes size;
};

/// Both ends of the messages among which a send and a receive may meet.
struct Ends {
  std::vector<End> sends, recvs;
};

// Source, destination, tag; with wildcards only the destination says who may meet whom.
using MeetingPoint = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

/// The ends of `some` for whose sizes there are none in `others`, in their order.
std::vector<End> without_partner(const std::vector<End>& some, const std::vector<End>& others) {
  std::map<Bytes, std::size_t> left;
  for (const End& end : others) ++left[end.size];
  std::vector<End> alone;
  for (const End& end : some) {
    std::size_t& count = left[end.size];
    if (count == 0)
      alone.push_back(end);
    else
      --count;
  }
  return alone;
}

/// A send and its receive are of one size. Which meet, of those of a meeting point, may depend on
/// the run, so only their sizes as a whole are compared. @pre As many sends as receives.
void check_sizes(const Workload& workload, const std::string& file, bool wildcards,
                 std::string_view place) {
  std::map<MeetingPoint, Ends> meetings;
  for (std::size_t i = 0; i < workload.graphs.size(); ++i) {
    const RankId rank(i);
    for (std::size_t k = 0; k < workload.graphs[i]->size(); ++k) {
      const Op& op = workload.graphs[i]->op(OpId(k));
      if (op.kind != OpKind::kSend && op.kind != OpKind::kRecv) continue;
      const bool sends = op.kind == OpKind::kSend;
      MeetingPoint point{0, (sends ? op.peer : rank).value(), 0};
      if (!wildcards) point = {(sends ? rank : op.peer).value(), std::get<1>(point), op.tag};
      Ends& ends = meetings[point];
      (sends ? ends.sends : ends.recvs).push_back({rank, OpId(k), op.size});
    }
  }
  for (const auto& [point, ends] : meetings) {
    const std::vector<End> sends = without_partner(ends.sends, ends.recvs);
    if (sends.empty()) continue;
    const End& send = sends.front();
    const End recv = without_partner(ends.recvs, ends.sends).front();
    const auto source = [&](const End& end) {
      return workload.graphs[end.rank.index()]->source_id(end.op);
    };
    throw UserError(fmt::format(
        "{}: rank {}, {} {} sends {} to rank {} with tag {}, which in {} {} receives {}; both ends "
        "of a message must be of one size",
        file, send.rank.value(), place, source(send), to_string(send.size), recv.rank.value(),
        workload.graphs[send.rank.index()]->op(send.op).tag, place, source(recv),
        to_string(recv.size)));
  }
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
  const bool binary = is_goal_binary(head);
  workload.graphs = binary ? read_goal_binary(file) : read_goal_text(file);
  Group all{"all", {}};
  for (std::size_t rank = 0; rank < workload.graphs.size(); ++rank) all.ranks.emplace_back(rank);
  workload.groups.push_back(std::move(all));
  const bool wildcards = has_wildcards(workload);
  if (wildcards)
    check_totals(workload, file);
  else
    check_workload(workload, file);
  check_sizes(workload, file, wildcards, binary ? "node" : "line");
  if (wildcards) return workload;
  return compact_tags(std::move(workload));
}

}  // namespace plait
