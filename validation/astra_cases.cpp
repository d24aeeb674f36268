// SPDX-License-Identifier: Apache-2.0
// Collectives of ASTRA-sim's analytical backends. Figures, their origin and where that model is
// sound: the README beside the recorded file.
#include <fmt/format.h>

#include <cmath>
#include <string>

#include "sim/units.hpp"
#include "study/run.hpp"
#include "validation/case_table.hpp"
#include "validation/cases.hpp"

namespace plait::validation {

namespace {

/// ASTRA-sim cuts a collective into this many splits and runs one after the other.
constexpr std::int64_t kSplits = 4;
/// What its reductions cost: two reads and a write of local memory, bytes per second.
constexpr double kPasses = 3, kMemoryRate = 1.6e12;
constexpr std::int64_t kLinkRate = 50LL * 8 << 30;  // "50 GB/s" are 50 GiB/s
/// From 64 MiB on; at 1 MiB the first packet of every step counts, which has no counterpart.
constexpr double kTolerance = 0.001, kPacketTolerance = 0.01;
/// Calls end with their last ACK here: half a microsecond each.
constexpr double kAcksUs = 0.5 * kSplits;
constexpr std::int64_t kLarge = 64 << 20, kSeconds = 1 << 30;

struct AstraRow {
  std::string collective, topology;
  std::int64_t ranks = 0;
  std::int64_t bytes = 0;
  double end_us = 0;
  std::string fidelity;

  bool ring() const { return topology == "Ring"; }
  bool star() const { return topology == "Switch"; }
  bool reduces() const { return collective == "reduce_scatter" || collective == "all_reduce"; }
};

// All links of a rank as one port of a switch: a ring uses one of them, a full mesh all at once.
std::string scenario_text(const AstraRow& row) {
  const std::int64_t links = row.ring() || row.star() ? 1 : row.ranks - 1;
  return fmt::format(
      "fabric:\n"
      "  topology: {{kind: single_switch, hosts: {}}}\n"
      "  host: {{gpus: 1, nics: 1}}\n"
      "  link: {{rate: {}bps, delay: {}}}\n"
      "  switch: {{latency: 0ns}}\n"
      "transport:\n"
      "  {{mtu: 4096B, header: 0B, gap: 0B, ack: 1B,\n"
      "   congestion_control: {{kind: none, bdp_multiple: 0}}}}\n"
      "collectives:\n"
      "  {{algorithm: {}, protocol: simple, channels: 1, launch: 0ns, step_inter: 10ns}}\n"
      "jobs:\n"
      "  - {{name: a, collective: {{kind: {}, size: {}B, ranks: {}, repeat: {}}}}}\n"
      "run: {{fidelity: {}, record_ops: false, record_messages: false}}\n",
      row.ranks, links * kLinkRate, row.star() ? "500ns" : "250ns", row.ring() ? "ring" : "direct",
      row.collective, row.bytes / kSplits, row.ranks, kSplits, row.fidelity);
}

// us of their end that reductions take, one behind the other: of every step of a ring; of a mesh,
// where they go side by side, of one piece.
double additions_us(const AstraRow& row) {
  if (!row.reduces()) return 0;
  const auto n = static_cast<double>(row.ranks);
  const double pieces = row.ring() ? n - 1 : 1;
  return kPasses * pieces * static_cast<double>(row.bytes) / n / kMemoryRate * 1e6;
}

CaseResult compare(const AstraRow& row, const Settings& settings) {
  const RunOutcome outcome =
      run_scenario(parse_scenario(scenario_text(row), row.collective, ""), {settings.threads, {}});
  const double ours = outcome.results.jobs.front().job_completion_time.to_us();
  const double additions = additions_us(row);
  const double comparable = row.end_us - additions;
  const double error = ours / row.end_us - 1, rest = ours / comparable - 1;
  const bool target = row.bytes >= kLarge && !row.star(), packet = row.fidelity == "packet";
  const double allowed = packet ? kPacketTolerance * comparable + kAcksUs : kTolerance * comparable;
  CaseResult result{TableId::kAstra, {}, {}};
  Row line{{row.collective, fmt::format("{} {}", row.topology, row.ranks),
            to_string(Bytes(row.bytes)), row.fidelity, fmt::format("{:.2f}", row.end_us),
            fmt::format("{:.2f}", additions), fmt::format("{:.2f}", ours), signed_percent(error),
            signed_percent(rest), target ? packet ? "1 % and ACKs" : "0.1 %" : ""},
           !target || std::abs(ours - comparable) <= allowed};
  line.error = error;
  result.rows.push_back(std::move(line));
  return result;
}

// Ring and full mesh, which both backends compute alike, and all-to-all through a switch. Not
// all-to-all on a ring: there every rank hands on what is for others, which no algorithm here does.
bool is_sound(const std::string& backend, const AstraRow& row, const std::string& rate) {
  if (rate != "50.0") return false;
  if (row.star()) return backend == "aware" && row.collective == "all_to_all";
  return backend == "unaware" && !(row.ring() && row.collective == "all_to_all");
}

}  // namespace

std::vector<Case> astra_cases(const std::string& folder) {
  const std::string file = folder + "/astra/collectives.csv";
  std::vector<Case> cases;
  for (const auto& f : read_cells(file, ',', 9)) {
    AstraRow row{f[1],
                 f[2],
                 std::llround(number_in(file, f[3])),
                 std::llround(number_in(file, f[7])),
                 number_in(file, f[8]) * 1e-3,
                 ""};
    if (!is_sound(f[0], row, f[4])) continue;
    // What a ring costs with fidelity analytic is NCCL's estimate, of a machine that this is not.
    for (const char* fidelity : {"packet", "analytic"}) {
      row.fidelity = fidelity;
      if (row.ring() && row.fidelity == "analytic") continue;
      cases.push_back({fmt::format("astra/{}_{}_{}_{}_{}", row.collective, row.topology, row.ranks,
                                   row.bytes, row.fidelity),
                       [row](const Settings& settings) { return compare(row, settings); },
                       row.bytes >= kSeconds});
    }
  }
  return cases;
}

}  // namespace plait::validation
