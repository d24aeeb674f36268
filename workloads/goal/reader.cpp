// SPDX-License-Identifier: Apache-2.0
#include "workloads/goal/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "sim/check.hpp"
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

/// One end of a message. The first three say which sends and receives may meet; sorting puts those
/// together, the sends first.
struct End {
  std::uint32_t source = 0, destination = 0, tag = 0;
  bool receives = false;
  RankId rank;
  OpId op;
  Bytes size{};
  friend auto operator<=>(const End&, const End&) = default;

  bool may_meet(const End& other) const {
    return source == other.source && destination == other.destination && tag == other.tag;
  }
};

/// All ends, sorted. With wildcards only the destination says who may meet whom.
SpillVector<End> collect_ends(const Workload& workload, bool wildcards) {
  SpillVector<End> ends;
  for (std::size_t i = 0; i < workload.graphs.size(); ++i) {
    const RankId rank(i);
    for (std::size_t k = 0; k < workload.graphs[i]->size(); ++k) {
      const Op& op = workload.graphs[i]->op(OpId(k));
      if (op.kind != OpKind::kSend && op.kind != OpKind::kRecv) continue;
      const bool sends = op.kind == OpKind::kSend;
      End end{0, (sends ? op.peer : rank).value(), 0, !sends, rank, OpId(k), op.size};
      if (!wildcards) {
        end.source = (sends ? rank : op.peer).value();
        end.tag = op.tag;
      }
      ends.push_back(end);
    }
  }
  std::sort(ends.begin(), ends.end());
  return ends;
}

SpillVector<Bytes> sorted_sizes(std::span<const End> ends) {
  SpillVector<Bytes> sizes;
  for (const End& end : ends) sizes.push_back(end.size);
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

/// The first of `some` for whose size there is none left in `others`. @pre there is one.
const End& first_without_partner(std::span<const End> some, std::span<const End> others) {
  std::map<Bytes, std::size_t> left;
  for (const End& end : others) ++left[end.size];
  const auto alone =
      std::find_if(some.begin(), some.end(), [&](const End& end) { return left[end.size]-- == 0; });
  PLAIT_CHECK(alone != some.end(), "as many ends of other sizes");
  return *alone;
}

/// A send and its receive are of one size. Which meet, of those that may, can depend on the run, so
/// only their sizes as a whole are compared. @pre As many sends as receives.
void check_sizes(const Workload& workload, const std::string& file, bool wildcards,
                 std::string_view place) {
  const SpillVector<End> ends = collect_ends(workload, wildcards);
  for (auto first = ends.begin(); first != ends.end();) {
    const auto last =
        std::find_if(first, ends.end(), [&](const End& end) { return !end.may_meet(*first); });
    const auto middle = std::find_if(first, last, [](const End& end) { return end.receives; });
    const std::span<const End> sends(first, middle), recvs(middle, last);
    first = last;
    if (sorted_sizes(sends) == sorted_sizes(recvs)) continue;
    const End& send = first_without_partner(sends, recvs);
    const End& recv = first_without_partner(recvs, sends);
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
