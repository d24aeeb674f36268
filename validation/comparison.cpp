// SPDX-License-Identifier: Apache-2.0
#include "validation/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace plait::validation {

bool CaseResult::met() const {
  return std::all_of(rows.begin(), rows.end(),
                     [](const Row& row) { return row.met || row.within_spread; });
}

const std::vector<std::string>& columns(TableId table) {
  static const std::map<TableId, std::vector<std::string>> titles = {
      {TableId::kExact,
       {"case", "flows", "equal to the ns", "mean, theirs (ns)", "mean, ours (ns)",
        "worst flow (ns)", "worst when sorted", "target"}},
      {TableId::kSeeds,
       {"case", "mean, theirs, one run (ns)", "mean, ours (ns)", "our seeds, least to most (ns)",
        "error", "target"}},
      {TableId::kClosed, {"case", "formula (us)", "theirs (us)", "ours (us)", "error", "target"}},
      {TableId::kSpread,
       {"case", "figure", "theirs, one run (us)", "ours (us)", "error",
        "our runs, 5 % to 95 % (us)", "target"}},
      {TableId::kTraining,
       {"case", "GPUs", "row", "iteration, theirs (s)", "ours (s)", "TFLOP/s per GPU, theirs",
        "ours", "error", "target"}},
      {TableId::kFidelity,
       {"case", "GPUs", "exposed, packet (ms)", "analytic (ms)", "iteration, packet (s)",
        "analytic (s)", "analytic over packet", "target"}},
      {TableId::kBus,
       {"case", "size", "fidelity", "algorithm", "measured (GB/s)", "ours (GB/s)", "error",
        "target"}},
      {TableId::kAstra,
       {"collective", "topology", "size", "fidelity", "theirs (us)", "of it additions (us)",
        "ours (us)", "error", "without additions", "target"}}};
  return titles.at(table);
}

bool is_worst_first(TableId table) {
  return table == TableId::kTraining || table == TableId::kBus || table == TableId::kAstra;
}

std::string signed_percent(double share) {
  if (share == 0) return "0";
  const double percent = share * 100;
  const int digits =
      std::clamp(1 - static_cast<int>(std::floor(std::log10(std::abs(percent)))), 0, 6);
  return fmt::format("{:+.{}f} %", percent, digits);
}

std::string grouped(double value) {
  const std::string digits = fmt::format("{:.0f}", std::abs(value));
  std::string text = value < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace plait::validation
