// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/examples.hpp"
#include "cli/interrupt.hpp"
#include "cli/output_folder.hpp"
#include "cli/progress.hpp"
#include "cli/trace_memory.hpp"
#include "models/deadlock_report.hpp"
#include "sim/param_check.hpp"
#include "study/output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "study/text_table.hpp"

namespace plait::cli {

namespace {

struct RunArguments {
  std::string scenario, out, until;
  std::vector<std::string> settings;
  unsigned threads = 0;
  bool quiet = false, force = false, timing = false;
};

// In the words of the option; as a --set it would be blamed for what nobody wrote.
void check_until(const std::string& text) {
  try {
    RunSpec spec;
    spec.until = parse_duration(text);
    if (spec.until == Duration{}) throw UserError("must be more than 0");
    check_ranges(spec, "run");
  } catch (const UserError& error) {
    throw UserError(fmt::format("--until {}: {}", text, error.what()));
  }
}

std::string not_empty(const std::string& text) { return text.empty() ? "the value is empty" : ""; }

struct Ending {
  RunOutcome outcome;
  std::string error;  ///< Why nothing can go on; else empty.
};

Ending run_to_its_end(const Scenario& scenario, const RunSettings& settings) {
  try {
    RunOutcome outcome = run_scenario(scenario, settings);
    // Found by the time limit and not by a deadlock check, which would have thrown.
    const Results& results = outcome.results;
    std::string cycles = standing_cycles(results.records.pause_cycles, *results.context.graph);
    return {std::move(outcome), std::move(cycles)};
  } catch (const StuckRun& stuck) {
    return {std::move(*stuck.outcome()), stuck.what()};
  }
}

int run(const RunArguments& arguments) {
  std::vector<std::string> settings = arguments.settings;
  if (!arguments.until.empty()) {
    check_until(arguments.until);
    settings.push_back("run.until=" + arguments.until);
  }
  const Scenario scenario =
      load_scenario(arguments.scenario.empty() ? default_scenario() : arguments.scenario, settings);
  std::optional<OutputFolder> folder;
  if (!arguments.out.empty()) folder.emplace(arguments.out, arguments.force);

  catch_interrupts();
  ProgressLine line(arguments.quiet);
  SimTime reached{};
  RunSettings run_settings;
  run_settings.threads = arguments.threads;
  run_settings.timing = arguments.timing;
  run_settings.progress = [&](const StudyProgress& progress) {
    reached = progress.run.now;
    line.update(progress);
    return !interrupted();
  };
  const auto [outcome, error] = run_to_its_end(scenario, run_settings);
  line.clear();
  for (const std::string& warning : outcome.warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (outcome.end == RunEnd::kStopped || interrupted()) {
    fmt::print(stderr, "interrupted at simulated time {}; nothing was written\n",
               human(reached.since_start()));
    return kInterrupted;
  }
  if (!arguments.quiet) {
    std::cout << report(outcome.results) << std::flush;
    fmt::print(stderr, "{}\n", performance_line(outcome.results));
    const std::string timing = timing_line(outcome.results);
    if (!timing.empty()) fmt::print(stderr, "{}\n", timing);
  }
  if (folder) {
    write_results(outcome.results, folder->path());
    if (!arguments.quiet) fmt::print(stderr, "results are in {}\n", folder->path().string());
  }
  if (error.empty()) return kOk;
  fmt::print(stderr, "error: {}\n", error);
  return kDeadlock;
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Simulate a scenario and report the results");
  command->add_option("scenario", arguments->scenario,
                      "Scenario file; without it, the recorded Megatron-LM step on one host");
  command->add_option("--set", arguments->settings, "Change a value: path=value (repeatable)")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--out", arguments->out, "Folder for summary.json and results.sqlite")
      ->type_name("DIR")
      ->check(not_empty);
  command->add_option("--threads", arguments->threads, "Threads; 0 = one per core [0]")
      ->check(CLI::Range(0U, 1024U));
  command->add_option("--until", arguments->until, "Stop at this simulated time, such as 10ms")
      ->type_name("TIME")
      ->check(not_empty);
  add_trace_memory(*command);
  command->add_flag("--quiet", arguments->quiet, "Print neither progress nor report");
  command->add_flag("--timing", arguments->timing,
                    "Measure the wall time of switches, hosts and ranks; slows the run a little");
  command->add_flag("--force", arguments->force, "Write into a folder that holds other files");
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace plait::cli
