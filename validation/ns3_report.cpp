// SPDX-License-Identifier: Apache-2.0
#include "validation/ns3_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plait::validation {

namespace {

constexpr double kTieTolerance = 0.001, kMeanTolerance = 0.03;

CaseResult judge_exact(const Ns3Case& one, const std::string& name, const FlowComparison& flows) {
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
                              describe_ties(one.graph(), ties), flow_lines(one, flows));
  return result;
}

}  // namespace

bool is_random(const Ns3Case& one) {
  return one.config().cc == Ns3Cc::kDcqcn && one.reference().flows.size() > 1;
}

CaseResult compare(const Ns3Case& one, const std::string& name, const Settings& settings) {
  const FlowRun first = one.run(1, settings.threads);
  const FlowComparison flows = compare_flows(one.reference().completion, first.completion);
  if (!is_random(one)) return judge_exact(one, name, flows);
  std::vector<double> means{flows.mean_ours};
  for (unsigned seed = 2; seed <= settings.seeds; ++seed)
    means.push_back(
        compare_flows(one.reference().completion, one.run(seed, settings.threads).completion)
            .mean_ours);
  const double mean =
      std::accumulate(means.begin(), means.end(), 0.0) / static_cast<double>(means.size());
  const auto [least, most] = std::minmax_element(means.begin(), means.end());
  const double error = mean / flows.mean_theirs - 1;
  CaseResult result{TableId::kSeeds, {}, {}};
  result.rows.push_back({{name, grouped(flows.mean_theirs), grouped(mean),
                          grouped(*least) + " to " + grouped(*most), signed_percent(error), "3 %"},
                         std::abs(error) <= kMeanTolerance});
  return result;
}

std::string flow_lines(const Ns3Case& one, const FlowComparison& flows) {
  std::string text =
      "| source | destination | bytes | start (ns) | theirs (ns) | ours (ns) | difference (ns) |\n"
      "|---|---|---|---|---|---|---|\n";
  const auto node = [&](std::uint32_t host) { return one.graph().gpu_host(GpuId(host)).value(); };
  for (std::size_t i = 0; i < flows.ours_ns.size(); ++i) {
    const Flow& flow = one.reference().flows[i];
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {:+d} |\n", node(flow.from), node(flow.to),
                        flow.size.count(), flow.start.ps() / 1000, flows.theirs_ns[i],
                        flows.ours_ns[i], flows.difference(i));
  }
  return text;
}

}  // namespace plait::validation
