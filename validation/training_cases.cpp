// SPDX-License-Identifier: Apache-2.0
// Generated training jobs beside published figures of real ones. Rows, sources and assumptions: the
// README beside the recorded file.
#include <fmt/format.h>

#include <fstream>
#include <string>
#include <vector>

#include "sim/error.hpp"
#include "study/run.hpp"
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
  std::string when;      ///< "always", or "by hand" where a run takes long.
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields{""};
  for (const char c : line) {
    if (c == ';')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

std::vector<PublishedRow> read_rows(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw UserError({file}, "cannot be read");
  std::vector<PublishedRow> rows;
  std::string line;
  std::getline(in, line);  // titles
  for (int number = 2; std::getline(in, line); ++number) {
    const std::vector<std::string> f = split(line);
    if (f.size() != 10) throw UserError({file, number}, "expected 10 fields");
    rows.push_back(
        {f[0], f[1], f[2], f[3], std::stoll(f[4]), f[5], std::stod(f[6]), f[7], f[8], f[9]});
  }
  return rows;
}

Scenario scenario_of(const PublishedRow& row) {
  const bool a100 = row.host == "dgx_a100";
  const double efficiency = gpu_preset(a100 ? "a100" : "h100").flops_efficiency * kShareOfBest;
  const std::string text = fmt::format(
      "fabric:\n"
      "  topology: {{kind: single_switch, hosts: {}}}\n"
      "  host: {{preset: {}, gpu: {{flops_efficiency: {:.4f}}}}}\n"
      "  link: {{rate: {}, delay: 1us}}\n"
      "jobs:\n"
      "  - {{name: train, generate: {{{}}}}}\n"
      "run: {{fidelity: analytic, record_ops: false, record_messages: false}}\n",
      row.gpus / 8, row.host, efficiency, row.link, row.generate);
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
  const Scenario scenario = scenario_of(row);
  const RunOutcome outcome = run_scenario(scenario, {settings.threads, {}});
  const double seconds = outcome.results.jobs.front().job_completion_time.to_s();
  const double per_gpu =
      counted_flops(row, *scenario.jobs.front().generate) / static_cast<double>(row.gpus) / 1e12;
  const bool timed = row.unit == "s";
  const double their_seconds = timed ? row.published : per_gpu / row.published;
  const double theirs = timed ? per_gpu / row.published : row.published;
  const double ours = per_gpu / seconds;
  CaseResult result{TableId::kTraining, {}, {}};
  result.rows.push_back(
      {{row.name, fmt::format("{}", row.gpus), row.role, fmt::format("{:.2f}", their_seconds),
        fmt::format("{:.2f}", seconds), fmt::format("{:.0f}", theirs), fmt::format("{:.0f}", ours),
        signed_percent(ours / theirs - 1), ""}});
  return result;
}

}  // namespace

std::vector<Case> training_cases(const std::string& folder) {
  std::vector<Case> cases;
  for (const PublishedRow& row : read_rows(folder + "/training/rows.csv"))
    cases.push_back({"training/" + row.name,
                     [row](const Settings& settings) { return compare(row, settings); },
                     row.when == "by hand"});
  return cases;
}

}  // namespace plait::validation
