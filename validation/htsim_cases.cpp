// SPDX-License-Identifier: Apache-2.0
// htsim's lossless RoCE without congestion control. Figures and their origin: the README beside the
// recorded files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "topologies/fat_tree.hpp"
#include "topologies/leaf_spine.hpp"
#include "validation/cases.hpp"
#include "validation/flow_table.hpp"
#include "validation/htsim_model.hpp"

namespace plait::validation {

namespace {

using Values = std::vector<double>;

/// One number of a distribution of completion times.
struct Figure {
  std::string name;
  double (*of)(Values);
  double tolerance;  ///< 0: shown, without a target.
  /// One run is one draw of the paths: a miss is no fault if theirs is as likely as ours.
  bool drawn = false;
  /// Compared with the runs only in which no link carries more flows than one can have there.
  bool alike = false;
};

/// A run of ours, and how many flows its fullest link carried.
struct Drawn {
  Values times;
  std::int64_t fullest = 0;
};

double mean(Values v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}
// Interpolated between neighbours, as the published figures of these runs are.
double quantile(Values v, double q) {
  std::sort(v.begin(), v.end());
  const double at = q * static_cast<double>(v.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, v.size() - 1);
  return v[below] + (at - static_cast<double>(below)) * (v[above] - v[below]);
}
double median(Values v) { return quantile(std::move(v), 0.5); }
double p99(Values v) { return quantile(std::move(v), 0.99); }
double last(Values v) { return *std::max_element(v.begin(), v.end()); }

Values microseconds(const std::vector<Duration>& times) {
  Values result;
  for (const Duration time : times) result.push_back(time.to_us());
  return result;
}

// Ours is the figure of the flows of all seeds together; the range is that of single seeds.
Row compare_figure(const std::string& name, const Figure& figure, const Values& theirs,
                   const std::vector<Values>& ours) {
  Values all, single;
  for (const Values& seed : ours) {
    all.insert(all.end(), seed.begin(), seed.end());
    single.push_back(figure.of(seed));
  }
  const double low = quantile(single, 0.05), high = quantile(single, 0.95);
  const double expected = figure.of(theirs), found = figure.of(all);
  const double error = found / expected - 1;
  std::string target;
  if (figure.tolerance != 0) target = fmt::format("{} %", figure.tolerance * 100);
  const auto lower = static_cast<double>(
      std::count_if(single.begin(), single.end(), [&](double one) { return one < expected; }));
  const std::string range = fmt::format("{:.2f} to {:.2f}; {:.0f} % are below theirs", low, high,
                                        100 * lower / static_cast<double>(single.size()));
  const bool within = figure.drawn && low <= expected && expected <= high;
  const bool met = figure.tolerance == 0 || std::abs(error) <= figure.tolerance;
  return {{name, figure.name, fmt::format("{:.2f}", expected), fmt::format("{:.2f}", found),
           signed_percent(error), range, target},
          met,
          !met && within};
}

// The figure, over those of our runs that it asks for.
Row compare_drawn(const std::string& name, Figure figure, const FlowTable& theirs,
                  const std::vector<Drawn>& ours) {
  const std::int64_t most = htsim_most_sharing(
      *std::max_element(theirs.completion.begin(), theirs.completion.end()), theirs.flows[0].size);
  std::vector<Values> chosen;
  for (const Drawn& run : ours)
    if (!figure.alike || run.fullest <= most) chosen.push_back(run.times);
  if (figure.alike)
    figure.name += fmt::format(" of {} runs with at most {} flows on a link", chosen.size(), most);
  if (chosen.empty()) return {{name, figure.name, "", "", "", "", "no such run"}, false};
  return compare_figure(name, figure, microseconds(theirs.completion), chosen);
}

// The same flows on the same fabric. Which paths they take is drawn, here and there: permutations,
// whose slowest flows depend on that alone, run ten times as often as seeds are asked for.
Case spread_case(const std::string& name, FabricGraph fabric, const std::string& file,
                 unsigned runs_per_seed, std::vector<Figure> figures) {
  const auto graph = std::make_shared<const FabricGraph>(std::move(fabric));
  return {"htsim/" + name, [=](const Settings& settings) {
            FlowTable table = read_flow_table(file);
            for (Flow& flow : table.flows) flow.size = htsim_padded(flow.size);
            std::vector<Drawn> ours;
            for (unsigned seed = 1; seed <= settings.seeds * runs_per_seed; ++seed) {
              const FlowRun run =
                  run_flows(*graph, htsim_roce(seed), table.flows, {}, settings.threads);
              ours.push_back({microseconds(run.completion),
                              htsim_fullest_link(run.records, table.flows[0].size)});
            }
            CaseResult result{TableId::kSpread, {}, {}};
            for (const Figure& figure : figures)
              result.rows.push_back(compare_drawn(name, figure, table, ours));
            return result;
          }};
}

// One flow of 2 MB from host 0. @param theirs  as printed; empty where their model is faulty.
Case single_case(const std::string& name, FabricGraph fabric, std::uint32_t to, std::int64_t links,
                 CcKind cc, const std::string& theirs) {
  const auto graph = std::make_shared<const FabricGraph>(std::move(fabric));
  return {"htsim/" + name, [=](const Settings&) {
            const Bytes size = htsim_padded(Bytes::mega(2));
            NetworkParams params = htsim_roce(1);
            params.transport.congestion_control.kind = cc;
            const Duration ours = run_flows(*graph, params, {{0, to, size, {}}}).completion[0];
            const Duration formula = htsim_single_flow(size, links);
            const double error = ours.to_us() / formula.to_us() - 1;
            CaseResult result{TableId::kClosed, {}, {}};
            result.rows.push_back(
                {{name, fmt::format("{:.3f}", formula.to_us()), theirs.empty() ? "faulty" : theirs,
                  fmt::format("{:.3f}", ours.to_us()), signed_percent(error), "equal"},
                 ours == formula});
            return result;
          }};
}

FabricGraph fat_tree_128() {
  FatTreeParams tree;
  tree.k = 8;
  return build(tree, htsim_parts());
}

FabricGraph two_tiers(std::int64_t hosts, std::int64_t hosts_per_leaf, std::int64_t spines) {
  return build(LeafSpineParams{hosts, hosts_per_leaf, spines, 1}, htsim_parts());
}

}  // namespace

std::vector<Case> htsim_cases(const std::string& folder) {
  const auto file = [&](const std::string& run) { return folder + "/htsim/fct_" + run + ".csv"; };
  const std::vector<Figure> permutation = {{"p50", median, 0.10, true},
                                           {"p99", p99, 0},
                                           {"p99", p99, 0.10, true, true},
                                           {"mean", mean, 0},
                                           {"mean", mean, 0, false, true}};
  const std::vector<Figure> incast = {{"last", last, 0.001}, {"mean", mean, 0}};
  const std::vector<Figure> all_to_all = {{"mean", mean, 0.05}, {"p99", p99, 0}};
  std::vector<Case> cases;
  cases.push_back(single_case("single_2_links", fat_tree_128(), 1, 2, CcKind::kNone, "167.082"));
  cases.push_back(single_case("single_4_links", fat_tree_128(), 4, 4, CcKind::kNone, "171.758"));
  cases.push_back(single_case("single_6_links", fat_tree_128(), 127, 6, CcKind::kNone, "176.434"));
  cases.push_back(single_case("single_2_links_dcqcn", fat_tree_128(), 1, 2, CcKind::kDcqcn, ""));
  cases.push_back(
      spread_case("incast32", fat_tree_128(), file("roce_ecmp_incast32_100"), 1, incast));
  cases.push_back(
      spread_case("incast32_csg", fat_tree_128(), file("csg_roce_incast32_100"), 1, incast));
  cases.push_back(
      spread_case("all_to_all32", two_tiers(32, 4, 4), file("roce_ecmp_a2a32_100"), 1, all_to_all));
  cases.push_back(
      spread_case("permutation128", fat_tree_128(), file("roce_ecmp_128_2M_100"), 10, permutation));
  cases.push_back(spread_case("permutation64_csg", two_tiers(64, 8, 8), file("csg_roce_64_2M_100"),
                              10, permutation));
  return cases;
}

}  // namespace plait::validation
