// SPDX-License-Identifier: Apache-2.0
#include "study/interference.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "sim/error.hpp"
#include "study/run.hpp"
#include "study/text_table.hpp"

namespace plait {

namespace {

using Times = std::vector<std::optional<Duration>>;  // by job

/// One run with some of the jobs; nobody waits for the others of the background alone.
struct Part {
  std::string what;
  std::vector<bool> runs;
};

Times times_of(const Scenario& scenario, const Part& part, unsigned threads) {
  RunSettings settings;
  settings.threads = threads;
  settings.runs = part.runs;
  const RunOutcome outcome = run_scenario(scenario, settings);
  Times times;
  for (std::size_t j = 0; j < scenario.jobs.size(); ++j) {
    const JobSummary& job = outcome.results.jobs[j];
    const bool counts = part.runs[j] && !scenario.jobs[j].background && job.finished;
    times.push_back(counts ? std::optional(job.job_completion_time) : std::nullopt);
  }
  return times;
}

Part part_of(const Scenario& scenario, const std::vector<std::size_t>& jobs) {
  Part part{"", std::vector<bool>(scenario.jobs.size())};
  for (const std::size_t job : jobs) {
    part.runs[job] = true;
    part.what += (part.what.empty() ? "" : " with ") + scenario.jobs[job].name;
  }
  return part;
}

std::vector<Part> parts_of(const Scenario& scenario, bool pairs) {
  const std::size_t jobs = scenario.jobs.size();
  std::vector<Part> parts{{"all jobs", std::vector<bool>(jobs, true)}};
  for (std::size_t a = 0; a < jobs; ++a)
    if (!scenario.jobs[a].background) parts.push_back(part_of(scenario, {a}));
  for (std::size_t a = 0; pairs && a < jobs; ++a)
    for (std::size_t b = a + 1; b < jobs; ++b)
      if (!scenario.jobs[a].background || !scenario.jobs[b].background)
        parts.push_back(part_of(scenario, {a, b}));
  return parts;
}

std::string text(const std::optional<Duration>& time) { return time ? human(*time, 6) : "-"; }
std::string text(const std::optional<double>& factor) {
  return factor ? fmt::format("{:.3f}", *factor) : "-";
}

nlohmann::ordered_json json(const std::optional<Duration>& time) {
  if (!time) return nullptr;
  return static_cast<double>(time->ps()) / 1e6;
}
nlohmann::ordered_json json(const std::optional<double>& factor) {
  if (!factor) return nullptr;
  return *factor;
}

}  // namespace

std::optional<double> slowdown(const std::optional<Duration>& alone,
                               const std::optional<Duration>& together) {
  if (!alone || !together || *alone <= Duration()) return std::nullopt;
  return static_cast<double>(together->ps()) / static_cast<double>(alone->ps());
}

Interference measure_interference(const Scenario& scenario, const InterferenceSettings& settings) {
  const std::size_t jobs = scenario.jobs.size();
  if (jobs < 2)
    throw UserError(scenario.at("jobs", "there is one job; interference needs two at least"));
  if (scenario.run.fidelity != Fidelity::kPacket)
    throw UserError(scenario.at("run.fidelity",
                                "only run.fidelity: packet has jobs that get in each other's way"));
  Interference result;
  result.scenario_name = scenario.name;
  result.pairs = settings.pairs;
  for (const JobSpec& job : scenario.jobs) {
    result.jobs.emplace_back();
    result.jobs.back().name = job.name;
    result.jobs.back().background = job.background;
    result.jobs.back().with.resize(jobs);
  }
  const std::vector<Part> parts = parts_of(scenario, settings.pairs);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (settings.progress && !settings.progress(i, parts.size(), parts[i].what))
      throw UserError("stopped");
    const Times times = times_of(scenario, parts[i], settings.threads);
    std::vector<std::size_t> members;
    for (std::size_t j = 0; j < jobs; ++j)
      if (parts[i].runs[j]) members.push_back(j);
    for (const std::size_t j : members) {
      JobInterference& job = result.jobs[j];
      if (i == 0) job.together = times[j];
      if (members.size() == 1) job.alone = times[j];
      // Of two jobs, all together are the pair.
      if (members.size() == 2) job.with[j == members[0] ? members[1] : members[0]] = times[j];
    }
  }
  return result;
}

std::string interference_table(const Interference& interference) {
  TextTable jobs("Interference", {"job", "alone", "together", "slowdown"}, 1);
  for (const JobInterference& job : interference.jobs)
    jobs.add({job.name + (job.background ? " (background)" : ""), text(job.alone),
              text(job.together), text(slowdown(job.alone, job.together))});
  std::string result = interference.scenario_name + "\n\n" + jobs.text();
  if (!interference.pairs) return result;
  std::vector<std::string> columns = {"slowdown of \\ by"};
  for (const JobInterference& job : interference.jobs) columns.push_back(job.name);
  TextTable pairs("Pairs", columns, 1);
  for (const JobInterference& job : interference.jobs) {
    if (job.background) continue;
    std::vector<std::string> cells = {job.name};
    for (const auto& with : job.with) cells.push_back(text(slowdown(job.alone, with)));
    pairs.add(std::move(cells));
  }
  return result + pairs.text();
}

std::string interference_json(const Interference& interference) {
  nlohmann::ordered_json jobs = nlohmann::ordered_json::array();
  for (const JobInterference& job : interference.jobs) {
    nlohmann::ordered_json line = {{"name", job.name},
                                   {"background", job.background},
                                   {"jct_alone_us", json(job.alone)},
                                   {"jct_together_us", json(job.together)},
                                   {"slowdown", json(slowdown(job.alone, job.together))}};
    if (interference.pairs) {
      line["slowdown_with"] = nlohmann::ordered_json::object();
      for (std::size_t j = 0; j < job.with.size(); ++j)
        if (job.with[j])
          line["slowdown_with"][interference.jobs[j].name] = json(slowdown(job.alone, job.with[j]));
    }
    jobs.push_back(std::move(line));
  }
  return nlohmann::ordered_json{{"scenario", interference.scenario_name}, {"jobs", jobs}}.dump(2) +
         "\n";
}

}  // namespace plait
