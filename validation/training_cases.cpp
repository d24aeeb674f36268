// SPDX-License-Identifier: Apache-2.0
// Generated training jobs beside published figures of real ones. Rows, sources and assumptions: the
// README beside the recorded file.
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "study/run.hpp"
#include "validation/case_table.hpp"
#include "validation/cases.hpp"
#include "workloads/llm/kernel_work.hpp"

namespace plait::validation {

namespace {

/// Reached share of the best measured matrix product (flops_efficiency of the GPU's preset), the
/// same for all rows of all tables and both kinds of GPU. Calibrated on megatron_1.7b and
/// megatron_18b alone.
constexpr double kShareOfBest = 0.705;

/// One line of rows.csv; fields are separated by semicolons.
struct PublishedRow {
  std::string name, host, link, generate;
  std::int64_t gpus = 0;
  std::string flops;     ///< How the source counts: "recomputed", "whole", "causal".
  double published = 0;  ///< In the unit below.
  std::string unit;      ///< "TFLOP/s" per GPU, or "s" per iteration.
  std::string role;      ///< "calibration" or "test".
  /// Where it runs with each fidelity: "test" and report, "report", "never".
  std::string analytic, packets;
};

/// Of an iteration: analytic over packet may be off by this share.
constexpr double kFidelityTolerance = 0.01;

std::vector<PublishedRow> read_rows(const std::string& file) {
  std::vector<PublishedRow> rows;
  for (const auto& f : read_cells(file, ';', 11))
    rows.push_back({f[0], f[1], f[2], f[3], std::llround(number_in(file, f[4])), f[5],
                    number_in(file, f[6]), f[7], f[8], f[9], f[10]});
  return rows;
}

Scenario scenario_of(const PublishedRow& row, const std::string& fidelity) {
  const bool a100 = row.host == "dgx_a100";
  const double efficiency = gpu_preset(a100 ? "a100" : "h100").flops_efficiency * kShareOfBest;
  const std::string text = fmt::format(
      "fabric:\n"
      "  topology: {{kind: single_switch, hosts: {}}}\n"
      "  host: {{preset: {}, gpu: {{flops_efficiency: {:.4f}}}}}\n"
      "  link: {{rate: {}, delay: 1us}}\n"
      "jobs:\n"
      "  - {{name: train, generate: {{{}}}}}\n"
      "run: {{fidelity: {}, record_ops: false, record_messages: false}}\n",
      row.gpus / 8, row.host, efficiency, row.link, row.generate, fidelity);
  return parse_scenario(text, row.name, "");
}

// Of one iteration, as the source counts. With recomputation a layer's forward pass counts twice.
double counted_flops(const PublishedRow& row, const TrainingParams& p) {
  const auto sequences = static_cast<double>(p.global_batch);
  if (row.flops == "causal") return model_flops(p.model, sequences, false);
  const double whole = model_flops(p.model, sequences, true);
  if (row.flops == "whole") return whole;
  const double output = 6 * sequences * static_cast<double>(p.model.sequence_length) *
                        static_cast<double>(p.model.hidden_size * p.model.vocabulary);
  return whole + (whole - output) / 3;
}

CaseResult compare(const PublishedRow& row, const Settings& settings) {
  const Scenario scenario = scenario_of(row, "analytic");
  const RunOutcome outcome = run_scenario(scenario, {settings.threads, {}});
  const double seconds = outcome.results.jobs.front().job_completion_time.to_s();
  const double per_gpu =
      counted_flops(row, *scenario.jobs.front().generate) / static_cast<double>(row.gpus) / 1e12;
  const bool timed = row.unit == "s";
  const double their_seconds = timed ? row.published : per_gpu / row.published;
  const double theirs = timed ? per_gpu / row.published : row.published;
  const double ours = per_gpu / seconds;
  CaseResult result{TableId::kTraining, {}, {}};
  Row line{{row.name, fmt::format("{}", row.gpus), row.role, fmt::format("{:.2f}", their_seconds),
            fmt::format("{:.2f}", seconds), fmt::format("{:.0f}", theirs),
            fmt::format("{:.0f}", ours), signed_percent(ours / theirs - 1), ""}};
  line.error = ours / theirs - 1;
  result.rows.push_back(std::move(line));
  return result;
}

struct Iteration {
  Duration end, exposed;  // exposed communication: of the first rank
};

Iteration run_iteration(const PublishedRow& row, const std::string& fidelity,
                        const Settings& settings) {
  const RunOutcome outcome = run_scenario(scenario_of(row, fidelity), {settings.threads, {}});
  return {outcome.results.jobs.front().job_completion_time,
          outcome.results.records.ranks.front().exposed_communication};
}

CaseResult compare_fidelities(const PublishedRow& row, const Settings& settings) {
  const Iteration packet = run_iteration(row, "packet", settings);
  const Iteration analytic = run_iteration(row, "analytic", settings);
  const double gap = analytic.end.to_s() / packet.end.to_s() - 1;
  CaseResult result{TableId::kFidelity, {}, {}};
  result.rows.push_back(
      {{row.name, fmt::format("{}", row.gpus), fmt::format("{:.1f}", packet.exposed.to_s() * 1e3),
        fmt::format("{:.1f}", analytic.exposed.to_s() * 1e3),
        fmt::format("{:.4f}", packet.end.to_s()), fmt::format("{:.4f}", analytic.end.to_s()),
        signed_percent(gap), fmt::format("{:.0f} %", kFidelityTolerance * 100)},
       std::abs(gap) <= kFidelityTolerance});
  return result;
}

}  // namespace

std::vector<Case> training_cases(const std::string& folder) {
  std::vector<Case> cases;
  for (const PublishedRow& row : read_rows(folder + "/training/rows.csv")) {
    cases.push_back({"training/" + row.name,
                     [row](const Settings& settings) { return compare(row, settings); },
                     row.analytic != "test"});
    if (row.packets == "never") continue;
    cases.push_back({"training/" + row.name + "_fidelities",
                     [row](const Settings& settings) { return compare_fidelities(row, settings); },
                     row.packets != "test"});
  }
  return cases;
}

}  // namespace plait::validation
