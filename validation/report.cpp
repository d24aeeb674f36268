// SPDX-License-Identifier: Apache-2.0
#include "validation/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "sim/error.hpp"

namespace plait::validation {

namespace {

std::string line(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string details(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const Outcome& outcome : outcomes)
    if (!outcome.result.detail.empty()) text += outcome.result.detail + "\n";
  return text.empty() ? "None.\n" : text;
}

std::vector<Row> rows_of(const std::vector<Outcome>& outcomes, TableId id) {
  std::vector<Row> rows;
  for (const Outcome& outcome : outcomes)
    if (outcome.result.table == id)
      rows.insert(rows.end(), outcome.result.rows.begin(), outcome.result.rows.end());
  if (is_worst_first(id))
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return std::abs(a.error) > std::abs(b.error);
    });
  return rows;
}

// What the reader should know first: of each kind of published figure the rows that are furthest
// off.
std::string worst(const std::vector<Outcome>& outcomes) {
  constexpr std::size_t kShown = 4;
  struct Part {
    TableId id;
    const char* title;
    std::size_t named_by;  // columns
  };
  std::string text;
  for (const Part& part : {Part{TableId::kBus, "NCCL bus bandwidths", 3},
                           Part{TableId::kAstra, "ASTRA-sim collectives", 4},
                           Part{TableId::kTraining, "published training runs, TFLOP/s", 1}}) {
    const std::vector<Row> rows = rows_of(outcomes, part.id);
    if (rows.empty()) continue;
    std::vector<std::string> named;
    for (std::size_t i = 0; i < std::min(kShown, rows.size()); ++i) {
      const auto cells = rows[i].cells.begin();
      named.push_back(fmt::format(
          "{} {}", fmt::join(cells, cells + static_cast<std::ptrdiff_t>(part.named_by), " "),
          signed_percent(rows[i].error)));
    }
    text += fmt::format("- {} ({} rows): {}.\n", part.title, rows.size(), fmt::join(named, "; "));
  }
  return text;
}

std::string summary(const std::vector<Outcome>& outcomes, const Settings& settings) {
  std::size_t rows = 0, met = 0, within_spread = 0;
  for (const Outcome& outcome : outcomes)
    for (const Row& row : outcome.result.rows) {
      const bool has_target = !row.cells.back().empty();
      rows += has_target;
      met += has_target && row.met;
      within_spread += has_target && row.within_spread;
    }
  std::string text = fmt::format("{} of {} rows meet their target", met, rows);
  if (within_spread != 0)
    text += fmt::format("; {} misses it within the spread of our own runs", within_spread);
  return text + fmt::format(". Random cases: {} seeds of ours.\n", settings.seeds);
}

}  // namespace

std::vector<Outcome> run_cases(const std::vector<Case>& cases, const Settings& settings,
                               unsigned workers,
                               const std::function<void(const Outcome&)>& finished) {
  std::vector<Outcome> outcomes(cases.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < cases.size(); i = next++) {
      try {
        outcomes[i] = {cases[i].name, cases[i].run(settings)};
        const std::lock_guard lock(mutex);
        if (finished) finished(outcomes[i]);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
        next = cases.size();
      }
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < workers; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
  return outcomes;
}

std::string table(const std::vector<Outcome>& outcomes, TableId id) {
  std::vector<std::string> header = columns(id);
  header.emplace_back("met");
  std::string rows;
  for (const Row& row : rows_of(outcomes, id)) {
    std::vector<std::string> cells = row.cells;
    const bool has_target = !cells.back().empty();
    cells.emplace_back(!has_target         ? "shown only"
                       : row.met           ? "yes"
                       : row.within_spread ? "**no**, within our spread"
                                           : "**no**");
    rows += line(cells);
  }
  if (rows.empty()) return rows;
  return line(header) + line(std::vector<std::string>(header.size(), "---")) + rows;
}

std::string tables(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const TableId id : {TableId::kTraining, TableId::kFidelity, TableId::kBus, TableId::kAstra,
                           TableId::kExact, TableId::kSeeds, TableId::kClosed, TableId::kSpread})
    if (const std::string part = table(outcomes, id); !part.empty()) text += part + "\n";
  return text + details(outcomes);
}

std::string fill_template(const std::string& text, const std::vector<Outcome>& outcomes,
                          const Settings& settings) {
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"exact", table(outcomes, TableId::kExact)},
      {"seeds", table(outcomes, TableId::kSeeds)},
      {"closed", table(outcomes, TableId::kClosed)},
      {"spread", table(outcomes, TableId::kSpread)},
      {"training", table(outcomes, TableId::kTraining)},
      {"fidelity", table(outcomes, TableId::kFidelity)},
      {"bus", table(outcomes, TableId::kBus)},
      {"astra", table(outcomes, TableId::kAstra)},
      {"worst", worst(outcomes)},
      {"details", details(outcomes)},
      {"summary", summary(outcomes, settings)}};
  std::string result = text;
  for (const auto& [name, part] : parts) {
    const std::string mark = "<!-- " + name + " -->\n";
    const std::size_t at = result.find(mark);
    if (at == std::string::npos) throw UserError("the template has no line " + mark);
    result.replace(at, mark.size(), part);
  }
  return result;
}

}  // namespace plait::validation
