// SPDX-License-Identifier: Apache-2.0
#include "study/collective_results.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "sim/check.hpp"
#include "sim/statistics.hpp"

namespace plait {
namespace {

struct Call {
  std::uint32_t ranks = 0;
  Duration shortest = Duration::max();
  SimTime last_start{}, last_end{};

  /// On the rank that came last. Where data goes from or to a root, ranks leave before it is all
  /// there: until the last one has left.
  Duration of_last_arriver(CollectiveKind kind) const {
    return has_root(kind) ? last_end - last_start : shortest;
  }
};

struct CallDuration {  // on one rank
  std::size_t call;
  Duration duration;
};

/// The calls of one (job, group, kind, size), in order.
using SeriesKey = std::tuple<JobId, GroupId, CollectiveKind, Bytes>;
struct Series {
  SpillVector<Call> calls;
  SpillVector<CallDuration> durations;
  std::optional<CollectiveChoice> choice;
  RankId current;        // ops come rank by rank:
  std::size_t next = 0;  // index of the next call of `current`
};

/// One line of the summary: the groups of one size are alike (the tensor-parallel groups of a job).
using SummaryKey = std::tuple<JobId, CollectiveKind, Bytes, std::uint32_t, std::string,
                              std::string_view>;  // size of the group, algorithm, protocol
struct Collected {
  std::vector<Duration> durations, last_arriver;
};

std::map<SeriesKey, Series> collect_series(const SpillVector<OpRecord>& ops,
                                           const std::vector<JobInfo>& jobs) {
  std::map<SeriesKey, Series> all;
  for (const OpRecord& record : ops) {
    PLAIT_CHECK_LT(record.job.index(), jobs.size());
    const Op& op = jobs[record.job.index()].workload.graphs[record.rank.index()]->op(record.op);
    if (op.kind != OpKind::kCollective) continue;
    const Workload& workload = jobs[record.job.index()].workload;
    const GroupId group = workload.group(record.rank, op.group);
    const auto [found, is_new] = all.try_emplace({record.job, group, op.collective, op.size});
    Series& series = found->second;
    if (is_new) series.choice = choice_of(jobs[record.job.index()], group, op);
    if (series.current != record.rank) {
      series.current = record.rank;
      series.next = 0;
    }
    if (series.next == series.calls.size()) series.calls.emplace_back();
    Call& call = series.calls[series.next++];
    const Duration duration = record.end - record.start;
    ++call.ranks;
    call.shortest = std::min(call.shortest, duration);
    call.last_start = std::max(call.last_start, record.start);
    call.last_end = std::max(call.last_end, record.end);
    series.durations.push_back({series.next - 1, duration});
  }
  return all;
}

CollectiveSummary summarise(const SummaryKey& key, Collected collected) {
  const auto& [job, kind, size, group_size, algorithm, protocol] = key;
  const Quantiles<Duration> durations(std::move(collected.durations));
  const Quantiles<Duration> last(std::move(collected.last_arriver));
  CollectiveSummary sum{.job = job,
                        .kind = kind,
                        .size = size,
                        .group_size = group_size,
                        .algorithm = algorithm,
                        .protocol = protocol,
                        .calls = last.count(),
                        .p50 = durations.at(0.5),
                        .max = durations.max(),
                        .last_arriver_p50 = last.at(0.5),
                        .last_arriver_max = last.max()};
  if (sum.last_arriver_p50 > Duration()) {
    const Bytes bytes = algorithm_bytes(kind, size, group_size);
    sum.algorithm_bandwidth = static_cast<double>(bytes.count()) / sum.last_arriver_p50.to_s();
    sum.bus_bandwidth = sum.algorithm_bandwidth * bus_factor(kind, group_size);
  }
  return sum;
}

}  // namespace

std::vector<CollectiveSummary> summarise_collectives(const SpillVector<OpRecord>& ops,
                                                     const std::vector<JobInfo>& jobs) {
  std::map<SummaryKey, Collected> lines;
  for (auto& [key, series] : collect_series(ops, jobs)) {
    const auto& [job, group, kind, size] = key;
    const auto ranks = jobs[job.index()].workload.groups[group.index()].ranks.size();
    const auto group_size = static_cast<std::uint32_t>(ranks);
    const auto algorithm = series.choice ? series.choice->name() : std::string();
    const auto protocol = series.choice ? to_string(series.choice->protocol) : std::string_view();
    Collected& line = lines[{job, kind, size, group_size, algorithm, protocol}];
    for (const Call& call : series.calls)
      if (call.ranks == group_size) line.last_arriver.push_back(call.of_last_arriver(kind));
    for (const CallDuration& on_rank : series.durations)
      if (series.calls[on_rank.call].ranks == group_size)
        line.durations.push_back(on_rank.duration);
  }

  std::vector<CollectiveSummary> sums;
  for (auto& [key, collected] : lines)
    if (!collected.last_arriver.empty()) sums.push_back(summarise(key, std::move(collected)));
  std::stable_sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) {
    const auto cost = [](const CollectiveSummary& s) {
      return s.last_arriver_p50 * static_cast<std::int64_t>(s.calls);
    };
    return a.job != b.job ? a.job < b.job : cost(a) > cost(b);
  });
  return sums;
}

Bytes algorithm_bytes(CollectiveKind kind, Bytes size, std::uint32_t group_size) {
  const bool of_one_rank = kind == CollectiveKind::kAllGather || kind == CollectiveKind::kGather ||
                           kind == CollectiveKind::kScatter;
  return of_one_rank ? size * group_size : size;
}

double bus_factor(CollectiveKind kind, std::uint32_t group_size) {
  const double n = group_size;
  switch (kind) {
    case CollectiveKind::kAllReduce:
      return 2 * (n - 1) / n;
    case CollectiveKind::kAllGather:
    case CollectiveKind::kReduceScatter:
    case CollectiveKind::kAllToAll:
    case CollectiveKind::kGather:
    case CollectiveKind::kScatter:
      return (n - 1) / n;
    case CollectiveKind::kBroadcast:
    case CollectiveKind::kReduce:
    case CollectiveKind::kBarrier:
      return 1;
  }
  PLAIT_CHECK(false, "unknown collective");
}

}  // namespace plait
