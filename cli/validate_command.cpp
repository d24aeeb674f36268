// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/trace_memory.hpp"
#include "study/build.hpp"
#include "study/custom_algorithms.hpp"

namespace plait::cli {

namespace {

struct ValidateArguments {
  std::string scenario;
  std::vector<std::string> settings;
};

int validate(const ValidateArguments& arguments) {
  const Scenario scenario = load_scenario(arguments.scenario, arguments.settings);
  Experiment experiment;
  if (scenario.run.fidelity == Fidelity::kLoggops) {
    experiment.fabric.summary = "none (run.fidelity loggops)";
    experiment.jobs = load_jobs(scenario, nullptr, experiment.warnings);
  } else {
    experiment = build_experiment(scenario);
  }
  for (const std::string& warning : experiment.warnings)
    fmt::print(stderr, "warning: {}\n", warning);
  std::cout << scenario_yaml(scenario, true);
  std::cout << "# fabric: " << experiment.fabric.summary << "\n";
  for (std::size_t i = 0; i < experiment.jobs.size(); ++i) {
    std::cout << "# job " << experiment.jobs[i].name << ": "
              << experiment.jobs[i].workload.graphs.size() << " ranks";
    if (experiment.fabric.graph)
      std::cout << " on " << placement_text(*experiment.fabric.graph, experiment.placements[i]);
    std::cout << "\n";
  }
  for (const std::string& line : custom_algorithm_lines(scenario))
    std::cout << "# " << line << "\n";
  return kOk;
}

}  // namespace

void add_validate_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ValidateArguments>();
  CLI::App* command = app.add_subcommand(
      "validate", "Check a scenario and print every value in force and where it came from");
  command->add_option("scenario", arguments->scenario, "Scenario file")->required();
  command->add_option("--set", arguments->settings, "Change a value: path=value (repeatable)")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->take_all();
  add_trace_memory(*command);
  command->callback(
      [arguments, &action] { action = [arguments] { return validate(*arguments); }; });
}

void add_params_command(CLI::App& app, Action& action) {
  struct Arguments {
    std::string filter;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("params", "List every parameter: type, default, range, help and source");
  command->add_option("filter", arguments->filter, "Start of a path, or a word");
  command->add_flag("--json", arguments->json, "As JSON");
  command->callback([arguments, &action] {
    action = [arguments] {
      const std::vector<ListedParam> params = filter_params(scenario_params(), arguments->filter);
      std::cout << (arguments->json ? params_json(params) : params_table(params));
      return kOk;
    };
  });
}

}  // namespace plait::cli
