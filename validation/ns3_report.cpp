// SPDX-License-Identifier: Apache-2.0
#include "validation/ns3_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plait::validation {

namespace {

constexpr double kTieTolerance = 0.001, kMeanTolerance = 0.03;

// A mark is drawn between the thresholds, and two of the four senders react to marks.
bool is_random(const Ns3Case& one, const FlowRun& run) {
  const Ns3Config& config = one.config();
  if (config.cc != Ns3Cc::kDcqcn && config.cc != Ns3Cc::kDctcp) return false;
  if (run.records.totals.ecn_marks == 0) return false;
  const EcnParams ecn = one.network().switches.ecn;
  return ecn.k_min != ecn.k_max;
}

Row exact_row(const std::string& name, const FlowComparison& flows, bool ties) {
  const double relative = static_cast<double>(flows.difference(flows.worst)) /
                          static_cast<double>(flows.theirs_ns[flows.worst]);
  const std::string worst = flows.exact() ? "0"
                                          : fmt::format("{:+d} ({})", flows.difference(flows.worst),
                                                        signed_percent(relative));
  const bool sorted = ties && flows.sorted_worst <= kTieTolerance;
  return {{name, std::to_string(flows.theirs_ns.size()), std::to_string(flows.equal),
           grouped(flows.mean_theirs), grouped(flows.mean_ours), worst,
           flows.sorted_worst == 0 ? "0" : signed_percent(flows.sorted_worst),
           flows.exact() || !ties ? "every flow" : "sorted 0.1 %"},
          flows.exact() || sorted};
}

Row mean_row(const std::string& name, double theirs, const std::vector<double>& ours) {
  const double mean =
      std::accumulate(ours.begin(), ours.end(), 0.0) / static_cast<double>(ours.size());
  const auto [lowest, highest] = std::minmax_element(ours.begin(), ours.end());
  const double error = mean / theirs - 1;
  return {{name, grouped(theirs), grouped(mean), grouped(*lowest) + " to " + grouped(*highest),
           signed_percent(error), "3 %"},
          std::abs(error) <= kMeanTolerance};
}

std::string pause_lines(const PauseComparison& pauses) {
  std::string text = fmt::format("Pause frames: {} theirs, {} ours, {} equal to the ns.\n",
                                 pauses.theirs, pauses.ours, pauses.equal);
  if (!pauses.exact()) text += fmt::format("First difference: {}.\n", pauses.first_difference);
  return text;
}

std::string explain(const Ns3Case& one, const std::string& name, const FlowComparison& flows,
                    std::size_t most) {
  const std::string text = fmt::format("{}: same nanosecond, same egress: {}.\n", name,
                                       describe_ties(one.graph(), one.ties()));
  return text + "\n" + flow_lines(one, flows, most);
}

}  // namespace

CaseResult compare(const Ns3Case& one, const std::string& name, const Settings& settings,
                   const Detail& detail) {
  const FlowRun first = one.run(1, settings.threads);
  const FlowComparison flows = compare_flows(one.reference().completion, first.completion);
  CaseResult result;
  if (is_random(one, first)) {
    std::vector<double> means{flows.mean_ours};
    for (unsigned seed = 2; seed <= settings.seeds; ++seed)
      means.push_back(
          compare_flows(one.reference().completion, one.run(seed, settings.threads).completion)
              .mean_ours);
    result.table = TableId::kSeeds;
    result.rows.push_back(mean_row(name, flows.mean_theirs, means));
  } else {
    result.rows.push_back(exact_row(name, flows, !one.ties().empty()));
    if (!flows.exact()) result.detail = explain(one, name, flows, detail.most);
  }
  if (detail.always && result.detail.empty()) result.detail = flow_lines(one, flows, detail.most);
  const auto pauses = one.compare_pauses(first);
  if (!pauses) return result;
  result.detail += "\n" + pause_lines(*pauses);
  // After a tie, or with other marks, the frames come at other times: then they are only shown.
  if (flows.exact()) result.rows[0].met = pauses->exact();
  return result;
}

std::string flow_lines(const Ns3Case& one, const FlowComparison& flows, std::size_t most) {
  std::vector<std::size_t> shown(flows.ours_ns.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  const auto apart = [&](std::size_t flow) { return std::abs(flows.difference(flow)); };
  std::stable_sort(shown.begin(), shown.end(),
                   [&](std::size_t a, std::size_t b) { return apart(a) > apart(b); });
  if (shown.size() > most) shown.resize(most);
  std::sort(shown.begin(), shown.end());
  std::string text =
      "| source | destination | bytes | start (ns) | theirs (ns) | ours (ns) | difference (ns) |\n"
      "|---|---|---|---|---|---|---|\n";
  const auto node = [&](std::uint32_t host) { return one.graph().gpu_host(GpuId(host)).value(); };
  for (const std::size_t i : shown) {
    const Flow& flow = one.reference().flows[i];
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {:+d} |\n", node(flow.from), node(flow.to),
                        flow.size.count(), flow.start.ps() / 1000, flows.theirs_ns[i],
                        flows.ours_ns[i], flows.difference(i));
  }
  if (shown.size() < flows.ours_ns.size())
    text +=
        fmt::format("\nThe {} flows that differ most of {}.\n", shown.size(), flows.ours_ns.size());
  return text;
}

}  // namespace plait::validation
