// SPDX-License-Identifier: Apache-2.0
// Bus bandwidths that nccl-tests measured on hosts of eight H100. Rows and sources: the README
// beside the recorded file.
#include <fmt/format.h>

#include <cmath>
#include <string>

#include "study/run.hpp"
#include "validation/case_table.hpp"
#include "validation/cases.hpp"

namespace plait::validation {

namespace {

struct BusRow {
  std::string name, hosts, kind, size;
  double measured = 0;  ///< GB/s.
  std::string algorithm, fidelity;
  double tolerance = 0;  ///< 0: shown, without a target.
};

CaseResult compare(const BusRow& row, const Settings& settings) {
  const std::string text = fmt::format(
      "fabric:\n"
      "  topology: {{kind: single_switch, hosts: {}}}\n"
      "  host: {{preset: dgx_h100}}\n"
      "  link: {{rate: 400Gbps, delay: 500ns}}\n"
      "transport: {{mtu: 4096B}}\n"
      "collectives: {{algorithm: {}}}\n"
      "jobs: [{{name: a, collective: {{kind: {}, size: {}, ranks: {}}}}}]\n"
      "run: {{fidelity: {}, record_messages: false}}\n",
      row.hosts, row.algorithm, row.kind, row.size, 8 * std::stoi(row.hosts), row.fidelity);
  const RunOutcome outcome =
      run_scenario(parse_scenario(text, row.name, ""), {settings.threads, {}});
  const auto& call = outcome.results.collectives.at(0);
  const double ours = call.bus_bandwidth * 1e-9;
  const double error = ours / row.measured - 1;
  CaseResult result{TableId::kBus, {}, {}};
  Row line{{row.name, row.size, row.fidelity, fmt::format("{} {}", call.algorithm, call.protocol),
            fmt::format("{:.1f}", row.measured), fmt::format("{:.1f}", ours), signed_percent(error),
            row.tolerance == 0 ? "" : fmt::format("{:.0f} %", row.tolerance * 100)},
           row.tolerance == 0 || std::abs(error) <= row.tolerance};
  line.error = error;
  result.rows.push_back(std::move(line));
  return result;
}

}  // namespace

std::vector<Case> nccl_cases(const std::string& folder) {
  const std::string file = folder + "/nccl/rows.csv";
  std::vector<Case> cases;
  for (const auto& f : read_cells(file, ',', 8)) {
    const BusRow row{
        f[0], f[1], f[2], f[3], number_in(file, f[4]), f[5], f[6], number_in(file, f[7])};
    cases.push_back({fmt::format("nccl/{}_{}_{}", row.name, row.size, row.fidelity),
                     [row](const Settings& settings) { return compare(row, settings); },
                     row.tolerance == 0});
  }
  return cases;
}

}  // namespace plait::validation
