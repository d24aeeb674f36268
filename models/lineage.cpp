// SPDX-License-Identifier: Apache-2.0
#include "models/lineage.hpp"

namespace plait {

// Ancestors at equal times so far: where one of the next pair is further back, that event was
// posted earlier.
bool operator<(const Lineage& a, const Lineage& b) {
  if (a.posted_ps_ != b.posted_ps_) return a.posted_ps_ < b.posted_ps_;
  std::size_t i = 0, j = 0;
  std::int64_t used_a = 0, used_b = 0;  // of the runs at hand
  while (i < Lineage::kRuns && j < Lineage::kRuns) {
    const Lineage::Run& run_a = a.runs_[i];
    const Lineage::Run& run_b = b.runs_[j];
    if (run_a.count == 0 || run_b.count == 0) {
      if (run_a.count == run_b.count) break;
      return run_a.count == 0;  // its ancestors end here: posted before the run
    }
    if (run_a.step_ps != run_b.step_ps) return run_a.step_ps > run_b.step_ps;
    const std::int64_t both = std::min(run_a.count - used_a, run_b.count - used_b);
    used_a += both;
    used_b += both;
    if (used_a == run_a.count) ++i, used_a = 0;
    if (used_b == run_b.count) ++j, used_b = 0;
  }
  return a.root_ < b.root_;
}

}  // namespace plait
