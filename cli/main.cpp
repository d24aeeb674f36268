// SPDX-License-Identifier: Apache-2.0
// The `plait` program: parses the command line, calls study/, prints.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/guarded.hpp"
#include "sim/error.hpp"
#include "study/version.hpp"

namespace plait::cli {
namespace {

// Says which word stands where a command was expected, and which commands there are; or nothing.
std::string unknown_command(const CLI::App& app) {
  if (!app.get_subcommands().empty()) return unknown_command(*app.get_subcommands().back());
  std::vector<std::string> names;
  const auto all = [](const CLI::App* /*command*/) { return true; };
  for (const CLI::App* command : app.get_subcommands(all)) names.push_back(command->get_name());
  const std::vector<std::string> rest = app.remaining();
  if (names.empty() || rest.empty() || rest.front().starts_with('-')) return {};
  const std::string hint = did_you_mean(rest.front(), names);
  std::string text = "there is no command '" + rest.front() + "'" + (hint.empty() ? ";" : hint);
  text += " commands:";
  for (const std::string& name : names) text += " " + name;
  return text;
}

std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  std::string text = unknown_command(*app);
  if (text.empty()) text = error.what();
  return "error: " + text + "\nRun with --help for more information.\n";
}

int run(int argc, char** argv) {
  CLI::App app(
      "Plait simulates AI and HPC network fabrics: it replays training jobs packet by "
      "packet and reports job completion time and tail latency.",
      "plait");
  app.set_version_flag("--version", "plait " + std::string(version()));
  app.require_subcommand(1);
  app.failure_message(usage_message);
  app.footer(
      "Exit codes: 0 success, 1 mistake in the input, 2 wrong usage, 3 deadlock in the "
      "workload or\nthe network, or flows that gave up, 70 fault of Plait, 130 interrupted.");
  Action action;
  add_run_command(app, action);
  add_validate_command(app, action);
  add_interference_command(app, action);
  add_topo_command(app, action);
  add_trace_command(app, action);
  add_params_command(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  const int code = guarded(action);
  std::cout.flush();
  return code;
}

}  // namespace
}  // namespace plait::cli

int main(int argc, char** argv) { return plait::cli::run(argc, argv); }
