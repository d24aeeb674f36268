// SPDX-License-Identifier: Apache-2.0
#include "study/findings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/deadlock_report.hpp"
#include "sim/check.hpp"
#include "study/results.hpp"
#include "study/text_table.hpp"

namespace plait {

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::kPfcDeadlock:
      return "pfc_deadlock";
    case FindingKind::kHeadroomOverflow:
      return "headroom_overflow";
    case FindingKind::kWatchdogDrops:
      return "watchdog_drops";
    case FindingKind::kPfcStorm:
      return "pfc_storm";
    case FindingKind::kHeadOfLine:
      return "head_of_line";
    case FindingKind::kUnfairness:
      return "unfairness";
    case FindingKind::kIncast:
      return "incast";
    case FindingKind::kPausedLinks:
      return "paused_links";
  }
  PLAIT_CHECK(false, "unknown kind of finding");
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  PLAIT_CHECK(false, "unknown severity");
}

namespace {

void find_deadlocks(const Results& results, std::vector<Finding>& findings) {
  for (const PauseCycle& cycle : results.records.pause_cycles) {
    const std::string name = cycle_name(cycle, *results.context.graph);
    const bool stands = cycle.resolved == SimTime::never();
    const std::string since = human(cycle.since.since_start());
    findings.push_back(
        {FindingKind::kPfcDeadlock, stands ? Severity::kError : Severity::kWarning, name,
         cycle.since.to_us(),
         stands ? fmt::format("PFC deadlock: {} have paused each other since {}", name, since)
                : fmt::format("PFC deadlock: {} paused each other from {} until something broke "
                              "it, seen at {}",
                              name, since, human(cycle.resolved.since_start()))});
  }
}

void find_drops(const Results& results, std::vector<Finding>& findings) {
  const RunContext& context = results.context;
  const bool forwards =
      results.records.totals.watchdog_triggers > 0 && results.records.totals.watchdog_drops == 0;
  const std::string advice = forwards ? "the PFC watchdog sends in spite of pauses"
                             : context.headroom_needed > Bytes()
                                 ? fmt::format("enlarge fabric.switch.pfc.headroom, {} are needed",
                                               to_string(context.headroom_needed))
                                 : "fabric.switch.pfc.headroom is too small";
  for (std::size_t i = 0; i < results.records.links.size(); ++i) {
    const LinkRecord& link = results.records.links[i];
    const std::string name = context.graph->link_name(PortId(i));
    if (link.lossless_drops > 0)
      findings.push_back(
          {FindingKind::kHeadroomOverflow, Severity::kError, name,
           static_cast<double>(link.lossless_drops),
           fmt::format("headroom overflow: {} dropped on the way to {}; {}",
                       counted(link.lossless_drops, "lossless packet"), name, advice)});
    if (link.watchdog_drops > 0)
      findings.push_back({FindingKind::kWatchdogDrops, Severity::kWarning, name,
                          static_cast<double>(link.watchdog_drops),
                          fmt::format("PFC watchdog: {} dropped at {}, found stuck {}",
                                      counted(link.watchdog_drops, "packet"), name,
                                      counted(link.watchdog_triggers, "time"))});
  }
}

}  // namespace

std::vector<Finding> find_pathologies(const Results& results) {
  std::vector<Finding> findings;
  find_deadlocks(results, findings);
  find_drops(results, findings);
  find_pauses(results, findings);
  find_incasts(results, findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.severity != b.severity) return a.severity < b.severity;
    const bool least_first =
        a.kind == FindingKind::kUnfairness || a.kind == FindingKind::kPfcDeadlock;
    return least_first ? a.value < b.value : a.value > b.value;
  });
  return findings;
}

std::string findings_section(const Results& results) {
  constexpr std::size_t kMostOfAKind = 3, kWidth = 100, kIndent = 2;
  std::string text;
  std::size_t shown = 0;
  const auto add = [&](std::string line) {
    for (std::size_t indent = kIndent; !line.empty(); indent = 2 * kIndent) {
      std::size_t cut = line.size();
      if (indent + cut > kWidth) {
        cut = line.rfind(' ', kWidth - indent);
        if (cut == std::string::npos) cut = std::min(line.find(' '), line.size());
      }
      text += std::string(indent, ' ') + line.substr(0, cut) + "\n";
      line.erase(0, std::min(cut + 1, line.size()));
    }
  };
  for (std::size_t i = 0; i < results.findings.size(); ++i) {
    const Finding& finding = results.findings[i];
    const bool first = i == 0 || results.findings[i - 1].kind != finding.kind;
    shown = first ? 1 : shown + 1;
    if (shown <= kMostOfAKind)
      add(fmt::format("{}: {}", to_string(finding.severity), finding.text));
    const bool last =
        i + 1 == results.findings.size() || results.findings[i + 1].kind != finding.kind;
    if (last && shown > kMostOfAKind)
      add(fmt::format("({} more of {} in the results)", shown - kMostOfAKind,
                      to_string(finding.kind)));
  }
  return text.empty() ? "" : "Pathologies\n" + text + "\n";
}

}  // namespace plait
