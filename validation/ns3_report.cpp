// SPDX-License-Identifier: Apache-2.0
#include "validation/ns3_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plait::validation {

namespace {

constexpr double kTieTolerance = 0.001, kMeanTolerance = 0.03;

CaseResult judge_exact(const Ns3Case& one, const std::string& name, const FlowComparison& flows,
                       std::size_t most) {
  const std::vector<Tie> ties = one.ties();
  const bool sorted = !ties.empty() && flows.sorted_worst <= kTieTolerance;
  const double relative = static_cast<double>(flows.difference(flows.worst)) /
                          static_cast<double>(flows.theirs_ns[flows.worst]);
  const std::string worst = flows.exact() ? "0"
                                          : fmt::format("{:+d} ({})", flows.difference(flows.worst),
                                                        signed_percent(relative));
  CaseResult result{TableId::kExact, {}, {}};
  result.rows.push_back({{name, std::to_string(flows.theirs_ns.size()), std::to_string(flows.equal),
                          grouped(flows.mean_theirs), grouped(flows.mean_ours), worst,
                          flows.sorted_worst == 0 ? "0" : signed_percent(flows.sorted_worst),
                          flows.exact() || ties.empty() ? "every flow" : "sorted 0.1 %"},
                         flows.exact() || sorted});
  if (flows.exact()) return result;
  result.detail = fmt::format("{}: same nanosecond, same egress: {}.\n\n{}", name,
                              describe_ties(one.graph(), ties), flow_lines(one, flows, most));
  return result;
}

}  // namespace

bool is_random(const Ns3Case& one) {
  return one.config().cc == Ns3Cc::kDcqcn && one.reference().flows.size() > 1;
}

CaseResult compare(const Ns3Case& one, const std::string& name, const Settings& settings,
                   std::size_t most) {
  const FlowRun first = one.run(1, settings.threads);
  const FlowComparison flows = compare_flows(one.reference().completion, first.completion);
  if (!is_random(one)) return judge_exact(one, name, flows, most);
  std::vector<double> means{flows.mean_ours};
  for (unsigned seed = 2; seed <= settings.seeds; ++seed)
    means.push_back(
        compare_flows(one.reference().completion, one.run(seed, settings.threads).completion)
            .mean_ours);
  const double mean =
      std::accumulate(means.begin(), means.end(), 0.0) / static_cast<double>(means.size());
  const auto [lowest, highest] = std::minmax_element(means.begin(), means.end());
  const double error = mean / flows.mean_theirs - 1;
  CaseResult result{TableId::kSeeds, {}, {}};
  result.rows.push_back(
      {{name, grouped(flows.mean_theirs), grouped(mean),
        grouped(*lowest) + " to " + grouped(*highest), signed_percent(error), "3 %"},
       std::abs(error) <= kMeanTolerance});
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
