// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/trace_memory.hpp"
#include "study/interference.hpp"

namespace plait::cli {

namespace {

struct Arguments {
  std::string scenario;
  std::vector<std::string> settings;
  unsigned threads = 0;
  bool pairs = false, json = false, quiet = false;
};

int run(const Arguments& arguments) {
  const Scenario scenario = load_scenario(arguments.scenario, arguments.settings);
  catch_interrupts();
  InterferenceSettings settings;
  settings.pairs = arguments.pairs;
  settings.threads = arguments.threads;
  settings.progress = [&](std::size_t number, std::size_t count, const std::string& what) {
    if (!arguments.quiet) fmt::print(stderr, "run {} of {}: {}\n", number + 1, count, what);
    return !interrupted();
  };
  const Interference result = measure_interference(scenario, settings);
  std::cout << (arguments.json ? interference_json(result) : interference_table(result));
  return kOk;
}

}  // namespace

void add_interference_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "interference", "Run each job alone and all together: what they cost each other");
  command->add_option("scenario", arguments->scenario, "Scenario file")->required();
  command->add_option("--set", arguments->settings, "Change a value: path=value (repeatable)")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--pairs", arguments->pairs, "Also every pair of jobs");
  command->add_flag("--json", arguments->json, "As JSON");
  command->add_option("--threads", arguments->threads, "Threads; 0 = one per core [0]")
      ->check(CLI::Range(0U, 1024U));
  add_trace_memory(*command);
  command->add_flag("--quiet", arguments->quiet, "Do not say which run is on");
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace plait::cli
